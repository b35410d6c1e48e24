"""Pods' logs: nothing runs here, so they say little."""
from __future__ import annotations

from .call import Call
from .cluster import Cluster
from .status import Refusal, not_found


def text(cluster: Cluster, call: Call) -> str:
    pod = cluster.store.of("Pod", call.namespace, call.name)
    if pod is None:
        raise not_found("pods", "", call.name)
    container = call.query.get("container") or pod["spec"]["containers"][0]["name"]
    for state in pod.get("status", {}).get("containerStatuses", []):
        waiting = state["state"].get("waiting")
        if state["name"] == container and waiting:
            raise Refusal(400, f'container "{container}" in pod "{call.name}" is waiting to start: {waiting.get("reason", "ContainerCreating")}')
    return "[sandbox] no container runs here; the load balancer answers in its place\n"
