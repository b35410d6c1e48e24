"""Events: what the controllers say about an object."""
from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from .store import Document

if TYPE_CHECKING:
    from .cluster import Cluster


def tell(cluster: "Cluster", about: Document, component: str, reason: str, message: str, *, warning: bool = False) -> None:
    """One Event; the same again only counts up."""
    metadata = about["metadata"]
    namespace = metadata.get("namespace") or "default"
    for event in cluster.store.all("events", namespace):
        if event["involvedObject"]["uid"] == metadata["uid"] and (event["reason"], event["message"]) == (reason, message):
            return
    subject = {"kind": about["kind"], "namespace": namespace, "name": metadata["name"], "uid": metadata["uid"],
               "apiVersion": about["apiVersion"], "resourceVersion": metadata["resourceVersion"]}
    cluster.put("Event", {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
        "involvedObject": subject, "reason": reason, "message": message, "source": {"component": component}, "firstTimestamp": cluster.now,
        "lastTimestamp": cluster.now, "count": 1, "type": "Warning" if warning else "Normal", "eventTime": None,
        "reportingComponent": component, "reportingInstance": ""})
