"""Add-ons, and the versions of them that fit a version of Kubernetes."""
from __future__ import annotations

import uuid
from typing import Any

import yaml

from . import roles, versions
from .clusters import Cluster, find, find_active
from .state import Ask, Document, Thing, in_use, invalid_parameter, not_found, operation

# add-on -> Kubernetes minor (or "*") -> versions, the default first.
OFFERED: dict[str, dict[str, list[str]]] = {
    "vpc-cni": {"*": ["v1.20.4-eksbuild.2", "v1.20.3-eksbuild.1", "v1.19.6-eksbuild.7", "v1.18.1-eksbuild.3"]},
    "coredns": {
        "1.35": ["v1.13.1-eksbuild.1", "v1.12.4-eksbuild.1"], "1.34": ["v1.12.4-eksbuild.1", "v1.12.3-eksbuild.1"],
        "1.33": ["v1.12.1-eksbuild.2", "v1.11.4-eksbuild.22"], "*": ["v1.11.4-eksbuild.22", "v1.11.4-eksbuild.2"]},
    "kube-proxy": {
        version.minor: [f"v{version.patch}-eksbuild.2", f"v{version.minor}.0-eksbuild.4"] for version in versions.VERSIONS.values()},
    "eks-pod-identity-agent": {"*": ["v1.3.9-eksbuild.3", "v1.3.4-eksbuild.1"]},
    "aws-ebs-csi-driver": {"*": ["v1.51.0-eksbuild.1", "v1.48.0-eksbuild.2"]},
    "metrics-server": {"*": ["v0.8.0-eksbuild.2", "v0.7.2-eksbuild.4"]}}
KINDS = {"vpc-cni": "networking", "coredns": "networking", "kube-proxy": "networking", "aws-ebs-csi-driver": "storage",
         "metrics-server": "observability", "eks-pod-identity-agent": "security"}
DEPLOYMENTS = {"coredns", "aws-ebs-csi-driver", "metrics-server"}  # want a node to run on; the others are daemon sets


def offered(addon: str, minor: str) -> list[str]:
    """Versions of an add-on for a Kubernetes version, the default first."""
    table = OFFERED.get(addon, {})
    return table.get(minor) or table.get("*", [])


class Addon(Thing):
    """Software in a cluster that EKS looks after."""

    def __init__(self, ask: Ask, cluster: Cluster, document: Document) -> None:
        super().__init__(ask.world, document, ask.body)
        self.cluster = cluster

    def settle(self) -> None:
        super().settle()
        if not self.busy and self.document["addonName"] in DEPLOYMENTS:
            self._look_for_nodes()

    def started(self) -> None:
        self.document["status"] = "ACTIVE"

    def _look_for_nodes(self) -> None:
        """Pods that nothing can run make the add-on DEGRADED until there are nodes."""
        issue = {"code": "InsufficientNumberOfReplicas", "resourceIds": [],
                 "message": "The add-on is unhealthy because it doesn't have the desired number of replicas."}
        healthy = self.cluster.has_nodes()
        self.document["status"] = "ACTIVE" if healthy else "DEGRADED"
        self.document["health"] = {"issues": [] if healthy else [issue]}


def _check_version(addon: str, version: str, minor: str) -> str:
    if version not in offered(addon, minor):
        raise invalid_parameter(f"Addon version specified is not supported: {addon} {version} with Kubernetes {minor}", addonName=addon)
    return version


def _check_settings(ask: Ask) -> None:
    values, role = ask.body.get("configurationValues"), ask.body.get("serviceAccountRoleArn")
    if values:
        try:
            parsed = yaml.safe_load(values)
        except yaml.YAMLError:
            parsed = ""
        if not isinstance(parsed, (dict, type(None))):
            raise invalid_parameter("ConfigurationValue is not in valid JSON or YAML format.")
    if role and roles.find(role) is None:
        raise invalid_parameter(f"The service account role {role} does not exist")
    if ask.body.get("resolveConflicts", "NONE") not in ("NONE", "OVERWRITE", "PRESERVE"):
        raise invalid_parameter("resolveConflicts must be one of [NONE, OVERWRITE, PRESERVE]")


def _find(ask: Ask, cluster: Cluster) -> Any:
    name = ask.labels["addonName"]
    if name not in cluster.addons:
        raise not_found(f"No addon: {name} found in cluster: {cluster.name}", clusterName=cluster.name, addonName=name)
    return cluster.addons[name]


