"""What `kubectl get` prints: rows and columns instead of objects, when a client asks for a Table."""
from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..httpd import Request
from .resources import Resource

if TYPE_CHECKING:
    from .cluster import Cluster

Document = dict[str, Any]
Column = tuple[str, Callable[[Document], Any]]


def wanted(request: Request) -> bool:
    """The first of the accepted forms decides."""
    first = request.header("Accept").partition(",")[0].replace(" ", "")
    return "as=Table" in first and "g=meta.k8s.io" in first


def table(resource: Resource, documents: list[Document], cluster: "Cluster") -> Document:
    columns: tuple[Column, ...] = (("Name", lambda item: item["metadata"]["name"]), *_COLUMNS.get(resource.kind, ()))
    if resource.kind == "Event":
        columns = _COLUMNS["Event"]
    age: Column = ("Age", lambda item: _age(item["metadata"].get("creationTimestamp", ""), cluster.world.clock.now()))
    columns = columns if resource.kind == "Event" else (*columns, age)
    heads = [{"name": name, "type": "string", "format": "name" if name == "Name" else "", "description": "", "priority": 0}
             for name, _ in columns]
    rows = [{"cells": [cell(item) for _, cell in columns],
             "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}} for item in documents]
    metadata = {"resourceVersion": documents[0]["metadata"]["resourceVersion"]} if documents else {}
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": heads, "rows": rows}


def _age(stamp: str, now: float) -> str:
    if not stamp:
        return "<unknown>"
    seconds = max(0, int(now - calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))))
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 600:
        return f"{seconds // 60}m{seconds % 60}s"
    if seconds < 3 * 3600:
        return f"{seconds // 60}m"
    return f"{seconds // 3600}h" if seconds < 48 * 3600 else f"{seconds // 86400}d"


def _status(name: str) -> Callable[[Document], Any]:
    return lambda item: item.get("status", {}).get(name, 0)


def _external(item: Document) -> str:
    ingress = item.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    if ingress:
        return ",".join(one.get("hostname") or one.get("ip", "") for one in ingress)
    return "<pending>" if item["spec"].get("type") == "LoadBalancer" else "<none>"


def _ports(item: Document) -> str:
    shown = []
    for port in item["spec"].get("ports", []):
        node = f":{port['nodePort']}" if "nodePort" in port else ""
        shown.append(f"{port['port']}{node}/{port['protocol']}")
    return ",".join(shown) or "<none>"


def _pod_ready(item: Document) -> str:
    states = item.get("status", {}).get("containerStatuses", [])
    return f"{sum(state['ready'] for state in states)}/{len(item['spec']['containers'])}"


def _pod_status(item: Document) -> str:
    for state in item.get("status", {}).get("containerStatuses", []):
        if "waiting" in state.get("state", {}):
            return str(state["state"]["waiting"].get("reason", "Waiting"))
    return str(item.get("status", {}).get("phase", "Unknown"))


def _subject(item: Document) -> str:
    return f"{item['involvedObject']['kind'].lower()}/{item['involvedObject']['name']}"


_COLUMNS: dict[str, tuple[Column, ...]] = {
    "Namespace": (("Status", lambda item: item["status"]["phase"]),),
    "ServiceAccount": (("Secrets", lambda item: len(item.get("secrets", []))),),
    "Secret": (("Type", lambda item: item["type"]), ("Data", lambda item: len(item.get("data", {})))),
    "ConfigMap": (("Data", lambda item: len(item.get("data", {}))),),
    "Service": (("Type", lambda item: item["spec"]["type"]), ("Cluster-IP", lambda item: item["spec"].get("clusterIP", "<none>")),
                ("External-IP", _external), ("Port(s)", _ports)),
    "Deployment": (("Ready", lambda item: f"{_status('readyReplicas')(item)}/{item['spec']['replicas']}"),
                   ("Up-to-date", _status("updatedReplicas")), ("Available", _status("availableReplicas"))),
    "ReplicaSet": (("Desired", lambda item: item["spec"]["replicas"]), ("Current", _status("replicas")), ("Ready", _status("readyReplicas"))),
    "Pod": (("Ready", _pod_ready), ("Status", _pod_status),
            ("Restarts", lambda item: sum(state["restartCount"] for state in item.get("status", {}).get("containerStatuses", [])))),
    "Event": (("Last Seen", lambda item: item["lastTimestamp"]), ("Type", lambda item: item["type"]), ("Reason", lambda item: item["reason"]),
              ("Object", _subject), ("Message", lambda item: item["message"])),
}
