"""What the server refuses with 422: bad names, missing or impossible values, changes to what cannot change."""
from __future__ import annotations

import re
from typing import Any

from .resources import Resource
from .status import Cause, bad_value, cause, invalid, required, unsupported

Document = dict[str, Any]
LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = re.compile(rf"{LABEL}(\.{LABEL})*")
DNS_LABEL = re.compile(LABEL)
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
SECRET_LIMIT = 1024 * 1024
NOT_SUBDOMAIN = ("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with "
                 "an alphanumeric character (e.g. 'example.com', regex used for validation is "
                 "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
NOT_LABEL = ("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
             "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
NOT_SERVICE = ("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with "
               "an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')")


def check(resource: Resource, document: Document, old: Document | None) -> None:
    """Raise 422 with every cause found."""
    causes = _metadata(resource, document["metadata"])
    causes += _KINDS.get(resource.kind, lambda document: [])(document)
    if old is not None and not causes:
        causes = _CHANGES.get(resource.kind, lambda old, new: [])(old, document)
    if causes:
        raise invalid(resource.kind, resource.group, document["metadata"].get("name", ""), causes)


def _metadata(resource: Resource, metadata: Document) -> list[Cause]:
    name = metadata.get("name", "")
    pattern, why, longest = SUBDOMAIN, NOT_SUBDOMAIN, 253
    if resource.kind == "Namespace":
        pattern, why, longest = DNS_LABEL, NOT_LABEL, 63
    elif resource.kind == "Service":
        pattern, why, longest = SERVICE_NAME, NOT_SERVICE, 63
    causes = []
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    elif not pattern.fullmatch(name):
        causes.append(bad_value("metadata.name", name, why))
    elif len(name) > longest:
        causes.append(bad_value("metadata.name", name, f"must be no more than {longest} characters"))
    return causes + _labels("metadata.labels", metadata.get("labels", {})) + _annotations(metadata.get("annotations", {}))


def _labels(field: str, labels: dict[str, str]) -> list[Cause]:
    causes = [bad_value(field, key, "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
                        "alphanumeric character") for key in labels if not QUALIFIED.fullmatch(key)]
    return causes + [bad_value(field, value, "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
                               "and must start and end with an alphanumeric character (at most 63)")
                     for value in labels.values() if not LABEL_VALUE.fullmatch(value)]


def _annotations(annotations: dict[str, str]) -> list[Cause]:
    causes = [bad_value("metadata.annotations", key, "name part must consist of alphanumeric characters, '-', '_' or '.'")
              for key in annotations if not QUALIFIED.fullmatch(key.lower())]
    if sum(len(key) + len(value) for key, value in annotations.items()) > 256 * 1024:
        causes.append(cause("metadata.annotations", "Too long: may not be more than 262144 bytes", "FieldValueTooLong"))
    return causes


def _deployment(document: Document) -> list[Cause]:
    spec = document["spec"]
    template = spec["template"]
    causes = [bad_value("spec.replicas", spec["replicas"], "must be greater than or equal to 0")] if spec["replicas"] < 0 else []
    selector = spec.get("selector")
    labels = template["metadata"].get("labels", {})
    if not selector:
        causes.append(required("spec.selector"))
    elif not _selects(selector, labels):
        causes.append(bad_value("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"))
    kind = spec["strategy"]["type"]
    if kind not in ("Recreate", "RollingUpdate"):
        causes.append(unsupported("spec.strategy.type", kind, ("Recreate", "RollingUpdate")))
    elif kind == "Recreate" and "rollingUpdate" in spec["strategy"]:
        causes.append(cause("spec.strategy.rollingUpdate", "Forbidden: may not be specified when strategy `type` is 'Recreate'",
                            "FieldValueForbidden"))
    return causes + _labels("spec.template.metadata.labels", labels) + _pod("spec.template.spec", template["spec"])


def _selects(selector: Document, labels: dict[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) \
        and bool(selector.get("matchLabels") or selector.get("matchExpressions"))


def _pod(field: str, spec: Document) -> list[Cause]:
    causes = [] if spec.get("containers") else [required(f"{field}.containers")]
    volumes = {volume.get("name") for volume in spec.get("volumes", [])}
    if spec["restartPolicy"] != "Always":
        causes.append(unsupported(f"{field}.restartPolicy", spec["restartPolicy"], ("Always",)))
    for group in ("initContainers", "containers"):
        for number, item in enumerate(spec.get(group, [])):
            causes += _container(f"{field}.{group}[{number}]", item, volumes)
    return causes


def _container(field: str, item: Document, volumes: set[Any]) -> list[Cause]:
    causes = []
    if not item.get("name"):
        causes.append(required(f"{field}.name"))
    elif not DNS_LABEL.fullmatch(item["name"]):
        causes.append(bad_value(f"{field}.name", item["name"], NOT_LABEL))
    if not item.get("image"):
        causes.append(required(f"{field}.image"))
    elif item["image"] != item["image"].strip():
        causes.append(bad_value(f"{field}.image", item["image"], "must not have leading or trailing whitespace"))
    if item["imagePullPolicy"] not in ("Always", "IfNotPresent", "Never"):
        causes.append(unsupported(f"{field}.imagePullPolicy", item["imagePullPolicy"], ("Always", "IfNotPresent", "Never")))
    for number, port in enumerate(item.get("ports", [])):
        causes += _port(f"{field}.ports[{number}].containerPort", port.get("containerPort", 0))
    for number, variable in enumerate(item.get("env", [])):
        if not variable.get("name"):
            causes.append(required(f"{field}.env[{number}].name"))
        if variable.get("value") and "valueFrom" in variable:
            causes.append(bad_value(f"{field}.env[{number}].valueFrom", "", "may not be specified when `value` is not empty"))
    for number, mount in enumerate(item.get("volumeMounts", [])):
        if mount.get("name") not in volumes:
            causes.append(cause(f"{field}.volumeMounts[{number}].name", f'Not found: "{mount.get("name", "")}"', "FieldValueNotFound"))
    return causes


def _port(field: str, number: Any) -> list[Cause]:
    good = isinstance(number, int) and 0 < number < 65536
    return [] if good else [bad_value(field, number, "must be between 1 and 65535, inclusive")]


def _service(document: Document) -> list[Cause]:
    spec = document["spec"]
    known = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    causes = [] if spec["type"] in known else [unsupported("spec.type", spec["type"], known)]
    ports = spec.get("ports", [])
    if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        causes.append(required("spec.ports"))
    for number, port in enumerate(ports):
        causes += _port(f"spec.ports[{number}].port", port.get("port", 0))
        if len(ports) > 1 and not port.get("name"):
            causes.append(required(f"spec.ports[{number}].name"))
        if port.get("protocol") not in ("SCTP", "TCP", "UDP"):
            causes.append(unsupported(f"spec.ports[{number}].protocol", port.get("protocol"), ("SCTP", "TCP", "UDP")))
    for number, source in enumerate(spec.get("loadBalancerSourceRanges", [])):
        if not re.fullmatch(r"\d+\.\d+\.\d+\.\d+/\d{1,2}", source.strip()):
            causes.append(bad_value(f"spec.LoadBalancerSourceRanges[{number}]", source, "must be a valid CIDR value, (e.g. 10.9.8.0/24)"))
    return causes


def _data(document: Document) -> list[Cause]:
    causes = [bad_value(f"data[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'")
              for key in document.get("data", {}) if not DATA_KEY.fullmatch(key)]
    if sum(len(value) for value in document.get("data", {}).values()) > SECRET_LIMIT * 4 // 3:
        causes.append(cause("data", "Too long: may not be more than 1048576 bytes", "FieldValueTooLong"))
    return causes


def _immutable(field: str, value: Any) -> list[Cause]:
    return [bad_value(field, value, "field is immutable")]


def _deployment_change(old: Document, new: Document) -> list[Cause]:
    return [] if old["spec"]["selector"] == new["spec"]["selector"] else _immutable("spec.selector", new["spec"]["selector"])


def _service_change(old: Document, new: Document) -> list[Cause]:
    before, after = old["spec"], new["spec"]
    causes = []
    if "ExternalName" not in (before["type"], after["type"]) and before.get("clusterIP") != after.get("clusterIP"):
        causes.append(bad_value("spec.clusterIPs[0]", [after.get("clusterIP")], "may not change once set"))
    same_type = before["type"] == after["type"] == "LoadBalancer"
    if same_type and before.get("loadBalancerClass") != after.get("loadBalancerClass"):
        causes.append(bad_value("spec.loadBalancerClass", after.get("loadBalancerClass"), "may not change once set"))
    return causes


def _frozen_data(old: Document, new: Document) -> list[Cause]:
    causes = []
    if old.get("type") != new.get("type"):
        causes += _immutable("type", new.get("type"))
    if old.get("immutable"):
        forbidden = "Forbidden: field is immutable when `immutable` is set"
        causes += [cause(name, forbidden, "FieldValueForbidden") for name in ("immutable", "data") if old.get(name) != new.get(name)]
    return causes


_KINDS = {"Deployment": _deployment, "Service": _service, "Secret": _data, "ConfigMap": _data}
_CHANGES = {"Deployment": _deployment_change, "Service": _service_change, "Secret": _frozen_data, "ConfigMap": _frozen_data}
