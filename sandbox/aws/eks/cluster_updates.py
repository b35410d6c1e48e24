"""What can be changed on a cluster: one topic a call, one update at a time, and the updates themselves."""
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import endpoint_access, entries, network, versions
from .clusters import MODES, Cluster, enabled_logs, find, logging
from .state import Ask, Document, Thing, in_use, invalid_parameter, not_found, operation

CONFIG, VERSION = "eks.cluster.update", "eks.cluster.version"
ACCESS = ("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs")
# Members of the request that are not simulated.
UNKNOWN = ("zonalShiftConfig", "computeConfig", "kubernetesNetworkConfig", "storageConfig", "remoteNetworkConfig",
           "controlPlaneScalingConfig")


def _begin(cluster: Cluster, kind: str, what: str, parameters: dict[str, Any], change: Callable[[], None]) -> Document:
    """Refuse while something else goes on, else begin."""
    if cluster.busy:
        running = cluster.running_update()
        doing = f"currently has update {running} in progress" if running else f"is in status {cluster.status}: operation in progress"
        raise in_use(f"Cannot {kind} because cluster {cluster.name} {doing}", clusterName=cluster.name)
    shown = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
    return {"update": cluster.update(kind, what, shown, change)}


@operation("UpdateClusterConfig")
def update_config(ask: Ask) -> Document:
    cluster = find(ask)
    if any(name in ask.body for name in UNKNOWN):
        raise NotImplementedError
    given = [name for name in CHANGES if ask.body.get(name) is not None]
    config = ask.body.get("resourcesVpcConfig") or {}
    wants_access, wants_place = any(name in config for name in ACCESS), any(name in config for name in ("subnetIds", "securityGroupIds"))
    if len(given) != 1 or (wants_access and wants_place):
        raise invalid_parameter("Only one type of update can be allowed." if given else "No update was specified.",
                                clusterName=cluster.name)
    if wants_place:
        return _place(ask, cluster, config)
    return CHANGES[given[0]](cluster, ask.body[given[0]])


def _access(cluster: Cluster, wanted: Document) -> Document:
    config = cluster.document["resourcesVpcConfig"]
    after = endpoint_access.checked_access(wanted, config)
    if endpoint_access.same(config, after):
        public, private = (str(after[name]).lower() for name in ACCESS[:2])
        cidrs = ", ".join(after["publicAccessCidrs"])
        raise invalid_parameter(f"Cluster is already at the desired configuration with endpointPrivateAccess: {private} , "
                                f"endpointPublicAccess: {public}, and Public Endpoint Restrictions: [{cidrs}]",
                                clusterName=cluster.name)
    shown = {"EndpointPublicAccess": after["endpointPublicAccess"], "EndpointPrivateAccess": after["endpointPrivateAccess"],
             "PublicAccessCidrs": after["publicAccessCidrs"]}
    return _begin(cluster, "EndpointAccessUpdate", CONFIG, shown, lambda: config.update(after))


def _place(ask: Ask, cluster: Cluster, wanted: Document) -> Document:
    """Other subnets or groups: still two zones, still the same VPC."""
    config = cluster.document["resourcesVpcConfig"]
    after = {name: wanted.get(name, config[name]) for name in ("subnetIds", "securityGroupIds")}
    subnets = network.find_subnets(ask.account, ask.region, after["subnetIds"])
    network.check_zones(cluster.name, subnets)
    if subnets[0].vpc_id != config["vpcId"]:
        raise invalid_parameter("Provided subnets belong to a VPC other than the cluster's", clusterName=cluster.name)
    network.check_groups(ask.account, ask.region, after["securityGroupIds"], config["vpcId"])
    if all(set(after[name]) == set(config[name]) for name in after):
        raise invalid_parameter("No changes needed for the VPC config provided", clusterName=cluster.name)

    def change() -> None:
        config.update(after)
        cluster.connect()

    return _begin(cluster, "VpcConfigUpdate", CONFIG, {"Subnets": after["subnetIds"], "SecurityGroups": after["securityGroupIds"]}, change)


