"""EKS in the sandbox over the whole life of a cluster."""
from __future__ import annotations

import base64
import json
import time
import unittest
from collections.abc import Callable
from typing import Any

from support import SandboxTest

ACCOUNT = "123456789012"
POLICY = "arn:aws:iam::aws:policy/"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


def trust(service: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})


TYPES: dict[str, Any] = {"structure": dict, "map": dict, "list": list, "string": str, "boolean": bool, "integer": int, "long": int,
                         "timestamp": (int, float)}


def strangers(value: Any, shape: Any, path: str = "") -> list[str]:
    """Where an answer is not as the service's model says: boto3 itself drops what it does not know."""
    if not isinstance(value, TYPES[shape.type_name]):
        return [f"{path}: {value!r} is no {shape.type_name}"]
    if getattr(shape, "enum", None) and value not in shape.enum:
        return [f"{path}: {value!r} is none of {shape.enum}"]
    if shape.type_name == "structure":
        return [f"{path}.{name}: unknown" for name in value if name not in shape.members] + [
            line for name, member in shape.members.items() if name in value for line in strangers(value[name], member, f"{path}.{name}")]
    if shape.type_name == "list":
        return [line for number, item in enumerate(value) for line in strangers(item, shape.member, f"{path}.{number}")]
    if shape.type_name == "map":
        return [line for key, item in value.items() for line in strangers(item, shape.value, f"{path}.{key}")]
    return []


