"""Pods and replica sets as the Deployment controller makes them, and why a pod does not come up."""
from __future__ import annotations

import base64
import copy
import hashlib
import json
import uuid
from typing import TYPE_CHECKING

from .resources import BY_KIND
from .store import Document

if TYPE_CHECKING:
    from .cluster import Cluster

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
MISSING_IMAGE = "does-not-exist"


def template_hash(deployment: Document) -> str:
    text = json.dumps(deployment["spec"]["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def owner(of: Document) -> Document:
    return {"apiVersion": of["apiVersion"], "kind": of["kind"], "name": of["metadata"]["name"], "uid": of["metadata"]["uid"],
            "controller": True, "blockOwnerDeletion": True}


def owned(cluster: "Cluster", kind: str, by: Document) -> list[Document]:
    uid = by["metadata"]["uid"]
    return [item for item in cluster.store.all(BY_KIND[kind].plural, by["metadata"].get("namespace", ""))
            if any(reference["uid"] == uid for reference in item["metadata"].get("ownerReferences", []))]


def replica_set(cluster: "Cluster", deployment: Document, revision: int) -> Document:
    """The set of the deployment's present template; made when there is none."""
    digest = template_hash(deployment)
    name = f"{deployment['metadata']['name']}-{digest}"
    found = cluster.store.of("ReplicaSet", deployment["metadata"]["namespace"], name)
    if found is not None:
        return found
    template = copy.deepcopy(deployment["spec"]["template"])
    template["metadata"].setdefault("labels", {})[HASH_LABEL] = digest
    selector = copy.deepcopy(deployment["spec"]["selector"])
    selector.setdefault("matchLabels", {})[HASH_LABEL] = digest
    return cluster.put("ReplicaSet", {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": deployment["metadata"]["namespace"], "labels": dict(template["metadata"]["labels"]),
                     "annotations": {REVISION: str(revision)}, "generation": 1, "ownerReferences": [owner(deployment)]},
        "spec": {"replicas": deployment["spec"]["replicas"], "selector": selector, "template": template}, "status": {"replicas": 0}})


def refusal(cluster: "Cluster", deployment: Document) -> str:
    """Why the API server would not even create the pods; "" when it would."""
    namespace = deployment["metadata"]["namespace"]
    spec = deployment["spec"]["template"]["spec"]
    account = spec.get("serviceAccountName", "default")
    if cluster.store.of("ServiceAccount", namespace, account) is None:
        return f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
    labels = cluster.store.of("Namespace", "", namespace)
    level = (labels or {"metadata": {}})["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce")
    found = violations(spec) if level == "restricted" else []
    return f'violates PodSecurity "restricted:latest": {", ".join(found)}' if found else ""


def violations(spec: Document) -> list[str]:
    """What the restricted pod security standard does not allow."""
    pod = spec.get("securityContext", {})
    found = []
    for item in [*spec.get("initContainers", []), *spec.get("containers", [])]:
        own, name = item.get("securityContext", {}), item["name"]
        if own.get("allowPrivilegeEscalation") is not False:
            found.append(f'allowPrivilegeEscalation != false (container "{name}" must set securityContext.allowPrivilegeEscalation=false)')
        if "ALL" not in own.get("capabilities", {}).get("drop", []):
            found.append(f'unrestricted capabilities (container "{name}" must set securityContext.capabilities.drop=["ALL"])')
        if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
            found.append(f'runAsNonRoot != true (pod or container "{name}" must set securityContext.runAsNonRoot=true)')
        if own.get("seccompProfile", pod.get("seccompProfile", {})).get("type") not in ("RuntimeDefault", "Localhost"):
            found.append(f'seccompProfile (pod or container "{name}" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
                         '"Localhost")')
    return found


def obstacle(cluster: "Cluster", deployment: Document) -> tuple[str, str, str] | None:
    """(container, reason, message) of the first thing that keeps a created pod from running."""
    namespace, spec = deployment["metadata"]["namespace"], deployment["spec"]["template"]["spec"]
    for item in [*spec.get("initContainers", []), *spec.get("containers", [])]:
        if MISSING_IMAGE in item["image"]:
            return item["name"], "ImagePullBackOff", f'Back-off pulling image "{item["image"]}"'
        missing = _missing_reference(cluster, namespace, item)
        if missing:
            return item["name"], "CreateContainerConfigError", missing
    return None


def _missing_reference(cluster: "Cluster", namespace: str, item: Document) -> str:
    for variable in item.get("env", []):
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            wanted = variable.get("valueFrom", {}).get(field)
            if not wanted or wanted.get("optional"):
                continue
            found = cluster.store.of(kind, namespace, wanted.get("name", ""))
            if found is None:
                return f'{kind.lower()} "{wanted.get("name", "")}" not found'
            if wanted["key"] not in found.get("data", {}):
                return f"couldn't find key {wanted['key']} in {kind} {namespace}/{wanted['name']}"
    return ""


def keep(cluster: "Cluster", replicas: Document, count: int, state: str, waiting: tuple[str, str, str] | None) -> None:
    """So many pods of this set, all in `state`: ready, starting, pending or stuck (then `waiting` says why)."""
    pods = owned(cluster, "Pod", replicas)
    for pod in pods[count:]:
        cluster.store.delete(BY_KIND["Pod"], pod)
    for _ in range(count - len(pods)):
        pods.append(cluster.put("Pod", _new_pod(replicas)))
    for number, pod in enumerate(pods[:count]):
        changed = copy.deepcopy(pod)
        changed["status"] = _pod_status(cluster, pod, state, waiting, number)
        if state == "ready":
            _start(cluster, pod)
        if state != "pending":
            changed["spec"]["nodeName"] = "ip-10-0-1-10.ec2.internal"
        cluster.put("Pod", changed)


def _new_pod(replicas: Document) -> Document:
    template = copy.deepcopy(replicas["spec"]["template"])
    prefix = f"{replicas['metadata']['name']}-"
    metadata = {**template["metadata"], "name": prefix + uuid.uuid4().hex[:5], "generateName": prefix,
                "namespace": replicas["metadata"]["namespace"], "ownerReferences": [owner(replicas)]}
    spec = template["spec"]
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Pending", "qosClass": "Burstable"}}


def _pod_status(cluster: "Cluster", pod: Document, state: str, waiting: tuple[str, str, str] | None, number: int) -> Document:
    old = pod.get("status", {})
    ready = state == "ready"
    status: Document = {"phase": "Running" if ready else "Pending", "qosClass": "Burstable"}
    started = old.get("startTime") or cluster.now
    conditions = {"PodScheduled": state != "pending", "Initialized": state != "pending", "ContainersReady": ready, "Ready": ready}
    before = {item["type"]: item for item in old.get("conditions", [])}
    status["conditions"] = [condition(before.get(kind), kind, good, cluster.now) for kind, good in conditions.items()]
    if state == "pending":
        status["conditions"][0].update(reason="Unschedulable", message="no nodes available to schedule pods")
        return status
    status.update(startTime=started, hostIP="10.0.1.10", podIP=f"10.0.1.{20 + number}")
    running: Document = {"running": {"startedAt": started}}
    ended: Document = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": started}}
    for group, names, done in (("initContainers", "initContainerStatuses", ended), ("containers", "containerStatuses", running)):
        if pod["spec"].get(group):
            status[names] = [_container_status(item, done if ready else None, waiting) for item in pod["spec"][group]]
    return status


def _container_status(item: Document, done: Document | None, waiting: tuple[str, str, str] | None) -> Document:
    how = done or {"waiting": {"reason": "ContainerCreating"}}
    if waiting and waiting[0] == item["name"]:
        how = {"waiting": {"reason": waiting[1], "message": waiting[2]}}
    ready = done is not None
    return {"name": item["name"], "image": item["image"], "imageID": "", "ready": ready, "started": ready, "restartCount": 0,
            "lastState": {}, "state": how}


def condition(old: Document | None, kind: str, good: bool, now: str, reason: str = "", message: str = "") -> Document:
    """A condition that keeps its transition time while its status stays."""
    status = "True" if good else "False"
    since = old["lastTransitionTime"] if old and old["status"] == status else now
    shown = {"type": kind, "status": status, "lastTransitionTime": since}
    return {**shown, **({"reason": reason} if reason else {}), **({"message": message} if message else {})}


def started_key(pod: Document) -> str:
    """Where the environments of a started pod's containers are kept, by name: a Secret changed later restarts nothing."""
    return f"{pod['metadata']['uid']}/environment"


def _start(cluster: "Cluster", pod: Document) -> None:
    namespace = pod["metadata"]["namespace"]
    cluster.runtime.setdefault(started_key(pod), {
        container["name"]: {item["name"]: _value(cluster, namespace, item) for item in container.get("env", [])}
        for container in pod["spec"]["containers"]})


def _value(cluster: "Cluster", namespace: str, item: Document) -> str:
    source = item.get("valueFrom", {})
    if "secretKeyRef" in source:
        wanted = source["secretKeyRef"]
        found = cluster.store.of("Secret", namespace, wanted.get("name", "")) or {}
        return base64.b64decode(found.get("data", {}).get(wanted["key"], "")).decode("utf-8", "replace")
    if "configMapKeyRef" in source:
        wanted = source["configMapKeyRef"]
        found = cluster.store.of("ConfigMap", namespace, wanted.get("name", "")) or {}
        return str(found.get("data", {}).get(wanted["key"], ""))
    return str(item.get("value", ""))
