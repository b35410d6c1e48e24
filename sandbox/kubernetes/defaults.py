"""What the server fills in: every field a client left out and the real server answers with."""
from __future__ import annotations

import base64
import ipaddress
from typing import Any

Document = dict[str, Any]
SERVICE_NET = ipaddress.ip_network("172.20.0.0/16")
NODE_PORTS = range(30000, 32768)


def fill(kind: str, document: Document, others: list[Document]) -> None:
    """Defaults in place; `others` are the objects of the kind, for addresses that must be free."""
    if kind == "Deployment":
        _deployment(document.setdefault("spec", {}))
    elif kind == "Service":
        _service(document.setdefault("spec", {}), others)
        document.setdefault("status", {"loadBalancer": {}})
    elif kind == "Secret":
        _secret(document)
    elif kind == "Namespace":
        document.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        document.setdefault("status", {"phase": "Active"})
        document["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = document["metadata"]["name"]


def _secret(document: Document) -> None:
    document.setdefault("type", "Opaque")
    written = document.pop("stringData", None)
    if written:
        data = document.setdefault("data", {})
        data.update({key: base64.b64encode(value.encode()).decode() for key, value in written.items()})


def _deployment(spec: Document) -> None:
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod(template.setdefault("spec", {}))


def pod(spec: Document) -> None:
    """A pod's or a template's spec."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    elif spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"]
    for item in [*spec.get("initContainers", []), *spec.get("containers", [])]:
        _container(item)
    for volume in spec.get("volumes", []):
        _volume(volume)


def _container(item: Document) -> None:
    item.setdefault("resources", {})
    item.setdefault("terminationMessagePath", "/dev/termination-log")
    item.setdefault("terminationMessagePolicy", "File")
    image = item.get("image", "")
    tag = image.rpartition("/")[2].partition(":")[2]
    latest = "@" not in image and tag in ("", "latest")
    item.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    for port in item.get("ports", []):
        port.setdefault("protocol", "TCP")
    for variable in item.get("env", []):
        field = variable.get("valueFrom", {}).get("fieldRef")
        if field is not None:
            field.setdefault("apiVersion", "v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in item:
            _probe(item[name])
    limits, requests = item["resources"].get("limits"), item["resources"].get("requests", {})
    if limits:
        item["resources"]["requests"] = {**limits, **requests}


def _probe(probe: Document) -> None:
    for name, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        probe[name] = probe.get(name) or value
    if "httpGet" in probe:
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")


def _volume(volume: Document) -> None:
    if list(volume) == ["name"]:
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "projected", "downwardAPI"):
        if name in volume:
            volume[name].setdefault("defaultMode", 0o644)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    for source in volume.get("projected", {}).get("sources", []):
        if "serviceAccountToken" in source:
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)


def _service(spec: Document, others: list[Document]) -> None:
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["sessionAffinity"] == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {}).setdefault("timeoutSeconds", 10800)
    for port in spec.get("ports", []):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if spec["type"] == "ExternalName":
        return
    _addresses(spec, others)
    spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    else:
        spec.pop("externalTrafficPolicy", None)
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    else:
        spec.pop("allocateLoadBalancerNodePorts", None)
    _node_ports(spec, others)


def _addresses(spec: Document, others: list[Document]) -> None:
    if not spec.get("clusterIP"):
        taken = {other.get("spec", {}).get("clusterIP") for other in others}
        start = 10 + len(taken)
        spec["clusterIP"] = next(str(SERVICE_NET[n]) for n in range(start, 65000) if str(SERVICE_NET[n]) not in taken)
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")


def _node_ports(spec: Document, others: list[Document]) -> None:
    """Ports on the nodes for the types that have them, unless told not to."""
    if spec["type"] not in ("NodePort", "LoadBalancer") or spec.get("allocateLoadBalancerNodePorts") is False:
        if spec["type"] == "ClusterIP":
            for port in spec.get("ports", []):
                port.pop("nodePort", None)
        return
    taken = {port.get("nodePort") for other in others for port in other.get("spec", {}).get("ports", [])}
    for port in spec.get("ports", []):
        if not port.get("nodePort"):
            port["nodePort"] = next(number for number in NODE_PORTS if number not in taken)
        taken.add(port["nodePort"])
