"""Clusters: made, shown, deleted, and where they are kept. Their changes are in cluster_updates.py."""
from __future__ import annotations

import base64
import re
import secrets
from typing import Any

from moto.eks.models import eks_backends

from . import entries, network, roles, versions
from .endpoint_access import checked_access
from .fallback import CERTIFICATE, ENDPOINT
from .state import Ask, Document, Thing, in_use, invalid_parameter, invalid_request, not_found, operation

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
KEPT = ("name", "roleArn", "encryptionConfig", "zonalShiftConfig", "clientRequestToken")
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")


class Cluster(Thing):
    """A control plane and all that hangs on it."""

    def __init__(self, ask: Ask, document: Document, subnets: list[Any]) -> None:
        super().__init__(ask.world, document, ask.body)
        self.account, self.region, self.partition = ask.account, ask.region, ask.partition
        self.nodegroups: dict[str, Thing] = {}
        self.addons: dict[str, Thing] = {}
        self.entries: dict[str, entries.Entry] = {}
        self.creator = roles.caller(ask.account, ask.partition, ask.region, ask.access_key)
        self.creator_is_admin = ask.body.get("accessConfig", {}).get("bootstrapClusterCreatorAdminPermissions", True)
        self.group = network.make_group(self.account, self.region, self.name, subnets[0].vpc_id)
        self.interfaces: list[str] = []
        self.connect()

    @property
    def name(self) -> str:
        return self.document["name"]

    @property
    def mode(self) -> str:
        return self.document["accessConfig"]["authenticationMode"]

    def connect(self) -> None:
        """Put the interfaces where the configuration says."""
        config = self.document["resourcesVpcConfig"]
        network.release(self.account, self.region, self.interfaces)
        self.interfaces = network.make_interfaces(self.account, self.region, config["subnetIds"],
                                                  [self.group, *config["securityGroupIds"]], f"Amazon EKS {self.name}")

    def has_nodes(self) -> bool:
        return any(group.status in ("ACTIVE", "UPDATING") and group.document["scalingConfig"]["desiredSize"] > 0
                   for group in self.nodegroups.values())

    def settle(self) -> None:
        super().settle()
        for things in (self.nodegroups, self.addons):
            for thing in list(things.values()):
                thing.settle()

    def opened(self) -> None:
        """CREATING is over: from now on there is somebody to talk to."""
        server = self.world.kubernetes
        certificate = server.certificate_authority if server else CERTIFICATE
        self.document |= {
            "status": "ACTIVE", "endpoint": server.endpoint(self.name, self.region, self.account) if server else ENDPOINT,
            "certificateAuthority": {"data": base64.b64encode(certificate).decode()},
            "identity": {"oidc": {"issuer": f"https://oidc.eks.{self.region}.amazonaws.com/id/{secrets.token_hex(16).upper()}"}}}
        self.document["resourcesVpcConfig"]["clusterSecurityGroupId"] = self.group

    def release(self) -> None:
        """The cluster is gone: so is what it held."""
        network.release(self.account, self.region, self.interfaces, self.group)
        if self.world.kubernetes:
            self.world.kubernetes.cluster_deleted(self.name, self.region, self.account)


def _kept(account: str, region: str) -> dict[str, Cluster]:
    """In moto's backend, so that a reset empties it."""
    return eks_backends[account][region].__dict__.setdefault("_sandbox_clusters", {})


def store(account: str, region: str) -> dict[str, Cluster]:
    """The clusters of an account and Region as they are now."""
    clusters = _kept(account, region)
    for cluster in list(clusters.values()):
        cluster.settle()
    return clusters


def find(ask: Ask) -> Cluster:
    """The cluster a request speaks of."""
    name = ask.labels["name"]
    cluster = store(ask.account, ask.region).get(name)
    if cluster is None:
        raise not_found(f"No cluster found for name: {name}.", clusterName=name)
    return cluster


def find_active(ask: Ask) -> Cluster:
    cluster = find(ask)
    if cluster.status != "ACTIVE":
        raise invalid_request(f"Cluster '{cluster.name}' is not in ACTIVE status", clusterName=cluster.name)
    return cluster


def logging(enabled: set[str]) -> Document:
    """As Describe shows it: the types that are on, then those that are off."""
    setups = [{"types": [kind for kind in LOG_TYPES if (kind in enabled) == on], "enabled": on} for on in (True, False)]
    return {"clusterLogging": [setup for setup in setups if setup["types"]]}