class EksTest(SandboxTest):
    """Roles, a network and short ways to a cluster; states last some tenths of a second."""

    options = {"time_scale": 1000}

    def setUp(self) -> None:
        super().setUp()
        self.cloud.control("POST", "/durations", {
            "eks.cluster.create": 300, "eks.cluster.update": 200, "eks.cluster.version": 200, "eks.cluster.delete": 200,
            "eks.nodegroup.create": 200, "eks.nodegroup.update": 200, "eks.nodegroup.version": 200, "eks.nodegroup.delete": 200,
            "eks.addon.create": 100, "eks.addon.update": 100, "eks.addon.delete": 100})
        self.eks, self.ec2, self.iam = (self.cloud.client(service) for service in ("eks", "ec2", "iam"))
        self.eks.meta.events.register("after-call.eks", self.check_answer)
        self.role = self.make_role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy")
        self.node_role = self.make_role("node", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.make_subnet(n, zone) for n, zone in enumerate("ab")]

    def check_answer(self, http_response: Any, model: Any, **_: Any) -> None:
        """Every answer of every test here must fit the service's model."""
        if http_response.status_code < 300 and model.output_shape:
            self.assertEqual(strangers(json.loads(http_response.content), model.output_shape), [], model.name)

    def make_role(self, name: str, service: str, *policies: str) -> str:
        arn: str = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))["Role"]["Arn"]
        for policy in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=POLICY + policy)
        return arn

    def make_subnet(self, number: int, zone: str) -> str:
        return self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24",
                                      AvailabilityZone=f"us-east-1{zone}")["Subnet"]["SubnetId"]

    def create(self, name: str = "one", mode: str = "API", **more: Any) -> dict[str, Any]:
        arguments: dict[str, Any] = {"roleArn": self.role, "resourcesVpcConfig": {"subnetIds": self.subnets},
                                     "accessConfig": {"authenticationMode": mode, "bootstrapClusterCreatorAdminPermissions": False}}
        return self.eks.create_cluster(name=name, **(arguments | more))["cluster"]

    def cluster(self, name: str = "one") -> dict[str, Any]:
        return self.eks.describe_cluster(name=name)["cluster"]

    def group(self) -> dict[str, Any]:
        return self.eks.describe_nodegroup(clusterName="one", nodegroupName="nodes")["nodegroup"]

    def addon(self, name: str) -> dict[str, Any]:
        return self.eks.describe_addon(clusterName="one", addonName=name)["addon"]

    def until(self, state: str, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Wait for a state; `look` may come to find nothing, which is "gone"."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                seen = look()
            except self.eks.exceptions.ResourceNotFoundException:
                seen = {"status": "gone"}
            if seen["status"] == state:
                return seen
            time.sleep(0.05)
        self.fail(f"never {state}: {seen}")

    def active(self, **more: Any) -> dict[str, Any]:
        self.create(**more)
        return self.until("ACTIVE", self.cluster)

    def nodes(self, **more: Any) -> dict[str, Any]:
        return self.eks.create_nodegroup(clusterName="one", nodegroupName="nodes", subnets=self.subnets, nodeRole=self.node_role,
                                         **more)["nodegroup"]

    def refusal(self, code: str, function: Any, **arguments: Any) -> str:
        return self.refused(code, function, **arguments)["Error"]["Message"]


class Clusters(EksTest):
    def test_birth(self) -> None:
        born = self.create(tags={"a": "b"})
        self.assertEqual((born["status"], born["version"], born["tags"], born["certificateAuthority"]),
                         ("CREATING", "1.34", {"a": "b"}, {}))
        self.assertFalse({"endpoint", "identity"} & set(self.cluster()))
        self.assertNotIn("clusterSecurityGroupId", born["resourcesVpcConfig"])
        cluster = self.until("ACTIVE", self.cluster)
        self.assertRegex(cluster["identity"]["oidc"]["issuer"], r"^https://oidc\.eks\.us-east-1\.amazonaws\.com/id/[0-9A-F]{32}$")
        self.assertTrue(cluster["endpoint"].startswith("https://"))
        self.assertIn(b"BEGIN CERTIFICATE", base64.b64decode(cluster["certificateAuthority"]["data"]))
        config = cluster["resourcesVpcConfig"]
        self.assertEqual((config["vpcId"], config["endpointPublicAccess"], config["endpointPrivateAccess"], config["publicAccessCidrs"]),
                         (self.vpc, True, False, ["0.0.0.0/0"]))
        (group,) = self.ec2.describe_security_groups(GroupIds=[config["clusterSecurityGroupId"]])["SecurityGroups"]
        self.assertTrue(group["GroupName"].startswith("eks-cluster-sg-one-"))
        self.assertEqual((cluster["upgradePolicy"], cluster["deletionProtection"], cluster["accessConfig"]["authenticationMode"]),
                         ({"supportType": "EXTENDED"}, False, "API"))
        self.assertEqual(self.eks.list_clusters()["clusters"], ["one"])

    def test_each_cluster_has_its_issuer(self) -> None:
        self.create("one")
        self.create("two")
        issuers = {self.until("ACTIVE", lambda name=name: self.cluster(name))["identity"]["oidc"]["issuer"] for name in ("one", "two")}
        self.assertEqual(len(issuers), 2)

    def test_default_mode_and_creator(self) -> None:
        self.eks.create_cluster(name="one", roleArn=self.role, resourcesVpcConfig={"subnetIds": self.subnets})
        self.assertEqual(self.until("ACTIVE", self.cluster)["accessConfig"]["authenticationMode"], "CONFIG_MAP")
        self.refused("InvalidRequestException", self.eks.list_access_entries, clusterName="one")

    def test_refusals(self) -> None:
        self.assertIn("unsupported Kubernetes version", self.refusal("InvalidParameterException", self.create, version="1.12"))
        self.assertIn("does not exist", self.refusal("InvalidParameterException", self.create, roleArn=self.role + "x"))
        self.assertIn("trusted entity is not correct", self.refusal("InvalidParameterException", self.create, roleArn=self.node_role))
        bare = self.make_role("bare", "eks.amazonaws.com")
        self.assertIn("doesn't have the Amazon EKS Managed Policies", self.refusal("InvalidParameterException", self.create, roleArn=bare))
        for subnets in ([self.subnets[0]], [self.subnets[0], "subnet-00000000000000000"]):
            self.refused("InvalidParameterException", self.create, resourcesVpcConfig={"subnetIds": subnets})
        for more in ({"publicAccessCidrs": ["10.0.0.0/8"]}, {"publicAccessCidrs": ["x"]}, {"endpointPublicAccess": False},
                     {"securityGroupIds": ["sg-00000000000000000"]}):
            self.refused("InvalidParameterException", self.create, resourcesVpcConfig={"subnetIds": self.subnets} | more)
        bad_zone = self.make_subnet(9, "e")
        self.refused("UnsupportedAvailabilityZoneException", self.create, resourcesVpcConfig={"subnetIds": [self.subnets[0], bad_zone]})
        self.assertEqual(self.eks.list_clusters()["clusters"], [])
        self.refused("ResourceNotFoundException", self.cluster)

    def test_token_makes_create_repeatable(self) -> None:
        first = self.create(clientRequestToken="t")
        self.assertEqual(self.create(clientRequestToken="t")["arn"], first["arn"])
        self.refused("InvalidParameterException", self.create, clientRequestToken="t", tags={"other": ""})
        self.refused("ResourceInUseException", self.create, clientRequestToken="u")

    def test_end(self) -> None:
        group = self.active(deletionProtection=True)["resourcesVpcConfig"]["clusterSecurityGroupId"]
        self.refused("InvalidRequestException", self.eks.delete_cluster, name="one")
        self.eks.update_cluster_config(name="one", deletionProtection=False)
        self.until("ACTIVE", self.cluster)
        self.eks.update_cluster_config(name="one", upgradePolicy={"supportType": "STANDARD"})
        self.assertIn("in progress", self.refusal("ResourceInUseException", self.eks.delete_cluster, name="one"))
        self.until("ACTIVE", self.cluster)
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.subnets[0])
        held = self.ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": self.subnets}])["NetworkInterfaces"]
        self.assertEqual({interface["Description"] for interface in held}, {"Amazon EKS one"})
        self.refused("InvalidParameterValue", self.ec2.delete_network_interface, NetworkInterfaceId=held[0]["NetworkInterfaceId"])
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=group)
        self.assertEqual(self.eks.delete_cluster(name="one")["cluster"]["status"], "DELETING")
        self.refused("ResourceInUseException", self.create)
        self.until("gone", self.cluster)
        self.refused("InvalidGroup.NotFound", self.ec2.describe_security_groups, GroupIds=[group])
        for subnet in self.subnets:
            self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_vpc(VpcId=self.vpc)

    def test_vpc_can_go_without_anybody_asking_eks(self) -> None:
        self.active()
        self.eks.delete_cluster(name="one")
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.subnets[0])
        time.sleep(0.3)
        for subnet in self.subnets:
            self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_vpc(VpcId=self.vpc)

    def test_a_reset_forgets(self) -> None:
        self.create()
        self.cloud.reset()
        self.assertEqual(self.eks.list_clusters()["clusters"], [])

    def test_pages(self) -> None:
        for name in ("a", "b", "c"):
            self.create(name)
        first = self.eks.list_clusters(maxResults=2)
        self.assertEqual((first["clusters"], self.eks.list_clusters(maxResults=2, nextToken=first["nextToken"])["clusters"]),
                         (["a", "b"], ["c"]))


