"""The Deployment controller: replica sets, pods, and the status that says how far a rollout is."""
from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import managers, pods
from .events import tell
from .resources import BY_KIND
from .store import Document

if TYPE_CHECKING:
    from .cluster import Cluster

CONTROLLER = "kube-controller-manager"
COMPONENT = "deployment-controller"
DURATION = "kubernetes.deployment.rollout"


@dataclass
class Rollout:
    """What is remembered of a deployment between two looks."""

    digest: str = ""
    revision: int = 0
    begun: float = 0.0
    ready_at: float | None = None  # running down only while nothing stands in the way
    ready: int = 0  # pods of the present template that are available
    old: int = 0  # available pods of the template before


def settle(cluster: "Cluster", deployment: Document) -> None:
    """Bring sets, pods and status to where they are by now."""
    rollout = cluster.runtime.setdefault(deployment["metadata"]["uid"], Rollout())
    digest = pods.template_hash(deployment)
    wanted = deployment["spec"]["replicas"]
    if rollout.digest != digest:
        recreate = deployment["spec"]["strategy"]["type"] == "Recreate"
        rollout.old = 0 if recreate else rollout.ready or rollout.old
        rollout.digest, rollout.begun, rollout.ready_at, rollout.ready = digest, time.monotonic(), None, 0
        rollout.revision += 1
    _advance(cluster, deployment, rollout, wanted)
    _write(cluster, deployment, rollout, wanted)


def _advance(cluster: "Cluster", deployment: Document, rollout: Rollout, wanted: int) -> None:
    """Let time pass for pods that are not ready yet."""
    if not cluster.facts.nodes:
        rollout.ready = rollout.old = 0  # they went with their nodes
    if rollout.ready > wanted:
        rollout.ready = wanted
    if rollout.ready == wanted:
        rollout.old = 0
        return
    if not cluster.facts.nodes or pods.refusal(cluster, deployment) or pods.obstacle(cluster, deployment):
        rollout.ready_at = None
    elif rollout.ready_at is None:
        rollout.ready_at = cluster.world.lifecycle.after(DURATION)
    elif cluster.world.lifecycle.reached(rollout.ready_at):
        rollout.ready, rollout.old, rollout.ready_at = wanted, 0, None


def _write(cluster: "Cluster", deployment: Document, rollout: Rollout, wanted: int) -> None:
    refused = pods.refusal(cluster, deployment) if rollout.ready < wanted else ""
    obstacle = pods.obstacle(cluster, deployment) if rollout.ready < wanted else None
    current = pods.replica_set(cluster, deployment, rollout.revision)
    made = rollout.ready if refused else wanted
    state = "ready" if rollout.ready == wanted else "pending" if not cluster.facts.nodes else "stuck" if obstacle else "starting"
    previous = _newest_other(cluster, deployment, current)
    for replicas in pods.owned(cluster, "ReplicaSet", deployment):
        name = replicas["metadata"]["name"]
        mine = name == current["metadata"]["name"]
        count = made if mine else min(rollout.old, wanted) if name == previous else 0
        pods.keep(cluster, replicas, count, state if mine else "ready", obstacle if mine else None)
        ready = rollout.ready if mine else count
        _write_set(cluster, replicas, wanted if mine else count, count, ready)
    _tell(cluster, deployment, current, refused, obstacle)
    changed = copy.deepcopy(deployment)
    changed["metadata"].setdefault("annotations", {})[pods.REVISION] = str(rollout.revision)
    changed["status"] = _status(cluster, deployment, rollout, wanted, made, refused)
    manager = managers.Manager(CONTROLLER, managers.UPDATE, "status")
    if changed != deployment:
        managers.updated(BY_KIND["Deployment"].ref, deployment, changed, manager, cluster.now)
        cluster.put("Deployment", changed)


