"""Writes: what a client sent becomes the stored object, or a refusal."""
from __future__ import annotations

import copy
import uuid
from typing import Any

from . import apply, decode, defaults, managers, patches, schema, validate
from .call import Call
from .cluster import Cluster
from .resources import Resource
from .status import Refusal, already_exists, conflict, no_such_path, not_found
from .store import Document

SYSTEM = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields")
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def create(cluster: Cluster, call: Call) -> tuple[Document, int]:
    resource = call.kind
    document = _read(call, call.request.body)
    metadata = document.setdefault("metadata", {})
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
    _place(call, document)
    if metadata.get("resourceVersion"):
        raise Refusal(400, "resourceVersion should not be set on objects to be created")
    if cluster.store.get(resource.plural, call.namespace, metadata.get("name", "")):
        raise already_exists(resource.plural, resource.group, metadata["name"])
    return _commit(cluster, call, None, document), 201


def update(cluster: Cluster, call: Call) -> tuple[Document, int]:
    old = _live(cluster, call)
    document = _read(call, call.request.body)
    _place(call, document)
    return _commit(cluster, call, old, _allocated(call.kind, old, document)), 200


def patch(cluster: Cluster, call: Call) -> tuple[Document, int]:
    if call.patch == "apply":
        return _apply(cluster, call)
    old = _live(cluster, call)
    body, _ = decode.from_json(call.request.body)
    before = copy.deepcopy(old)
    if call.patch == "json":
        document = patches.json_patch(before, body)
    elif not isinstance(body, dict):
        raise Refusal(400, "a merge patch must be an object")
    else:
        document = patches.merge(before, body) if call.patch == "merge" else patches.strategic(call.kind.ref, before, body)
    document = schema.drop_nulls(document)
    document = _checked(call, document, [])
    _place(call, document)
    return _commit(cluster, call, old, document), 200


def _apply(cluster: Cluster, call: Call) -> tuple[Document, int]:
    resource = call.kind
    wanted, duplicates = decode.from_yaml(call.request.body)
    if not isinstance(wanted, dict):
        raise Refusal(400, "error decoding YAML: not an object")
    wanted = schema.drop_nulls(wanted)
    if duplicates and call.query.get("fieldValidation") == "Strict":
        raise Refusal(400, f"error strict decoding YAML: {', '.join(duplicates)}")
    if "managedFields" in wanted.get("metadata", {}):
        raise Refusal(400, "metadata.managedFields must be nil")
    _check_kind(call, wanted)
    unknown, wrong = schema.problems(resource.ref, wanted)
    found = [f"{path}: field not declared in schema" for path in unknown] + wrong
    if found:
        whole = f"{call.namespace}/{call.name}" if call.namespace else f"/{call.name}"
        raise Refusal(400, f"failed to create typed patch object ({whole}; {resource.api_version}, Kind={resource.kind}): {'; '.join(found)}")
    wanted.setdefault("metadata", {}).setdefault("name", call.name)
    _place(call, wanted)
    old = cluster.store.get(resource.plural, call.namespace, call.name)
    _precondition(call, old, wanted["metadata"])
    for name in ("resourceVersion", "uid"):  # preconditions, not wishes
        wanted["metadata"].pop(name, None)
    document = apply.apply(resource.ref, old, wanted, call.query["fieldManager"], force=call.flag("force"), now=cluster.now)
    return _commit(cluster, call, old, document, owned=True), 200 if old else 201