class Updates(EksTest):
    def change(self, **topic: Any) -> dict[str, Any]:
        """Make a change and see it through; returns the cluster afterwards."""
        update = self.eks.update_cluster_config(name="one", **topic)["update"]
        self.assertEqual((update["status"], self.cluster()["status"]), ("InProgress", "UPDATING"))
        cluster = self.until("ACTIVE", self.cluster)
        after = self.eks.describe_update(name="one", updateId=update["id"])["update"]
        self.assertEqual((after["status"], after["type"]), ("Successful", update["type"]))
        return cluster

    def test_config(self) -> None:
        self.active(mode="CONFIG_MAP")
        wanted = {"endpointPrivateAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}
        config = self.change(resourcesVpcConfig=wanted)["resourcesVpcConfig"]
        self.assertEqual(config, config | wanted | {"endpointPublicAccess": True, "subnetIds": self.subnets})
        logs = self.change(logging={"clusterLogging": [{"types": ["audit", "api"], "enabled": True}]})["logging"]["clusterLogging"]
        self.assertEqual([set(setup["types"]) for setup in logs if setup["enabled"]], [{"audit", "api"}])
        logs = self.change(logging={"clusterLogging": [{"types": ["api"], "enabled": False}]})["logging"]["clusterLogging"]
        self.assertEqual([setup["types"] for setup in logs if setup["enabled"]], [["audit"]])
        self.assertEqual(self.change(upgradePolicy={"supportType": "STANDARD"})["upgradePolicy"], {"supportType": "STANDARD"})
        more = [*self.subnets, self.make_subnet(3, "c")]
        self.assertEqual(self.change(resourcesVpcConfig={"subnetIds": more})["resourcesVpcConfig"]["subnetIds"], more)
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=more[2])
        self.assertEqual(len(self.eks.list_updates(name="one")["updateIds"]), 5)

    def test_refusals(self) -> None:
        self.create()
        self.refused("ResourceInUseException", self.eks.update_cluster_config, name="one", upgradePolicy={"supportType": "STANDARD"})
        self.until("ACTIVE", self.cluster)
        for topics in ({}, {"upgradePolicy": {"supportType": "STANDARD"}, "deletionProtection": True},
                       {"resourcesVpcConfig": {"endpointPrivateAccess": True, "subnetIds": self.subnets}},
                       {"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}}):
            self.refused("InvalidParameterException", self.eks.update_cluster_config, name="one", **topics)
        same = self.refusal("InvalidParameterException", self.eks.update_cluster_config, name="one",
                            upgradePolicy={"supportType": "EXTENDED"})
        self.assertIn("No changes needed", same)
        same = self.refusal("InvalidParameterException", self.eks.update_cluster_config, name="one",
                            resourcesVpcConfig={"endpointPublicAccess": True})
        self.assertIn("already at the desired configuration", same)
        self.eks.update_cluster_config(name="one", deletionProtection=True)
        busy = self.refusal("ResourceInUseException", self.eks.update_cluster_version, name="one", version="1.35")
        self.assertIn("in progress", busy)
        self.refused("ResourceNotFoundException", self.eks.describe_update, name="one", updateId="x")

    def test_mode_goes_one_way(self) -> None:
        self.active(mode="CONFIG_MAP", accessConfig={"authenticationMode": "CONFIG_MAP"})
        self.change(accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
        self.assertIn(f"arn:aws:iam::{ACCOUNT}:user/sandbox", self.eks.list_access_entries(clusterName="one")["accessEntries"])
        self.change(accessConfig={"authenticationMode": "API"})
        self.refused("InvalidParameterException", self.eks.update_cluster_config, name="one",
                     accessConfig={"authenticationMode": "CONFIG_MAP"})

    def test_version(self) -> None:
        self.active(version="1.32")
        for version in ("1.31", "1.32", "1.34", "1.99"):
            self.refused("InvalidParameterException", self.eks.update_cluster_version, name="one", version=version)
        update = self.eks.update_cluster_version(name="one", version="1.33")["update"]
        self.assertEqual((update["type"], self.cluster()["version"]), ("VersionUpdate", "1.32"))
        self.assertEqual(self.until("ACTIVE", self.cluster)["version"], "1.33")

    def test_encryption_cannot_be_changed(self) -> None:
        self.active()
        config = [{"resources": ["secrets"], "provider": {"keyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"}}]
        self.eks.associate_encryption_config(clusterName="one", encryptionConfig=config)
        self.assertEqual(self.until("ACTIVE", self.cluster)["encryptionConfig"], config)
        self.refused("InvalidParameterException", self.eks.associate_encryption_config, clusterName="one", encryptionConfig=config)

    def test_versions_offered(self) -> None:
        rows = self.eks.describe_cluster_versions()["clusterVersions"]
        self.assertEqual([row["clusterVersion"] for row in rows if row["defaultVersion"]], ["1.34"])
        self.assertEqual(self.eks.describe_cluster_versions(defaultOnly=True)["clusterVersions"][0]["clusterVersion"], "1.34")
        extended = self.eks.describe_cluster_versions(versionStatus="EXTENDED_SUPPORT")["clusterVersions"]
        self.assertTrue(0 < len(extended) < len(rows))
        self.assertEqual([row["clusterVersion"] for row in self.eks.describe_cluster_versions(clusterVersions=["1.33"])["clusterVersions"]],
                         ["1.33"])


class Nodegroups(EksTest):
    def test_life(self) -> None:
        self.create()
        self.refused("InvalidRequestException", self.nodes)
        self.until("ACTIVE", self.cluster)
        born = self.nodes(labels={"a": "1"}, tags={"t": "u"})
        self.assertEqual((born["status"], born["amiType"], born["diskSize"], born["instanceTypes"], born["updateConfig"], born["version"]),
                         ("CREATING", "AL2023_x86_64_STANDARD", 20, ["t3.medium"], {"maxUnavailable": 1}, "1.34"))
        self.assertEqual(len(self.until("ACTIVE", self.group)["resources"]["autoScalingGroups"]), 1)
        self.refused("ResourceInUseException", self.nodes)
        self.assertEqual(self.eks.list_nodegroups(clusterName="one")["nodegroups"], ["nodes"])
        self.refused("ResourceInUseException", self.eks.delete_cluster, name="one")
        self.eks.delete_nodegroup(clusterName="one", nodegroupName="nodes")
        self.assertEqual(self.group()["status"], "DELETING")
        self.refused("ResourceInUseException", self.eks.delete_cluster, name="one")
        self.until("gone", self.group)
        self.eks.delete_cluster(name="one")

    def test_refusals(self) -> None:
        self.active()
        self.assertIn("ec2.amazonaws.com", self.refusal("InvalidParameterException", self.nodes_of, role=self.role))
        self.assertIn("does not exist", self.refusal("InvalidParameterException", self.nodes_of, role=self.node_role + "x"))
        for more in ({"version": "1.35"}, {"scalingConfig": {"minSize": 3, "maxSize": 4, "desiredSize": 2}},
                     {"scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 3}}, {"releaseVersion": "1.30.1-20250101"},
                     {"updateConfig": {"maxUnavailable": 1, "maxUnavailablePercentage": 10}}):
            self.refused("InvalidParameterException", self.nodes, **more)
        self.refused("ResourceNotFoundException", self.group)

    def nodes_of(self, role: str) -> None:
        self.eks.create_nodegroup(clusterName="one", nodegroupName="nodes", subnets=self.subnets, nodeRole=role)

    def test_nodes_that_may_not_join(self) -> None:
        self.active()
        self.nodes_of(self.make_role("weak", "ec2.amazonaws.com"))
        self.assertEqual(self.until("CREATE_FAILED", self.group)["health"]["issues"][0]["code"], "NodeCreationFailure")

    def test_config(self) -> None:
        self.active()
        taint = {"key": "k", "value": "v", "effect": "NO_SCHEDULE"}
        self.nodes(labels={"a": "1", "b": "2"}, taints=[taint])
        self.refused("ResourceInUseException", self.eks.update_nodegroup_config, clusterName="one", nodegroupName="nodes",
                     scalingConfig={"maxSize": 5})
        self.until("ACTIVE", self.group)
        update = self.eks.update_nodegroup_config(
            clusterName="one", nodegroupName="nodes", labels={"addOrUpdateLabels": {"c": "3"}, "removeLabels": ["a"]},
            taints={"removeTaints": [taint], "addOrUpdateTaints": [taint | {"key": "l"}]},
            scalingConfig={"minSize": 1, "maxSize": 4, "desiredSize": 3}, updateConfig={"maxUnavailablePercentage": 50})["update"]
        self.assertEqual(self.group()["status"], "UPDATING")
        group = self.until("ACTIVE", self.group)
        self.assertEqual((group["labels"], [taint["key"] for taint in group["taints"]], group["scalingConfig"], group["updateConfig"]),
                         ({"b": "2", "c": "3"}, ["l"], {"minSize": 1, "maxSize": 4, "desiredSize": 3}, {"maxUnavailablePercentage": 50}))
        seen = self.eks.describe_update(name="one", updateId=update["id"], nodegroupName="nodes")["update"]
        self.assertEqual((seen["status"], seen["type"]), ("Successful", "ConfigUpdate"))

    def test_version(self) -> None:
        self.active(version="1.33")
        self.nodes(version="1.32")
        self.until("ACTIVE", self.group)
        self.refused("InvalidParameterException", self.eks.update_nodegroup_version, clusterName="one", nodegroupName="nodes",
                     version="1.34")
        self.eks.update_nodegroup_version(clusterName="one", nodegroupName="nodes", version="1.33")
        group = self.until("ACTIVE", self.group)
        self.assertEqual((group["version"], group["releaseVersion"][:5]), ("1.33", "1.33."))


class Addons(EksTest):
    def test_life(self) -> None:
        self.create()
        self.refused("InvalidRequestException", self.eks.create_addon, clusterName="one", addonName="vpc-cni")
        self.until("ACTIVE", self.cluster)
        newest, older = self.offered("vpc-cni")[:2]
        self.assertEqual(self.eks.create_addon(clusterName="one", addonName="vpc-cni", addonVersion=older)["addon"]["status"], "CREATING")
        self.until("ACTIVE", lambda: self.addon("vpc-cni"))
        self.refused("ResourceInUseException", self.eks.create_addon, clusterName="one", addonName="vpc-cni")
        update = self.eks.update_addon(clusterName="one", addonName="vpc-cni", addonVersion=newest,
                                       configurationValues='{"env": {}}')["update"]
        self.assertEqual(self.addon("vpc-cni")["status"], "UPDATING")
        after = self.until("ACTIVE", lambda: self.addon("vpc-cni"))
        self.assertEqual((after["addonVersion"], after["configurationValues"]), (newest, '{"env": {}}'))
        self.assertEqual(self.eks.describe_update(name="one", updateId=update["id"], addonName="vpc-cni")["update"]["status"], "Successful")
        self.eks.delete_addon(clusterName="one", addonName="vpc-cni")
        self.assertEqual(self.addon("vpc-cni")["status"], "DELETING")
        self.until("gone", lambda: self.addon("vpc-cni"))
        self.assertEqual(self.eks.list_addons(clusterName="one")["addons"], [])

    def offered(self, name: str, minor: str = "1.34") -> list[str]:
        (addon,) = self.eks.describe_addon_versions(addonName=name, kubernetesVersion=minor)["addons"]
        rows = addon["addonVersions"]
        self.assertEqual([row["compatibilities"][0]["defaultVersion"] for row in rows], [True] + [False] * (len(rows) - 1))
        return [row["addonVersion"] for row in rows]

    def test_coredns_waits_for_nodes(self) -> None:
        self.active()
        self.eks.create_addon(clusterName="one", addonName="coredns")
        waiting = self.until("DEGRADED", lambda: self.addon("coredns"))
        self.assertEqual(waiting["health"]["issues"][0]["code"], "InsufficientNumberOfReplicas")
        self.nodes()
        self.assertEqual(self.addon("coredns")["status"], "DEGRADED")
        self.assertEqual(self.until("ACTIVE", lambda: self.addon("coredns"))["health"]["issues"], [])

    def test_refusals(self) -> None:
        self.active()
        for more in ({"addonName": "nonsense"}, {"addonName": "coredns", "addonVersion": "v0.1"},
                     {"addonName": "coredns", "configurationValues": "{"}, {"addonName": "coredns", "configurationValues": "text"},
                     {"addonName": "coredns", "serviceAccountRoleArn": self.role + "x"}):
            self.refused("InvalidParameterException", self.eks.create_addon, clusterName="one", **more)
        self.assertNotEqual(self.offered("coredns", "1.32"), self.offered("coredns", "1.34"))


class Access(EksTest):
    def test_life(self) -> None:
        self.active()
        own = self.eks.list_access_entries(clusterName="one")["accessEntries"]
        self.assertTrue(all("aws-service-role" in principal for principal in own), own)
        made = self.eks.create_access_entry(clusterName="one", principalArn=self.role, kubernetesGroups=["ops"],
                                            tags={"a": "b"})["accessEntry"]
        self.assertEqual((made["type"], made["username"]), ("STANDARD", f"arn:aws:sts::{ACCOUNT}:assumed-role/cluster/{{{{SessionName}}}}"))
        self.refused("ResourceInUseException", self.eks.create_access_entry, clusterName="one", principalArn=self.role)
        who = {"clusterName": "one", "principalArn": self.role}
        self.eks.associate_access_policy(**who, policyArn=ADMIN, accessScope={"type": "cluster"})
        self.eks.associate_access_policy(**who, policyArn=VIEW, accessScope={"type": "namespace", "namespaces": ["n"]})
        rows = self.eks.list_associated_access_policies(**who)["associatedAccessPolicies"]
        self.assertEqual([(row["policyArn"], row["accessScope"]["type"]) for row in rows], [(ADMIN, "cluster"), (VIEW, "namespace")])
        self.assertEqual(self.eks.list_access_entries(clusterName="one", associatedPolicyArn=ADMIN)["accessEntries"], [self.role])
        self.eks.disassociate_access_policy(**who, policyArn=ADMIN)
        self.refused("ResourceNotFoundException", self.eks.disassociate_access_policy, **who, policyArn=ADMIN)
        self.eks.update_access_entry(**who, kubernetesGroups=["a", "b"], username="me")
        seen = self.eks.describe_access_entry(**who)["accessEntry"]
        self.assertEqual((seen["kubernetesGroups"], seen["username"]), (["a", "b"], "me"))
        self.eks.delete_access_entry(**who)
        self.refused("ResourceNotFoundException", self.eks.describe_access_entry, **who)

    def test_refusals(self) -> None:
        self.active()
        absent = self.refusal("InvalidParameterException", self.eks.create_access_entry, clusterName="one", principalArn=self.role + "x")
        self.assertIn("The specified principalArn is invalid: invalid principal", absent)
        for more in ({"type": "NONSENSE"}, {"kubernetesGroups": ["system:masters"]}, {"type": "EC2_LINUX", "kubernetesGroups": ["g"]}):
            self.refused("InvalidParameterException", self.eks.create_access_entry, clusterName="one", principalArn=self.role, **more)
        self.eks.create_access_entry(clusterName="one", principalArn=self.role)
        for policy, scope in ((ADMIN + "x", {"type": "cluster"}), (ADMIN, {"type": "namespace"}),
                              (ADMIN, {"type": "cluster", "namespaces": ["n"]})):
            self.refused("InvalidParameterException", self.eks.associate_access_policy, clusterName="one", principalArn=self.role,
                         policyArn=policy, accessScope=scope)
        self.assertIn(ADMIN, [row["arn"] for row in self.eks.list_access_policies()["accessPolicies"]])

    def test_node_roles_have_an_entry(self) -> None:
        self.active()
        self.nodes()
        who = {"clusterName": "one", "principalArn": self.node_role}
        self.assertEqual(self.eks.describe_access_entry(**who)["accessEntry"]["type"], "EC2_LINUX")
        self.until("ACTIVE", self.group)
        self.eks.delete_nodegroup(clusterName="one", nodegroupName="nodes")
        self.until("gone", self.group)
        self.refused("ResourceNotFoundException", self.eks.describe_access_entry, **who)

    def test_creator(self) -> None:
        self.active(accessConfig={"authenticationMode": "API"})
        creator = f"arn:aws:iam::{ACCOUNT}:user/sandbox"
        rows = self.eks.list_associated_access_policies(clusterName="one", principalArn=creator)["associatedAccessPolicies"]
        self.assertEqual([row["policyArn"] for row in rows], [ADMIN])


class Tags(EksTest):
    def test_tags(self) -> None:
        self.active(tags={"k": "cluster"})
        group = self.nodes(tags={"k": "group"})
        addon = self.eks.create_addon(clusterName="one", addonName="vpc-cni", tags={"k": "addon"})["addon"]
        entry = self.eks.create_access_entry(clusterName="one", principalArn=self.role, tags={"k": "entry"})["accessEntry"]
        arns = {"cluster": self.cluster()["arn"], "group": group["nodegroupArn"], "addon": addon["addonArn"],
                "entry": entry["accessEntryArn"]}
        for value, arn in arns.items():
            self.assertEqual(self.eks.list_tags_for_resource(resourceArn=arn)["tags"], {"k": value})
            self.eks.tag_resource(resourceArn=arn, tags={"l": "m"})
            self.eks.untag_resource(resourceArn=arn, tagKeys=["k", "absent"])
            self.assertEqual(self.eks.list_tags_for_resource(resourceArn=arn)["tags"], {"l": "m"})
        self.assertEqual(self.cluster()["tags"], {"l": "m"})
        self.refused("NotFoundException", self.eks.list_tags_for_resource, resourceArn=arns["cluster"] + "x")
        found = self.cloud.client("resourcegroupstaggingapi").get_resources(ResourceARNList=list(arns.values()))["ResourceTagMappingList"]
        self.assertEqual({row["ResourceARN"]: row["Tags"] for row in found}, {arn: [{"Key": "l", "Value": "m"}] for arn in arns.values()})
        only = self.cloud.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["eks:cluster"])["ResourceTagMappingList"]
        self.assertEqual([row["ResourceARN"] for row in only], [arns["cluster"]])


if __name__ == "__main__":
    unittest.main()
