"""What the sandbox's EKS does as AWS and moto does not; see test_repairs.py. The whole life is in test_eks.py."""
from __future__ import annotations

import time
import unittest
from typing import Any

import probes
from probes import Client, Probe, code
from test_repairs import role, trust

ACCOUNT = "123456789012"
POLICY = "arn:aws:iam::aws:policy/"
ROLE, NODES = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("cluster", "nodes"))
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
KEY = [{"resources": ["secrets"], "provider": {"keyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"}}]
PROBES: dict[str, Probe] = {}


def probe(function: Probe) -> Probe:
    PROBES[function.__name__] = function
    return function


class Platform:
    """What a cluster needs, and the cluster."""

    def __init__(self, client: Client, **more: Any) -> None:
        self.client, self.eks, self.ec2, iam = client, client("eks"), client("ec2"), client("iam")
        for name, service, policy in (("cluster", "eks", "AmazonEKSClusterPolicy"), ("nodes", "ec2", "AmazonEKSWorkerNodePolicy")):
            role(iam, name, trust({"Service": f"{service}.amazonaws.com"}))
            code(iam.attach_role_policy, RoleName=name, PolicyArn=POLICY + policy)
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")[
            "Subnet"]["SubnetId"] for n, zone in enumerate("ab")]
        self.arguments: dict[str, Any] = {"roleArn": ROLE, "resourcesVpcConfig": {"subnetIds": self.subnets},
                                          "accessConfig": {"authenticationMode": "API"}} | more

    def create(self, name: str = "one", **more: Any) -> str:
        """The error code, or none."""
        return code(self.eks.create_cluster, name=name, **(self.arguments | more))

    def active(self, name: str = "one", **more: Any) -> dict[str, Any]:
        self.create(name, **more)
        return settled(lambda: self.eks.describe_cluster(name=name)["cluster"])

    def nodegroup(self, **more: Any) -> str:
        return code(self.eks.create_nodegroup, clusterName="one", nodegroupName="g", subnets=self.subnets, **({"nodeRole": NODES} | more))

    def group(self) -> dict[str, Any]:
        return settled(lambda: self.eks.describe_nodegroup(clusterName="one", nodegroupName="g")["nodegroup"])

    def addon(self, name: str) -> dict[str, Any]:
        code(self.eks.create_addon, clusterName="one", addonName=name)
        return settled(lambda: self.eks.describe_addon(clusterName="one", addonName=name)["addon"])


def settled(look: Any) -> dict[str, Any]:
    """What `look` shows once the passing state has passed."""
    for _ in range(200):
        seen: dict[str, Any] = look()
        if seen["status"] not in ("CREATING", "UPDATING", "DELETING"):
            return seen
        time.sleep(0.02)
    raise AssertionError(f"does not settle: {seen}")


@probe
def cluster_is_creating_at_first(client: Client) -> bool:
    platform = Platform(client)
    platform.create()
    first = client("eks").describe_cluster(name="one")["cluster"]
    return (first["status"], "endpoint" in first, "endpoint" in platform.active()) == ("CREATING", False, True)


@probe
def every_cluster_has_its_issuer(client: Client) -> bool:
    platform = Platform(client)
    return platform.active("one")["identity"] != platform.active("two")["identity"]


@probe
def version_is_a_current_one(client: Client) -> bool:
    platform = Platform(client)
    (default,) = client("eks").describe_cluster_versions(defaultOnly=True)["clusterVersions"]
    return (platform.active()["version"], platform.create("two", version="1.12")) == (default["clusterVersion"], "InvalidParameterException")


@probe
def cluster_shows_its_network(client: Client) -> bool:
    platform = Platform(client)
    config = platform.active()["resourcesVpcConfig"]
    return (config.get("vpcId"), config.get("publicAccessCidrs"), config.get("endpointPublicAccess")) == (
        platform.vpc, ["0.0.0.0/0"], True) and "clusterSecurityGroupId" in config


@probe
def cluster_defaults(client: Client) -> bool:
    platform = Platform(client)
    del platform.arguments["accessConfig"]
    cluster = platform.active()
    return [cluster.get(name) for name in ("accessConfig", "upgradePolicy", "deletionProtection")] == [
        {"authenticationMode": "CONFIG_MAP"}, {"supportType": "EXTENDED"}, False]


@probe
def cluster_role_is_checked(client: Client) -> bool:
    platform = Platform(client)
    return (platform.create(roleArn=ROLE + "x"), platform.create(roleArn=NODES)) == ("InvalidParameterException",) * 2


