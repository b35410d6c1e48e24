"""What Kubernetes' controllers would have done by now. Everything is looked at again whenever somebody looks."""
from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from . import balancers, pods, rollouts
from .delete import FOREGROUND, ORPHAN
from .resources import BY_KIND
from .store import Document

if TYPE_CHECKING:
    from .cluster import Cluster

ROUNDS = 8  # a deletion may free what waited for it


def run(cluster: "Cluster") -> None:
    """Until nothing changes any more."""
    for _ in range(ROUNDS):
        before = cluster.store.version
        _namespaces(cluster)
        _deployments(cluster)
        for service in cluster.store.all("services"):
            balancers.settle(cluster, service)
        _orphans(cluster)
        if cluster.store.version == before:
            return


def _namespaces(cluster: "Cluster") -> None:
    for namespace in cluster.store.all("namespaces"):
        if namespace["metadata"].get("deletionTimestamp"):
            _end_namespace(cluster, namespace)
        else:
            _furnish(cluster, namespace["metadata"]["name"])


def _furnish(cluster: "Cluster", namespace: str) -> None:
    """What every namespace has."""
    metadata = {"namespace": namespace}
    if cluster.store.of("ServiceAccount", namespace, "default") is None:
        cluster.put("ServiceAccount", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", **metadata}})
    if cluster.store.of("ConfigMap", namespace, "kube-root-ca.crt") is None:
        cluster.put("ConfigMap", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt", **metadata},
                                  "data": {"ca.crt": cluster.authority.decode()}})


def _deployments(cluster: "Cluster") -> None:
    for deployment in cluster.store.all("deployments"):
        if deployment["metadata"].get("deletionTimestamp"):
            _end_deployment(cluster, deployment)
        else:
            rollouts.settle(cluster, deployment)


def _end_deployment(cluster: "Cluster", deployment: Document) -> None:
    """Foreground: what it made goes first. Orphan: what it made is let go. A finalizer of somebody else is for him to lift."""
    dependents = pods.owned(cluster, "ReplicaSet", deployment)
    finalizers = deployment["metadata"].get("finalizers", [])
    for replicas in dependents:
        if ORPHAN in finalizers:
            free = copy.deepcopy(replicas)
            del free["metadata"]["ownerReferences"]
            cluster.put("ReplicaSet", free)
        else:
            cluster.store.delete(BY_KIND["ReplicaSet"], replicas)
    left = [name for name in finalizers if name not in (FOREGROUND, ORPHAN)]
    if not left:
        cluster.store.delete(BY_KIND["Deployment"], deployment)
    elif left != finalizers:
        changed = copy.deepcopy(deployment)
        changed["metadata"]["finalizers"] = left
        cluster.put("Deployment", changed)


def _orphans(cluster: "Cluster") -> None:
    """Garbage collection: whose owner is gone goes too."""
    living = {document["metadata"]["uid"] for _, document in cluster.store.everything()}
    for kind in ("ReplicaSet", "Pod"):
        for document in cluster.store.all(BY_KIND[kind].plural):
            owners = document["metadata"].get("ownerReferences", [])
            if owners and not any(owner["uid"] in living for owner in owners):
                cluster.store.delete(BY_KIND[kind], document)


def _end_namespace(cluster: "Cluster", namespace: Document) -> None:
    """Empty it, then let it go when its time has come."""
    uid, name = namespace["metadata"]["uid"], namespace["metadata"]["name"]
    deadline = cluster.runtime.setdefault(uid, cluster.world.lifecycle.after("kubernetes.namespace.delete"))
    left = 0
    for resource in BY_KIND.values():
        for document in cluster.store.all(resource.plural, name) if resource.namespaced else ():
            if not document["metadata"].get("finalizers"):
                cluster.store.delete(resource, document)
                continue
            left += 1
            if not document["metadata"].get("deletionTimestamp"):
                marked = copy.deepcopy(document)
                marked["metadata"].update(deletionTimestamp=cluster.now, deletionGracePeriodSeconds=0)
                cluster.put(resource.kind, marked)
    if not left and cluster.world.lifecycle.reached(deadline):
        cluster.store.delete(BY_KIND["Namespace"], namespace)
