"""Managed node groups."""
from __future__ import annotations

import uuid
from typing import Any

from . import entries, network, roles, versions
from .clusters import Cluster, find, find_active
from .state import Ask, Document, Thing, in_use, invalid_parameter, not_found, operation

DEFAULTS: Document = {"amiType": "AL2023_x86_64_STANDARD", "capacityType": "ON_DEMAND", "labels": {}, "taints": [], "tags": {}}
OPTIONAL = ("remoteAccess", "launchTemplate", "nodeRepairConfig")
NODE_POLICY = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"


class Nodegroup(Thing):
    """Instances that join a cluster; their interfaces keep the subnets."""

    def __init__(self, ask: Ask, cluster: Cluster, document: Document) -> None:
        super().__init__(ask.world, document, ask.body)
        self.cluster = cluster
        self.interfaces: list[str] = []

    @property
    def name(self) -> str:
        return self.document["nodegroupName"]

    def joined(self) -> None:
        """The instances run: they have joined, or their role lets them not."""
        cluster, role = self.cluster, roles.find(self.document["nodeRole"])
        suffix = self.document["nodegroupArn"].rpartition("/")[2]
        self.document["resources"] = {"autoScalingGroups": [{"name": f"eks-{self.name}-{suffix}"}]}
        self.interfaces = network.make_interfaces(cluster.account, cluster.region, self.document["subnets"], [cluster.group], "")
        self.document["status"] = "ACTIVE"
        if role is None or NODE_POLICY.replace("arn:aws:", f"arn:{cluster.partition}:", 1) not in roles.policies(role):
            self.document["status"] = "CREATE_FAILED"
            self.document["health"] = {"issues": [{"code": "NodeCreationFailure", "resourceIds": [],
                                                   "message": "Instances failed to join the kubernetes cluster"}]}

    def gone(self) -> None:
        """Deleted: interfaces and, with the last group of the role, the access entry go too."""
        del self.cluster.nodegroups[self.name]
        network.release(self.cluster.account, self.cluster.region, self.interfaces)
        role = self.document["nodeRole"]
        if all(other.document["nodeRole"] != role for other in self.cluster.nodegroups.values()):
            entries.dismiss_nodes(self.cluster, role)


def _scaling(wanted: Document, before: Document | None = None) -> Document:
    after = (before or {"minSize": 2, "maxSize": 2, "desiredSize": 2}) | {name: size for name, size in wanted.items() if size is not None}
    if after["maxSize"] < 1 or after["minSize"] < 0:
        raise invalid_parameter("maxSize must be at least 1 and minSize at least 0")
    if after["minSize"] > after["desiredSize"]:
        raise invalid_parameter(f"Minimum capacity {after['minSize']} can't be greater than desired size {after['desiredSize']}")
    if after["desiredSize"] > after["maxSize"]:
        raise invalid_parameter(f"desired capacity {after['desiredSize']} can't be greater than max size {after['maxSize']}")
    return after


def _update_config(wanted: Document) -> Document:
    if "maxUnavailable" in wanted and "maxUnavailablePercentage" in wanted:
        raise invalid_parameter("maxUnavailable and maxUnavailablePercentage can't both be specified")
    return dict(wanted) or {"maxUnavailable": 1}


def _version(wanted: str | None, cluster: Cluster) -> str:
    """Nodes may lag behind the control plane, but never lead."""
    version = wanted or cluster.document["version"]
    if versions.number(version) > versions.number(cluster.document["version"]):
        raise invalid_parameter(f"Nodegroup Kubernetes version {version} must not be newer than the cluster's, which is "
                                f"{cluster.document['version']}", clusterName=cluster.name)
    return version


def _release(wanted: str | None, version: str) -> str:
    if wanted and not wanted.startswith(version + "."):
        raise invalid_parameter(f"Requested Nodegroup release version {wanted} is invalid. Allowed release version is "
                                + versions.release(version))
    return wanted or versions.release(version)


def _describe_new(ask: Ask, cluster: Cluster) -> Document:
    body, now = ask.body, ask.world.clock.now()
    name, version = body["nodegroupName"], _version(body.get("version"), cluster)
    template = "launchTemplate" in body
    if template and ("diskSize" in body or "remoteAccess" in body):
        raise invalid_parameter("Disk size must be specified within the launch template." if "diskSize" in body else
                                "Remote access configuration cannot be specified with a launch template.")
    document = DEFAULTS | {member: body[member] for member in (*DEFAULTS, *OPTIONAL) if member in body} | {
        "clusterName": cluster.name, "nodegroupName": name, "nodeRole": body["nodeRole"], "subnets": body["subnets"],
        "nodegroupArn": ask.arn(f"nodegroup/{cluster.name}/{name}/{uuid.uuid4()}"), "createdAt": now, "modifiedAt": now,
        "version": version, "releaseVersion": _release(body.get("releaseVersion"), version),
        "scalingConfig": _scaling(body.get("scalingConfig", {})), "updateConfig": _update_config(body.get("updateConfig", {})),
        "health": {"issues": []}}
    if not template:
        document |= {"diskSize": body.get("diskSize", 20), "instanceTypes": body.get("instanceTypes", ["t3.medium"])}
    elif "instanceTypes" in body:
        document["instanceTypes"] = body["instanceTypes"]
    return document