@probe
def cluster_subnets_are_checked(client: Client) -> bool:
    platform = Platform(client)
    return [platform.create(resourcesVpcConfig={"subnetIds": ids}) for ids in (platform.subnets[:1], ["subnet-1", "subnet-2"])] == [
        "InvalidParameterException"] * 2


@probe
def a_token_makes_create_repeatable(client: Client) -> bool:
    platform = Platform(client, clientRequestToken="t")
    return [platform.create(), platform.create(), platform.create(clientRequestToken="u")] == ["", "", "ResourceInUseException"]


@probe
def updates_take_their_time_and_merge(client: Client) -> bool:
    platform = Platform(client)
    platform.active()
    eks = client("eks")
    update = eks.update_cluster_config(name="one", resourcesVpcConfig={"endpointPrivateAccess": True})["update"]
    first = eks.describe_cluster(name="one")["cluster"]["status"]
    config = platform.active()["resourcesVpcConfig"]
    last = eks.describe_update(name="one", updateId=update["id"])["update"]["status"]
    return (update["status"], first, last, config["subnetIds"], config["endpointPrivateAccess"]) == (
        "InProgress", "UPDATING", "Successful", platform.subnets, True)


@probe
def one_topic_and_one_update_at_a_time(client: Client) -> bool:
    platform, eks = Platform(client), client("eks")
    platform.active()
    standard = {"supportType": "STANDARD"}
    return [code(eks.update_cluster_config, name="one", upgradePolicy=standard, deletionProtection=True),
            code(eks.update_cluster_config, name="one", upgradePolicy={"supportType": "EXTENDED"}),
            code(eks.update_cluster_config, name="one", upgradePolicy=standard),
            code(eks.update_cluster_config, name="one", deletionProtection=True)] == [
                "InvalidParameterException", "InvalidParameterException", "", "ResourceInUseException"]