def _logging(cluster: Cluster, wanted: Document) -> Document:
    before = {kind for setup in cluster.document["logging"]["clusterLogging"] if setup["enabled"] for kind in setup["types"]}
    after = enabled_logs(wanted.get("clusterLogging", []), before)
    if after == before:
        raise invalid_parameter("No changes needed for the logging config provided", clusterName=cluster.name)
    return _begin(cluster, "LoggingUpdate", CONFIG, {"ClusterLogging": logging(after)},
                  lambda: cluster.document.update(logging=logging(after)))


def _mode(cluster: Cluster, wanted: Document) -> Document:
    """The way leads from the config map to the API and never back."""
    before, after = cluster.mode, wanted.get("authenticationMode", cluster.mode)
    if after not in MODES or MODES.index(after) != MODES.index(before) + 1:
        raise invalid_parameter(f"Unsupported authentication mode update from {before} to {after}", clusterName=cluster.name)

    def change() -> None:
        cluster.document["accessConfig"]["authenticationMode"] = after
        entries.bootstrap(cluster)

    return _begin(cluster, "AccessConfigUpdate", CONFIG, {"AuthenticationMode": after}, change)


def _simple(member: str, kind: str, parameter: str) -> Callable[[Cluster, Any], Document]:
    """A setting that is just replaced."""

    def update(cluster: Cluster, wanted: Any) -> Document:
        if cluster.document[member] == wanted:
            raise invalid_parameter(f"No changes needed for the {member} provided", clusterName=cluster.name)
        return _begin(cluster, kind, CONFIG, {parameter: wanted}, lambda: cluster.document.update({member: wanted}))

    return update


CHANGES: dict[str, Callable[[Cluster, Any], Document]] = {
    "resourcesVpcConfig": _access, "logging": _logging, "accessConfig": _mode,
    "upgradePolicy": _simple("upgradePolicy", "UpgradePolicyUpdate", "UpgradePolicy"),
    "deletionProtection": _simple("deletionProtection", "DeletionProtectionUpdate", "DeletionProtection")}


@operation("UpdateClusterVersion")
def update_version(ask: Ask) -> Document:
    cluster = find(ask)
    ask.need("version")
    before, after = cluster.document["version"], ask.body["version"]
    if versions.number(after) != versions.number(before) + 1:
        raise invalid_parameter(f"Unsupported Kubernetes minor version update from {before} to {after}", clusterName=cluster.name)
    platform = versions.known(after).platform
    return _begin(cluster, "VersionUpdate", VERSION, {"Version": after, "PlatformVersion": platform},
                  lambda: cluster.document.update(version=after, platformVersion=platform))


@operation("AssociateEncryptionConfig")
def associate_encryption(ask: Ask) -> Document:
    cluster = find(ask)
    ask.need("encryptionConfig")
    if cluster.document.get("encryptionConfig"):
        raise invalid_parameter("Encryption is already enabled for cluster", clusterName=cluster.name)
    config = ask.body["encryptionConfig"]
    if len(config) != 1 or config[0].get("resources") != ["secrets"] or not config[0].get("provider", {}).get("keyArn"):
        raise invalid_parameter("encryptionConfig must hold one entry with resources [secrets] and the keyArn of a provider")
    return _begin(cluster, "AssociateEncryptionConfig", CONFIG, {"EncryptionConfig": config},
                  lambda: cluster.document.update(encryptionConfig=config))


def _updated(ask: Ask) -> Thing:
    """Whose updates: the cluster's, a node group's or an add-on's."""
    cluster = find(ask)
    for parameter, things, words in (("nodegroupName", cluster.nodegroups, "node group"), ("addonName", cluster.addons, "addon")):
        name = ask.query.get(parameter)
        if name:
            if name not in things:
                raise not_found(f"No {words} found for name: {name}.", clusterName=cluster.name)
            return things[name]
    return cluster


@operation("DescribeUpdate")
def describe_update(ask: Ask) -> Document:
    updates, wanted = _updated(ask).updates, ask.labels["updateId"]
    if wanted not in updates:
        raise not_found(f"No update found for ID: {wanted}", clusterName=ask.labels["name"])
    return {"update": updates[wanted]}


@operation("ListUpdates")
def list_updates(ask: Ask) -> Document:
    return ask.page("updateIds", list(_updated(ask).updates))