def _newest_other(cluster: "Cluster", deployment: Document, current: Document) -> str:
    others = [item for item in pods.owned(cluster, "ReplicaSet", deployment) if item["metadata"]["name"] != current["metadata"]["name"]]
    others.sort(key=lambda item: int(item["metadata"]["annotations"][pods.REVISION]))
    return str(others[-1]["metadata"]["name"]) if others else ""


def _write_set(cluster: "Cluster", replicas: Document, wanted: int, made: int, ready: int) -> None:
    changed = copy.deepcopy(replicas)
    changed["spec"]["replicas"] = wanted
    if changed["spec"] != replicas["spec"]:
        changed["metadata"]["generation"] += 1
    status = {"replicas": made, "observedGeneration": changed["metadata"]["generation"]}
    if made:
        status["fullyLabeledReplicas"] = made
    if ready:
        status |= {"readyReplicas": ready, "availableReplicas": ready}
    changed["status"] = status
    cluster.put("ReplicaSet", changed)


def _tell(cluster: "Cluster", deployment: Document, current: Document, refused: str, obstacle: tuple[str, str, str] | None) -> None:
    name, count = current["metadata"]["name"], deployment["spec"]["replicas"]
    tell(cluster, deployment, COMPONENT, "ScalingReplicaSet", f"Scaled up replica set {name} to {count}")
    if refused:
        why = f'Error creating: pods "{name}-" is forbidden: {refused}'
        tell(cluster, current, "replicaset-controller", "FailedCreate", why, warning=True)
    for pod in pods.owned(cluster, "Pod", current):
        if not cluster.facts.nodes:
            tell(cluster, pod, "default-scheduler", "FailedScheduling", "no nodes available to schedule pods", warning=True)
        elif obstacle:
            reason = "Failed" if obstacle[1] == "CreateContainerConfigError" else "BackOff"
            tell(cluster, pod, "kubelet", reason, f"Error: {obstacle[2]}" if reason == "Failed" else obstacle[2], warning=True)


def _status(cluster: "Cluster", deployment: Document, rollout: Rollout, wanted: int, made: int, refused: str) -> Document:
    old_pods = min(rollout.old, wanted)
    available = rollout.ready + old_pods
    status: Document = {"observedGeneration": deployment["metadata"]["generation"]}
    counts = {"replicas": made + old_pods, "updatedReplicas": made, "readyReplicas": available, "availableReplicas": available,
              "unavailableReplicas": max(0, wanted - available)}
    status |= {name: count for name, count in counts.items() if count}
    before = {item["type"]: item for item in deployment.get("status", {}).get("conditions", [])}
    status["conditions"] = _conditions(cluster, deployment, rollout, before, available >= wanted, refused)
    return status


def _conditions(cluster: "Cluster", deployment: Document, rollout: Rollout, before: dict[str, Document], available: bool,
                refused: str) -> list[Document]:
    name = f"{deployment['metadata']['name']}-{rollout.digest}"
    if rollout.ready == deployment["spec"]["replicas"]:
        progress = (True, "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.')
    elif time.monotonic() - rollout.begun > deployment["spec"]["progressDeadlineSeconds"] / cluster.world.clock.time_scale:
        progress = (False, "ProgressDeadlineExceeded", f'ReplicaSet "{name}" has timed out progressing.')
    else:
        progress = (True, "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    minimum = (("MinimumReplicasAvailable", "Deployment has minimum availability.") if available
               else ("MinimumReplicasUnavailable", "Deployment does not have minimum availability."))
    found = [("Available", available, *minimum), ("Progressing", *progress)]
    if refused:
        found.append(("ReplicaFailure", True, "FailedCreate", f'pods "{name}-" is forbidden: {refused}'))
    return [_updated(before.get(kind), kind, good, cluster.now, reason, message) for kind, good, reason, message in found]


def _updated(old: Document | None, kind: str, good: bool, now: str, reason: str, message: str) -> Document:
    shown = pods.condition(old, kind, good, now, reason, message)
    same = old is not None and all(old.get(key) == value for key, value in shown.items())
    return {**shown, "lastUpdateTime": old["lastUpdateTime"] if old is not None and same else now}