def _find(ask: Ask, cluster: Cluster) -> Any:
    name = ask.labels["nodegroupName"]
    if name not in cluster.nodegroups:
        raise not_found(f"No node group found for name: {name}.", clusterName=cluster.name, nodegroupName=name)
    return cluster.nodegroups[name]


def _find_idle(ask: Ask) -> tuple[Cluster, Any]:
    """The group, when it may be changed."""
    cluster = find(ask)
    group = _find(ask, cluster)
    if group.busy or group.status not in ("ACTIVE", "DEGRADED"):
        raise in_use("Nodegroup cannot be updated as it is currently not in Active State", clusterName=cluster.name,
                     nodegroupName=group.name)
    return cluster, group


@operation("CreateNodegroup")
def create(ask: Ask) -> Document:
    cluster = find_active(ask)
    ask.need("nodegroupName", "subnets", "nodeRole")
    known = ask.repeated(cluster.nodegroups)
    if known:
        return {"nodegroup": known.document}
    name = ask.body["nodegroupName"]
    if name in cluster.nodegroups:
        raise in_use(f"NodeGroup already exists with name {name} and cluster name {cluster.name}", clusterName=cluster.name,
                     nodegroupName=name)
    roles.check_node_role(ask.body["nodeRole"], cluster.name)
    subnets = network.find_subnets(ask.account, ask.region, ask.body["subnets"])
    if subnets[0].vpc_id != cluster.document["resourcesVpcConfig"]["vpcId"]:
        raise invalid_parameter("Provided subnets belong to a VPC other than the cluster's", clusterName=cluster.name, nodegroupName=name)
    group = cluster.nodegroups[name] = Nodegroup(ask, cluster, _describe_new(ask, cluster))
    entries.admit_nodes(cluster, ask.body["nodeRole"])
    group.begin("CREATING", "eks.nodegroup.create", group.joined)
    return {"nodegroup": group.document}


@operation("DescribeNodegroup")
def describe(ask: Ask) -> Document:
    return {"nodegroup": _find(ask, find(ask)).document}


@operation("ListNodegroups")
def list_all(ask: Ask) -> Document:
    return ask.page("nodegroups", sorted(find(ask).nodegroups))


def _labels(before: dict[str, str], wanted: Document) -> dict[str, str]:
    removed = set(wanted.get("removeLabels") or [])
    return {name: value for name, value in before.items() if name not in removed} | (wanted.get("addOrUpdateLabels") or {})


def _taints(before: list[Document], wanted: Document) -> list[Document]:
    """A taint is known by key and effect."""
    def key(taint: Document) -> tuple[str | None, str | None]:
        return taint.get("key"), taint.get("effect")

    added = wanted.get("addOrUpdateTaints") or []
    touched = {key(taint) for taint in [*added, *(wanted.get("removeTaints") or [])]}
    return [taint for taint in before if key(taint) not in touched] + added


@operation("UpdateNodegroupConfig")
def update_config(ask: Ask) -> Document:
    _, group = _find_idle(ask)
    body, document, after = ask.body, group.document, {}
    if body.get("labels"):
        after["labels"] = _labels(document["labels"], body["labels"])
    if body.get("taints"):
        after["taints"] = _taints(document["taints"], body["taints"])
    if body.get("scalingConfig"):
        after["scalingConfig"] = _scaling(body["scalingConfig"], document["scalingConfig"])
    if body.get("updateConfig"):
        after["updateConfig"] = _update_config(body["updateConfig"])
    if body.get("nodeRepairConfig"):
        after["nodeRepairConfig"] = body["nodeRepairConfig"]
    if not after:
        raise invalid_parameter("No changes needed for the nodegroup config provided", nodegroupName=group.name)
    sizes = {name[0].upper() + name[1:]: str(size) for name, size in (body.get("scalingConfig") or {}).items()}
    return {"update": group.update("ConfigUpdate", "eks.nodegroup.update", sizes, lambda: document.update(after))}


@operation("UpdateNodegroupVersion")
def update_version(ask: Ask) -> Document:
    cluster, group = _find_idle(ask)
    version = _version(ask.body.get("version"), cluster)
    after = {"version": version, "releaseVersion": _release(ask.body.get("releaseVersion"), version)}
    if versions.number(version) < versions.number(group.document["version"]):
        raise invalid_parameter(f"Nodegroup Kubernetes version can't go back from {group.document['version']} to {version}",
                                nodegroupName=group.name)
    if ask.body.get("launchTemplate"):
        after["launchTemplate"] = ask.body["launchTemplate"]
    return {"update": group.update("VersionUpdate", "eks.nodegroup.version", {
        "Version": version, "ReleaseVersion": after["releaseVersion"]}, lambda: group.document.update(after))}


@operation("DeleteNodegroup")
def delete(ask: Ask) -> Document:
    cluster = find(ask)
    group = _find(ask, cluster)
    if group.status != "DELETING":
        if group.running_update():
            raise in_use(f"Cannot delete nodegroup {group.name}: update {group.running_update()} is in progress", clusterName=cluster.name,
                         nodegroupName=group.name)
        group.begin("DELETING", "eks.nodegroup.delete", group.gone)
    return {"nodegroup": group.document}
