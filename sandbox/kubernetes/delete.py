"""Deletion: preconditions, finalizers, what happens to dependents."""
from __future__ import annotations

import copy
from typing import Any

from . import decode
from .call import Call
from .cluster import Cluster
from .status import Refusal, conflict, not_found
from .store import Document

POLICIES = ("Background", "Foreground", "Orphan")
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


def delete(cluster: Cluster, call: Call) -> tuple[Document, int]:
    """Gone at once, or marked and waiting for its finalizers."""
    resource = call.kind
    options = _options(call)
    live = cluster.store.get(resource.plural, call.namespace, call.name)
    if live is None:
        raise not_found(resource.plural, resource.group, call.name)
    _check_preconditions(call, live["metadata"], options.get("preconditions", {}))
    document = copy.deepcopy(live)
    metadata = document["metadata"]
    finalizer = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(options.get("propagationPolicy", ""))
    if finalizer and resource.kind in ("Deployment", "ReplicaSet") and finalizer not in metadata.get("finalizers", []):
        metadata["finalizers"] = [*metadata.get("finalizers", []), finalizer]
    dry = call.dry_run or options.get("dryRun") == ["All"]
    if not metadata.get("finalizers") and resource.kind != "Namespace":
        if not dry:
            cluster.store.delete(resource, document)
        return _success(call, metadata), 200
    if not metadata.get("deletionTimestamp"):
        metadata["deletionTimestamp"], metadata["deletionGracePeriodSeconds"] = cluster.now, 0
        if "generation" in metadata:
            metadata["generation"] += 1
    if resource.kind == "Namespace":
        document["status"] = {**document.get("status", {}), "phase": "Terminating"}
    return (document if dry else cluster.put(resource.kind, document)), 200


def _options(call: Call) -> dict[str, Any]:
    """DeleteOptions of the body, else of the query."""
    options: Any = {}
    if call.request.body.strip():
        options, _ = decode.from_body(call.request.body, call.request.header("Content-Type"))
        if not isinstance(options, dict) or options.get("kind", "DeleteOptions") != "DeleteOptions":
            raise Refusal(400, "the body of a delete must be DeleteOptions")
    options = dict(options)
    if "propagationPolicy" in call.query:
        options.setdefault("propagationPolicy", call.query["propagationPolicy"])
    policy = options.get("propagationPolicy")
    if policy is not None and policy not in POLICIES:
        raise Refusal(422, f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "{policy}": supported values: '
                           '"Background", "Foreground", "Orphan"')
    return options


def _check_preconditions(call: Call, metadata: Document, wanted: dict[str, Any]) -> None:
    for name, field, text in (("uid", "uid", "UID"), ("resourceVersion", "resourceVersion", "ResourceVersion")):
        if wanted.get(name) and wanted[name] != metadata[field]:
            raise conflict(call.kind.plural, call.kind.group, call.name,
                           f"Precondition failed: {text} in precondition: {wanted[name]}, {text} in object meta: {metadata[field]}")


def _success(call: Call, metadata: Document) -> Document:
    details = {"name": metadata["name"], "kind": call.kind.plural, "uid": metadata["uid"]}
    if call.kind.group:
        details["group"] = call.kind.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