@probe
def access_mode_never_goes_back(client: Client) -> bool:
    platform, eks = Platform(client, accessConfig={"authenticationMode": "CONFIG_MAP"}), client("eks")
    platform.active()
    first = code(eks.update_cluster_config, name="one", accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
    platform.active()
    return (first, code(eks.update_cluster_config, name="one", accessConfig={"authenticationMode": "CONFIG_MAP"})) == (
        "", "InvalidParameterException")


@probe
def versions_rise_one_by_one(client: Client) -> bool:
    platform, eks = Platform(client, version="1.32"), client("eks")
    platform.active()
    outcome = [code(eks.update_cluster_version, name="one", version=version) for version in ("1.34", "1.31", "1.33")]
    return outcome == ["InvalidParameterException"] * 2 + [""] and platform.active()["version"] == "1.33"


@probe
def encryption_is_for_ever(client: Client) -> bool:
    platform, eks = Platform(client), client("eks")
    platform.active()
    wanted: dict[str, Any] = {"clusterName": "one", "encryptionConfig": KEY}
    first = code(eks.associate_encryption_config, **wanted)
    return (first, platform.active().get("encryptionConfig"), code(eks.associate_encryption_config, **wanted)) == (
        "", KEY, "InvalidParameterException")


@probe
def protected_clusters_stay(client: Client) -> bool:
    platform = Platform(client, deletionProtection=True)
    platform.active()
    return code(client("eks").delete_cluster, name="one") == "InvalidRequestException"


@probe
def deleting_takes_its_time(client: Client) -> bool:
    platform, eks = Platform(client), client("eks")
    platform.active()
    eks.delete_cluster(name="one")
    return (eks.describe_cluster(name="one")["cluster"]["status"], platform.create()) == ("DELETING", "ResourceInUseException")


@probe
def a_cluster_holds_its_network(client: Client) -> bool:
    platform, ec2 = Platform(client), client("ec2")
    platform.active()
    held = code(ec2.delete_subnet, SubnetId=platform.subnets[0])
    client("eks").delete_cluster(name="one")
    for _ in range(200):
        if not code(ec2.delete_subnet, SubnetId=platform.subnets[0]):
            break
        time.sleep(0.02)
    return [held, code(ec2.delete_subnet, SubnetId=platform.subnets[1]), code(ec2.delete_vpc, VpcId=platform.vpc)] == [
        "DependencyViolation", "", ""]


@probe
def node_groups_need_an_active_cluster(client: Client) -> bool:
    platform = Platform(client)
    platform.create()
    early = platform.nodegroup()
    platform.active()
    return (early, platform.nodegroup()) == ("InvalidRequestException", "")


@probe
def node_groups_are_creating_at_first(client: Client) -> bool:
    platform, eks = Platform(client), client("eks")
    platform.active()
    platform.nodegroup()
    first = eks.describe_nodegroup(clusterName="one", nodegroupName="g")["nodegroup"]
    last = platform.group()
    eks.delete_nodegroup(clusterName="one", nodegroupName="g")
    end = eks.describe_nodegroup(clusterName="one", nodegroupName="g")["nodegroup"]["status"]
    return (first["status"], last["status"], last["updateConfig"], end) == ("CREATING", "ACTIVE", {"maxUnavailable": 1}, "DELETING")


@probe
def node_roles_are_checked(client: Client) -> bool:
    platform = Platform(client)
    platform.active()
    return (platform.nodegroup(nodeRole=NODES + "x"), platform.nodegroup(nodeRole=ROLE)) == ("InvalidParameterException",) * 2


@probe
def node_group_updates_take_their_time(client: Client) -> bool:
    platform, eks = Platform(client), client("eks")
    platform.active()
    platform.nodegroup()
    platform.group()
    update = eks.update_nodegroup_config(clusterName="one", nodegroupName="g", scalingConfig={"maxSize": 5})["update"]
    busy = code(eks.update_nodegroup_config, clusterName="one", nodegroupName="g", scalingConfig={"maxSize": 6})
    return (busy, platform.group()["scalingConfig"]["maxSize"], eks.describe_update(
        name="one", nodegroupName="g", updateId=update["id"])["update"]["status"]) == ("ResourceInUseException", 5, "Successful")


@probe
def node_group_versions(client: Client) -> bool:
    platform, eks = Platform(client, version="1.33"), client("eks")
    platform.active()
    platform.nodegroup(version="1.32")
    platform.group()
    lead = code(eks.update_nodegroup_version, clusterName="one", nodegroupName="g", version="1.34")
    follow = code(eks.update_nodegroup_version, clusterName="one", nodegroupName="g")
    return (lead, follow, platform.group()["version"]) == ("InvalidParameterException", "", "1.33")


@probe
def node_groups_have_tags(client: Client) -> bool:
    platform, eks = Platform(client), client("eks")
    platform.active()
    platform.nodegroup(tags={"a": "1"})
    return bool(eks.list_tags_for_resource(resourceArn=platform.group()["nodegroupArn"])["tags"] == {"a": "1"})


@probe
def tagging_service_knows_clusters(client: Client) -> bool:
    platform = Platform(client, tags={"a": "1"})
    arn = platform.active()["arn"]
    found = client("resourcegroupstaggingapi").get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]
    return bool(found == [{"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "1"}]}])


@probe
def there_are_addons(client: Client) -> bool:
    platform, eks = Platform(client), client("eks")
    platform.active()
    (offered,) = eks.describe_addon_versions(addonName="vpc-cni", kubernetesVersion="1.34")["addons"]
    return bool(platform.addon("vpc-cni")["addonVersion"] == offered["addonVersions"][0]["addonVersion"])


@probe
def coredns_waits_for_nodes(client: Client) -> bool:
    platform = Platform(client)
    platform.active()
    before = platform.addon("coredns")["status"]
    platform.nodegroup()
    platform.group()
    return (before, platform.addon("coredns")["status"]) == ("DEGRADED", "ACTIVE")


@probe
def there_are_access_entries(client: Client) -> bool:
    platform, eks = Platform(client), client("eks")
    platform.active()
    who = {"clusterName": "one", "principalArn": ROLE}
    outcome = [code(eks.create_access_entry, clusterName="one", principalArn=ROLE + "x"), code(eks.create_access_entry, **who),
               code(eks.associate_access_policy, **who, policyArn=VIEW, accessScope={"type": "cluster"})]
    rows = eks.list_associated_access_policies(**who)["associatedAccessPolicies"]
    return outcome == ["InvalidParameterException", "", ""] and [row["policyArn"] for row in rows] == [VIEW]


class Repairs(probes.ProbeTest):
    options = {"time_scale": 1000}
    probes = PROBES

    def prepare(self) -> None:
        super().prepare()
        durations = self.cloud.control("GET", "/durations")
        self.cloud.control("POST", "/durations", {name: 300 for name in durations if name.startswith("eks.")})


if __name__ == "__main__":
    unittest.main()