@operation("CreateAddon")
def create(ask: Ask) -> Document:
    cluster = find_active(ask)
    ask.need("addonName")
    known = ask.repeated(cluster.addons)
    if known:
        return {"addon": known.document}
    name, minor, now = ask.body["addonName"], cluster.document["version"], ask.world.clock.now()
    if name in cluster.addons:
        raise in_use("Addon already exists.", clusterName=cluster.name, addonName=name)
    if not offered(name, minor):
        raise invalid_parameter(f"Addon {name} specified is not supported", clusterName=cluster.name, addonName=name)
    _check_settings(ask)
    document: Document = {
        "clusterName": cluster.name, "addonName": name, "createdAt": now, "modifiedAt": now, "health": {"issues": []},
        "addonVersion": _check_version(name, ask.body.get("addonVersion") or offered(name, minor)[0], minor),
        "addonArn": ask.arn(f"addon/{cluster.name}/{name}/{uuid.uuid4()}"), "tags": ask.body.get("tags", {})}
    document |= {member: ask.body[member] for member in ("serviceAccountRoleArn", "configurationValues") if ask.body.get(member)}
    addon = cluster.addons[name] = Addon(ask, cluster, document)
    addon.begin("CREATING", "eks.addon.create", addon.started)
    return {"addon": document}


@operation("DescribeAddon")
def describe(ask: Ask) -> Document:
    return {"addon": _find(ask, find(ask)).document}


@operation("ListAddons")
def list_all(ask: Ask) -> Document:
    return ask.page("addons", sorted(find(ask).addons))


@operation("UpdateAddon")
def update(ask: Ask) -> Document:
    cluster = find(ask)
    addon = _find(ask, cluster)
    name = addon.document["addonName"]
    if addon.busy:
        raise in_use(f"Addon {name} cannot be updated as it is currently in {addon.status} state", clusterName=cluster.name, addonName=name)
    _check_settings(ask)
    after = {member: ask.body[member] for member in ("addonVersion", "serviceAccountRoleArn", "configurationValues") if member in ask.body}
    if "addonVersion" in after:
        _check_version(name, after["addonVersion"], cluster.document["version"])
    shown = {member[0].upper() + member[1:]: ask.body[member] for member in (*after, "resolveConflicts") if member in ask.body}
    return {"update": addon.update("AddonUpdate", "eks.addon.update", shown, lambda: addon.document.update(after))}


@operation("DeleteAddon")
def delete(ask: Ask) -> Document:
    cluster = find(ask)
    addon = _find(ask, cluster)
    if addon.status != "DELETING":
        if addon.running_update():
            raise in_use(f"Addon {ask.labels['addonName']} cannot be deleted: update {addon.running_update()} is in progress",
                         clusterName=cluster.name, addonName=ask.labels["addonName"])
        addon.begin("DELETING", "eks.addon.delete", lambda: cluster.addons.pop(addon.document["addonName"], None))
    return {"addon": addon.document}


def _show_versions(addon: str, minors: list[str]) -> Document:
    found: dict[str, list[Document]] = {}
    for minor in minors:
        for version in offered(addon, minor):
            found.setdefault(version, []).append({"clusterVersion": minor, "platformVersions": ["*"],
                                                  "defaultVersion": version == offered(addon, minor)[0]})
    return {"addonName": addon, "type": KINDS[addon], "publisher": "eks", "owner": "aws", "addonVersions": [
        {"addonVersion": version, "architecture": ["amd64", "arm64"], "computeTypes": ["ec2", "auto", "hybrid"],
         "compatibilities": fits, "requiresConfiguration": False, "requiresIamPermissions": addon in ("vpc-cni", "aws-ebs-csi-driver")}
        for version, fits in found.items()]}


@operation("DescribeAddonVersions")
def describe_versions(ask: Ask) -> Document:
    name, minor = ask.query.get("addonName"), ask.query.get("kubernetesVersion")
    minors = [versions.known(minor).minor] if minor else list(versions.VERSIONS)
    if name and name not in OFFERED:
        raise not_found(f"Addon {name} specified is not supported", addonName=name)
    wanted = [addon for addon in OFFERED if name in (None, addon) and KINDS[addon] in (ask.lists.get("types") or [KINDS[addon]])]
    rows = [_show_versions(addon, minors) for addon in wanted]
    return ask.page("addons", [row for row in rows if row["addonVersions"]])