def enabled_logs(setups: list[Document], before: set[str]) -> set[str]:
    """The types that are on after a request; what it does not name stays as it was."""
    after = set(before)
    for setup in setups:
        types = set(setup.get("types", []))
        if types - set(LOG_TYPES):
            raise invalid_parameter(f"Unsupported log type: {sorted(types - set(LOG_TYPES))[0]}")
        after = after | types if setup.get("enabled") else after - types
    return after


def _network_config(wanted: Document, subnet: Any) -> Document:
    shown = {"ipFamily": wanted.get("ipFamily", "ipv4"), "elasticLoadBalancing": wanted.get("elasticLoadBalancing", {"enabled": False})}
    return shown | {"serviceIpv4Cidr": wanted.get("serviceIpv4Cidr") or network.service_cidr(subnet)}


def _describe_new(ask: Ask, version: versions.Version, subnets: list[Any]) -> Document:
    body, config = ask.body, ask.body["resourcesVpcConfig"]
    mode = body.get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP")
    if mode not in MODES:
        raise invalid_parameter(f"Unsupported authentication mode {mode}")
    return {name: body[name] for name in KEPT if name in body} | {
        "arn": ask.arn(f"cluster/{body['name']}"), "createdAt": ask.world.clock.now(), "version": version.minor,
        "platformVersion": version.platform, "certificateAuthority": {}, "health": {"issues": []}, "tags": body.get("tags", {}),
        "resourcesVpcConfig": {"subnetIds": config["subnetIds"], "securityGroupIds": config.get("securityGroupIds", []),
                               "vpcId": subnets[0].vpc_id} | checked_access(config),
        "kubernetesNetworkConfig": _network_config(body.get("kubernetesNetworkConfig", {}), subnets[0]),
        "logging": logging(enabled_logs(body.get("logging", {}).get("clusterLogging", []), set())),
        "accessConfig": {"authenticationMode": mode}, "deletionProtection": body.get("deletionProtection", False),
        "upgradePolicy": {"supportType": body.get("upgradePolicy", {}).get("supportType", "EXTENDED")}}


@operation("CreateCluster")
def create(ask: Ask) -> Document:
    clusters = store(ask.account, ask.region)
    ask.need("name", "roleArn", "resourcesVpcConfig")
    name, config = ask.body["name"], ask.body["resourcesVpcConfig"]
    known = ask.repeated(clusters)
    if known:
        return {"cluster": known.document}
    if not NAME.fullmatch(name):
        raise invalid_parameter("The cluster name must be 1 to 100 letters, digits, hyphens and underscores, and begin with a letter or "
                                "digit", clusterName=name)
    if name in clusters:
        raise in_use(f"Cluster already exists with name: {name}", clusterName=name)
    version = versions.known(ask.body.get("version") or versions.DEFAULT)
    roles.check_cluster_role(ask.body["roleArn"])
    subnets = network.find_subnets(ask.account, ask.region, config.get("subnetIds", []))
    network.check_zones(name, subnets)
    network.check_groups(ask.account, ask.region, config.get("securityGroupIds", []), subnets[0].vpc_id)
    cluster = Cluster(ask, _describe_new(ask, version, subnets), subnets)
    entries.bootstrap(cluster)
    clusters[name] = cluster
    cluster.begin("CREATING", "eks.cluster.create", cluster.opened)
    return {"cluster": cluster.document}


@operation("DescribeCluster")
def describe(ask: Ask) -> Document:
    return {"cluster": find(ask).document}


@operation("ListClusters")
def list_all(ask: Ask) -> Document:
    return ask.page("clusters", sorted(store(ask.account, ask.region)))


@operation("DeleteCluster")
def delete(ask: Ask) -> Document:
    cluster = find(ask)
    if cluster.status == "DELETING":
        return {"cluster": cluster.document}
    if cluster.document["deletionProtection"]:
        raise invalid_request(f"Cannot delete cluster {cluster.name} because deletion protection is enabled. Disable it first.",
                              clusterName=cluster.name)
    if cluster.nodegroups:
        raise in_use("Cluster has nodegroups attached", clusterName=cluster.name, nodegroupName=",".join(cluster.nodegroups))
    if cluster.busy:
        what = f"update {cluster.running_update()}" if cluster.running_update() else "creation"
        raise in_use(f"Cannot DeleteCluster because cluster {cluster.name} currently has {what} in progress", clusterName=cluster.name)

    def gone() -> None:
        _kept(ask.account, ask.region).pop(cluster.name, None)
        cluster.release()

    cluster.begin("DELETING", "eks.cluster.delete", gone)
    return {"cluster": cluster.document}