def _precondition(call: Call, old: Document | None, metadata: Document) -> None:
    resource = call.kind
    live = old["metadata"] if old else {}
    if metadata.get("resourceVersion") and metadata["resourceVersion"] != live.get("resourceVersion"):
        raise conflict(resource.plural, resource.group, call.name, MODIFIED)
    if metadata.get("uid") and metadata["uid"] != live.get("uid"):
        raise conflict(resource.plural, resource.group, call.name,
                       f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {live.get('uid', '')}")


def _live(cluster: Cluster, call: Call) -> Document:
    resource = call.kind
    old = cluster.store.get(resource.plural, call.namespace, call.name)
    if old is None:
        raise not_found(resource.plural, resource.group, call.name)
    return old


def _read(call: Call, body: bytes) -> Document:
    document, duplicates = decode.from_body(body, call.request.header("Content-Type"))
    if not isinstance(document, dict):
        raise Refusal(400, "Object 'Kind' is missing in the body of the request")
    document = schema.drop_nulls(document)
    _check_kind(call, document)
    return _checked(call, document, duplicates)


def _check_kind(call: Call, document: Document) -> None:
    resource = call.kind
    if not document.get("kind") or not document.get("apiVersion"):
        raise Refusal(400, f"Object '{'apiVersion' if document.get('kind') else 'Kind'}' is missing in '{document.get('kind', '')}'")
    if (document["kind"], document["apiVersion"]) != (resource.kind, resource.api_version):
        raise Refusal(400, f"the API version in the data ({document['apiVersion']}, Kind={document['kind']}) does not match the expected "
                           f"({resource.api_version}, Kind={resource.kind})")


def _checked(call: Call, document: Document, duplicates: list[str]) -> Document:
    """Types, and unknown fields as fieldValidation says: refused, warned of or dropped."""
    resource = call.kind
    unknown, wrong = schema.problems(resource.ref, document)
    if wrong:
        raise Refusal(400, f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {wrong[0].lstrip(".")}')
    found = [f'unknown field "{path.lstrip(".")}"' for path in unknown] + duplicates
    mode = call.query.get("fieldValidation", "Warn")
    if found and mode == "Strict":
        raise Refusal(400, f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: strict decoding error: '
                           f"{', '.join(found)}")
    if mode == "Warn":
        call.warnings += found
    return schema.without_unknown(resource.ref, document) if unknown else document


def _place(call: Call, document: Document) -> None:
    """Name and namespace must be the path's."""
    metadata = document.setdefault("metadata", {})
    if call.namespace:
        if metadata.setdefault("namespace", call.namespace) != call.namespace:
            raise Refusal(400, "the namespace of the provided object does not match the namespace sent on the request")
    else:
        metadata.pop("namespace", None)
    if call.name and metadata.setdefault("name", call.name) != call.name:
        raise Refusal(400, f"the name of the object ({metadata['name']}) does not match the name on the URL ({call.name})")


def _allocated(resource: Resource, old: Document, document: Document) -> Document:
    """A PUT that leaves out what the server chose keeps it."""
    if resource.kind != "Service":
        return document
    before, after = old["spec"], document.setdefault("spec", {})
    if after.get("type", "ClusterIP") != "ExternalName" and not after.get("clusterIP"):
        for name in ("clusterIP", "clusterIPs"):
            if name in before:
                after[name] = before[name]
    ports = {(port.get("port"), port.get("protocol", "TCP")): port.get("nodePort") for port in before.get("ports", [])}
    for port in after.get("ports", []):
        chosen = ports.get((port.get("port"), port.get("protocol", "TCP")))
        if chosen and after.get("type") in ("NodePort", "LoadBalancer"):
            port.setdefault("nodePort", chosen)
    return document


def _check_namespace(cluster: Cluster, call: Call) -> None:
    """New things need a namespace that is there to stay."""
    if not call.kind.namespaced:
        return
    namespace = cluster.store.of("Namespace", "", call.namespace)
    if namespace is None:
        raise not_found("namespaces", "", call.namespace)
    if namespace["metadata"].get("deletionTimestamp"):
        raise Refusal(403, f'{call.kind.qualified} "{call.name}" is forbidden: unable to create new content in namespace {call.namespace} because '
                           "it is being terminated",
                      details={"kind": call.kind.plural, "name": call.name, "causes": [
                          {"reason": "NamespaceTerminating", "message": f"namespace {call.namespace} is being terminated",
                           "field": "metadata.namespace"}]})


def _commit(cluster: Cluster, call: Call, old: Document | None, document: Document, *, owned: bool = False) -> Document:
    """Defaults, rules, ownership, version; stored unless it is a dry run. `owned`: managedFields are made already."""
    resource = call.kind
    _keep_system_fields(cluster, call, old, document)
    others = [item for item in cluster.store.all(resource.plural) if item is not old]
    try:
        defaults.fill(resource.kind, document, others)
        validate.check(resource, document, old)
    except (KeyError, TypeError, AttributeError) as error:
        raise Refusal(422, f"{resource.kind} is invalid: {type(error).__name__}: {error}", reason="Invalid") from None
    _count_generation(old, document)
    if not owned:
        manager = managers.Manager(call.manager, managers.UPDATE, call.subresource)
        managers.updated(resource.ref, old, document, manager, cluster.now)
    if call.dry_run:
        return _imagined(cluster, old, document)
    stored = cluster.store.put(resource, document, cluster.now)
    if stored["metadata"].get("deletionTimestamp") and not stored["metadata"].get("finalizers") and resource.kind != "Namespace":
        return cluster.store.delete(resource, stored)
    return stored


def _keep_system_fields(cluster: Cluster, call: Call, old: Document | None, document: Document) -> None:
    """What clients cannot write keeps its value."""
    metadata, live = document["metadata"], old["metadata"] if old else {}
    if old is None:
        _check_namespace(cluster, call)
        document.pop("status", None)
    else:
        _precondition(call, old, metadata)
    kept = copy.deepcopy(metadata.get("managedFields"))
    for name in SYSTEM:
        metadata.pop(name, None)
        if name in live:
            metadata[name] = copy.deepcopy(live[name])
    if kept is not None and call.patch == "apply":
        metadata["managedFields"] = kept
    metadata.pop("resourceVersion", None)
    if old is not None:
        _keep_other_half(call, old, document)


def _keep_other_half(call: Call, old: Document, document: Document) -> None:
    """The main path writes no status, the status path nothing else."""
    if call.subresource == "status":
        status = document.get("status")
        document.clear()
        document.update(copy.deepcopy(old))
        if status is not None:
            document["status"] = status
        return
    document.pop("status", None)
    if "status" in old:
        document["status"] = copy.deepcopy(old["status"])


def _count_generation(old: Document | None, document: Document) -> None:
    if document["kind"] not in ("Deployment", "ReplicaSet"):
        return
    metadata = document["metadata"]
    if old is None:
        metadata["generation"] = 1
    elif old.get("spec") != document.get("spec"):
        metadata["generation"] = old["metadata"].get("generation", 1) + 1


def _imagined(cluster: Cluster, old: Document | None, document: Document) -> Document:
    metadata = document["metadata"]
    metadata.setdefault("uid", str(uuid.uuid4()))
    metadata.setdefault("creationTimestamp", cluster.now)
    if old is not None:
        metadata["resourceVersion"] = old["metadata"]["resourceVersion"]
    return document


def scale(cluster: Cluster, call: Call) -> tuple[Document, int]:
    """The Scale object of a Deployment: read, replaced or patched."""
    old = _live(cluster, call)
    shown = _scale_of(old)
    if call.verb == "get":
        return shown, 200
    if call.verb == "patch":
        body, _ = decode.from_json(call.request.body)
        wanted: Any = patches.json_patch(shown, body) if call.patch == "json" else patches.merge(shown, body)
    elif call.verb == "update":
        wanted, _ = decode.from_body(call.request.body, call.request.header("Content-Type"))
    else:
        raise no_such_path()
    if schema.problems("@Scale", wanted)[1]:
        raise Refusal(400, f"Scale is wrong: {schema.problems('@Scale', wanted)[1][0]}")
    document = copy.deepcopy(old)
    document["spec"]["replicas"] = wanted.get("spec", {}).get("replicas", 0)
    return _scale_of(_commit(cluster, call, old, document)), 200


def _scale_of(document: Document) -> Document:
    metadata = {name: document["metadata"][name] for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    labels = document["spec"]["selector"].get("matchLabels", {})
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": {"replicas": document["spec"]["replicas"]},
            "status": {"replicas": document.get("status", {}).get("replicas", 0),
                       "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items()))}}
