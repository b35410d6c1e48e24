"""The cloud's load balancers: a Service of type LoadBalancer gets a name that really answers, and keeps it until it is gone."""
from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any

from ..httpd import HttpServer, Request, Response
from . import access, managers, mlflow
from .events import tell
from .resources import BY_KIND
from .store import Document

if TYPE_CHECKING:
    from .cluster import Cluster

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
COMPONENT = "service-controller"
CREATE, DELETE = "kubernetes.service.load-balancer", "kubernetes.service.delete"


class Balancer:
    """A listener on a port of its own: its name is 127.0.0.1:PORT, as nothing else can be reached without DNS."""

    def __init__(self, cluster: "Cluster", namespace: str, service: str) -> None:
        self._cluster, self._namespace, self._service = cluster, namespace, service
        self._server = HttpServer(("127.0.0.1", 0), self, cluster.world.clock)
        self.hostname = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.5,), daemon=True).start()

    def __call__(self, request: Request) -> Response:
        cluster = self._cluster
        facts = access.facts(cluster)
        with cluster.store.changed:
            cluster.facts = facts
            cluster.settle()
            service = cluster.store.of("Service", self._namespace, self._service)
            if service is None or cluster.closed:
                return Response(reset=True)
            backend = mlflow.behind(cluster, service)
        return mlflow.answer(request, backend, facts.databases)

    def close(self) -> None:
        """Stop listening at once; the loop ends in a thread of its own, as callers hold locks."""
        self._server.stop()


def settle(cluster: "Cluster", service: Document) -> None:
    """Make, change or take down what the Service asks for."""
    metadata = service["metadata"]
    balanced = service["spec"].get("type") == "LoadBalancer"
    if FINALIZER not in metadata.get("finalizers", []):
        if balanced and not metadata.get("deletionTimestamp"):
            _claim(cluster, service)
        return
    if metadata.get("deletionTimestamp") or not balanced:
        _take_down(cluster, service)
    elif metadata["uid"] not in cluster.balancers and cluster.world.lifecycle.reached(_deadline(cluster, service, CREATE)):
        balancer = cluster.balancers[metadata["uid"]] = Balancer(cluster, metadata["namespace"], metadata["name"])
        _write(cluster, service, {"ingress": [{"hostname": balancer.hostname}]}, keep=True)
        tell(cluster, service, COMPONENT, "EnsuredLoadBalancer", "Ensured load balancer")


def _deadline(cluster: "Cluster", service: Document, what: str) -> float:
    """The moment when what was begun at the first look is over."""
    key = f"{service['metadata']['uid']}/{what}"
    if key not in cluster.runtime:
        cluster.runtime[key] = cluster.world.lifecycle.after(what)
    return float(cluster.runtime[key])


def _claim(cluster: "Cluster", service: Document) -> None:
    """The finalizer first: from now on the Service cannot go without its load balancer."""
    _write(cluster, service, service.get("status", {}).get("loadBalancer", {}), keep=True)
    _deadline(cluster, service, CREATE)
    tell(cluster, service, COMPONENT, "EnsuringLoadBalancer", "Ensuring load balancer")


def _take_down(cluster: "Cluster", service: Document) -> None:
    tell(cluster, service, COMPONENT, "DeletingLoadBalancer", "Deleting load balancer")
    if not cluster.world.lifecycle.reached(_deadline(cluster, service, DELETE)):
        return
    uid = service["metadata"]["uid"]
    balancer = cluster.balancers.pop(uid, None)
    if balancer is not None:
        balancer.close()
    for what in (CREATE, DELETE):
        cluster.runtime.pop(f"{uid}/{what}", None)
    tell(cluster, service, COMPONENT, "DeletedLoadBalancer", "Deleted load balancer")
    _write(cluster, service, {}, keep=False)


def _write(cluster: "Cluster", service: Document, status: dict[str, Any], *, keep: bool) -> None:
    """Status and finalizer, as the cloud's controller owns them."""
    changed = copy.deepcopy(service)
    finalizers = [name for name in changed["metadata"].get("finalizers", []) if name != FINALIZER] + ([FINALIZER] if keep else [])
    changed["metadata"]["finalizers"] = finalizers
    if not finalizers:
        del changed["metadata"]["finalizers"]
    changed["status"] = {"loadBalancer": status}
    managers.updated(BY_KIND["Service"].ref, service, changed,
                     managers.Manager("aws-cloud-controller-manager", managers.UPDATE, "status"), cluster.now)
    if changed["metadata"].get("deletionTimestamp") and not finalizers:
        cluster.store.delete(BY_KIND["Service"], changed)
    else:
        cluster.put("Service", changed)
