"""EKS: a cluster with nodes, an add-on and somebody who may sign in: made, put right after every change by somebody else, deleted."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.cloud import Oracle  # noqa: E402
from lib.daemon import missing, wait_for  # noqa: E402
from lib.kinds import KindTest  # noqa: E402
from lib.sandbox import Sandbox  # noqa: E402
from lib.scenario import ACCOUNT, head, shared_sandbox  # noqa: E402

CLUSTER, NODES, ADDON, ENTRY = ("aws_eks_cluster.main", "aws_eks_node_group.default", "aws_eks_addon.cni", "aws_eks_access_entry.dev")
EKS = (CLUSTER, NODES, ADDON, ENTRY)
DEV, CNI, OTHER = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("dev", "cni", "other"))
POLICY = "arn:aws:eks::aws:cluster-access-policy/"
VIEW, EDIT, ADMIN = (f"{POLICY}AmazonEKS{name}Policy" for name in ("View", "Edit", "ClusterAdmin"))

def fast_sandbox() -> Sandbox:
    """A sandbox whose clusters take a second."""
    return shared_sandbox(500)


def role(name: str, service: str, *policies: str) -> dict[str, Any]:
    return {"name": name, "managed_policy_arns": [f"arn:aws:iam::aws:policy/{policy}" for policy in policies],
            "assume_role_policy": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}]}}


def subnet(number: int, zone: str) -> dict[str, Any]:
    return {"vpc_id": "${aws_vpc.main.id}", "cidr_block": f"10.0.{number}.0/24", "availability_zone": f"us-east-1{zone}"}


def platform(*addresses: str) -> dict[str, Any]:
    """A small cluster: every field that can be declared, of these addresses."""
    document = head()
    document["resources"] = {
        "aws_vpc.main": {"cidr_block": "10.0.0.0/16"}, "aws_subnet.a": subnet(1, "a"), "aws_subnet.b": subnet(2, "b"),
        "aws_iam_role.cluster": role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy"),
        "aws_iam_role.node": role("node", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy"),
        "aws_iam_role.dev": role("dev", "ec2.amazonaws.com"), "aws_iam_role.cni": role("cni", "ec2.amazonaws.com"),
        "aws_iam_role.other": role("other", "ec2.amazonaws.com"),
        CLUSTER: {"name": "mlops", "role_arn": "${aws_iam_role.cluster.arn}", "version": "1.33",
                  "vpc_config": {"subnet_ids": ["${aws_subnet.a.id}", "${aws_subnet.b.id}"], "endpoint_private_access": True,
                                 "public_access_cidrs": ["192.0.2.0/24"]},
                  "enabled_cluster_log_types": ["audit", "api"], "upgrade_policy": {"support_type": "STANDARD"},
                  "kubernetes_network_config": {"service_ipv4_cidr": "10.100.0.0/16"}, "tags": {"team": "ml"}},
        NODES: {"cluster_name": "${aws_eks_cluster.main.name}", "node_group_name": "default", "node_role_arn": "${aws_iam_role.node.arn}",
                "subnet_ids": ["${aws_subnet.a.id}"], "scaling_config": {"min_size": 1, "max_size": 3, "desired_size": 2},
                "instance_types": ["t3.large"], "labels": {"team": "ml"}, "update_config": {"max_unavailable": 1},
                "taint": [{"key": "gpu", "value": "yes", "effect": "NO_SCHEDULE"}], "tags": {"team": "ml"}},
        ADDON: {"cluster_name": "${aws_eks_cluster.main.name}", "addon_name": "vpc-cni", "addon_version": "v1.19.6-eksbuild.7",
                "service_account_role_arn": "${aws_iam_role.cni.arn}", "configuration_values": "env:\n  WARM_IP_TARGET: '2'\n",
                "tags": {"team": "ml"}},
        ENTRY: {"cluster_name": "${aws_eks_cluster.main.name}", "principal_arn": "${aws_iam_role.dev.arn}", "kubernetes_groups": ["ml"],
                "user_name": "dev", "tags": {"team": "ml"},
                "policy_association": [{"policy_arn": VIEW, "access_scope": {"type": "cluster"}},
                                       {"policy_arn": EDIT, "access_scope": {"type": "namespace", "namespaces": ["mlflow"]}}]}}
    for address in set(EKS) - set(addresses):
        del document["resources"][address]
    document["outputs"] = {"connection": {"value": "${aws_eks_cluster.main.connection}"},
                           "issuer": {"value": "${aws_eks_cluster.main.oidc_issuer_host_path}"}}
    return document


class EksTest(KindTest):
    @classmethod
    def setUpClass(cls) -> None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = fast_sandbox()
        cls.oracle = Oracle(cls.cloud)
        cls.eks = cls.cloud.client("eks")

    def of(self, thing: dict[str, Any], *volatile: str) -> dict[str, Any]:
        """What must be the same again: no times, nothing that is new with each creation."""
        tags = {name: value for name, value in thing["tags"].items() if name != "mlopsd:intent"}
        return {name: value for name, value in thing.items() if name not in ("createdAt", "modifiedAt", *volatile)} | {"tags": tags}

    def cluster(self) -> dict[str, Any]:
        seen = self.of(self.eks.describe_cluster(name="mlops")["cluster"], "identity", "endpoint", "ResponseMetadata", "clientRequestToken")
        for names in (seen["resourcesVpcConfig"]["subnetIds"], seen["resourcesVpcConfig"]["publicAccessCidrs"]):
            names.sort()
        seen["resourcesVpcConfig"].pop("clusterSecurityGroupId")
        return seen

    def nodes(self) -> dict[str, Any]:
        return self.of(self.eks.describe_nodegroup(clusterName="mlops", nodegroupName="default")["nodegroup"], "nodegroupArn", "resources")

    def addon(self) -> dict[str, Any]:
        return self.of(self.eks.describe_addon(clusterName="mlops", addonName="vpc-cni")["addon"], "addonArn")

    def entry(self) -> dict[str, Any]:
        seen = self.of(self.eks.describe_access_entry(clusterName="mlops", principalArn=DEV)["accessEntry"], "accessEntryArn")
        found = self.eks.list_associated_access_policies(clusterName="mlops", principalArn=DEV)["associatedAccessPolicies"]
        return seen | {"policies": {p["policyArn"]: p["accessScope"] for p in found}}

    def settled(self, change: Any) -> Any:
        """Wait until a change made by hand is through: EKS takes one at a time."""
        what = {name: change[name] for name in ("nodegroupName", "addonName") if name in change}
        update = {"name": "mlops", "updateId": change["update"]["id"], **what}
        wait_for(lambda: self.eks.describe_update(**update)["update"]["status"] == "Successful", "the update")

    def set_cluster(self, **change: Any) -> Any:
        self.settled(self.eks.update_cluster_config(name="mlops", **change))

    def set_nodes(self, **change: Any) -> Any:
        made = self.eks.update_nodegroup_config(clusterName="mlops", nodegroupName="default", **change)
        self.settled(made | {"nodegroupName": "default"})

    def set_addon(self, **change: Any) -> Any:
        self.settled(self.eks.update_addon(clusterName="mlops", addonName="vpc-cni", **change) | {"addonName": "vpc-cni"})

    def untag(self, arn: str, name: str) -> None:
        self.eks.untag_resource(resourceArn=arn, tagKeys=[name])


class Cluster(EksTest):
    def test_all_four_are_made_as_declared(self) -> None:
        daemon = self.running(platform(*EKS))
        cluster = self.eks.describe_cluster(name="mlops")["cluster"]
        self.assertEqual((cluster["version"], cluster["accessConfig"]["authenticationMode"]), ("1.33", "API"))
        self.assertEqual(self.nodes()["scalingConfig"], {"minSize": 1, "maxSize": 3, "desiredSize": 2})
        self.assertEqual(self.addon()["addonVersion"], "v1.19.6-eksbuild.7")
        self.assertEqual(self.entry()["policies"], {VIEW: {"type": "cluster", "namespaces": []},
                                                    EDIT: {"type": "namespace", "namespaces": ["mlflow"]}})
        outputs = {o["name"]: json.loads(o["value"]) for o in daemon.call("Output")["outputs"]}
        self.assertEqual(outputs["connection"], {"name": "mlops", "endpoint": cluster["endpoint"],
                                                 "certificate_authority": cluster["certificateAuthority"]["data"]})
        self.assertEqual(outputs["issuer"], cluster["identity"]["oidc"]["issuer"].removeprefix("https://"))
        mark = self.cloud.mark()
        daemon.check()
        asked = [call for call in self.cloud.log(mark) if call.get("service") == "eks"]
        self.assertEqual(sorted(call["operation"] for call in asked), [
            "DescribeAccessEntry", "DescribeAddon", "DescribeCluster", "DescribeNodegroup", "ListAssociatedAccessPolicies"])

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        logs = {"clusterLogging": [{"types": ["audit"], "enabled": False}, {"types": ["scheduler"], "enabled": True}]}

        def open_wide() -> None:
            self.set_cluster(resourcesVpcConfig={"endpointPrivateAccess": False, "publicAccessCidrs": ["0.0.0.0/0"]})

        def change_logs() -> None:
            self.set_cluster(logging=logs)

        self.heals(platform(CLUSTER), CLUSTER, self.cluster, [
            [("vpc_config.endpoint_private_access", "changed", "critical", open_wide),
             ('vpc_config.public_access_cidrs["0.0.0.0/0"]', "extra", "critical", lambda: None),
             ('vpc_config.public_access_cidrs["192.0.2.0/24"]', "missing", "critical", lambda: None)],
            [('enabled_cluster_log_types["audit"]', "missing", "critical", change_logs),
             ('enabled_cluster_log_types["scheduler"]', "extra", "critical", lambda: None),
             ("deletion_protection", "changed", "critical", lambda: self.set_cluster(deletionProtection=True)),
             ("upgrade_policy.support_type", "changed", "warning", lambda: self.set_cluster(upgradePolicy={"supportType": "EXTENDED"}))],
            [('tags["team"]', "missing", "notice", lambda: self.untag(self.cluster()["arn"], "team"))],
            [("", "missing", "critical", self.delete_cluster)]])

    def delete_cluster(self) -> None:
        self.eks.delete_cluster(name="mlops")
        wait_for(lambda: not self.eks.list_clusters()["clusters"], "the cluster to go")

    def test_a_create_whose_answer_is_lost_is_no_obstacle(self) -> None:
        for operation in ("CreateCluster", "CreateNodegroup", "CreateAddon", "CreateAccessEntry"):
            self.cloud.control("POST", "/faults", {"server": "aws", "service": "eks", "operation": operation, "kind": "reply-lost",
                                                   "times": 1})
        daemon = self.running(platform(*EKS))
        self.assertEqual(self.eks.list_clusters()["clusters"], ["mlops"])
        self.assertEqual(self.eks.list_nodegroups(clusterName="mlops")["nodegroups"], ["default"])
        self.assertEqual(set(self.entry()["policies"]), {VIEW, EDIT})
        self.assertEqual(daemon.events("drift"), [])

    def test_a_version_in_the_file_is_reached_step_by_step(self) -> None:
        document = platform(CLUSTER, ADDON)
        daemon = self.running(document)
        document["resources"][CLUSTER]["version"] = "1.35"
        mark = self.cloud.mark()
        daemon.write_platform(document)
        daemon.reload()
        wait_for(lambda: self.cluster()["version"] == "1.35", "the new version", 40)
        self.assertEqual([w for w in self.writes(mark) if "Cluster" in w], ["eks.UpdateClusterVersion"] * 2)
        daemon.converged()
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_a_version_that_does_not_exist_is_refused_with_those_that_do(self) -> None:
        document = platform(CLUSTER)
        document["resources"][CLUSTER]["version"] = "1.99"
        daemon = self.given(document).start()
        wait_for(lambda: "EKS offers" in daemon.all_stderr(), "a refusal")
        self.assertIn("version 1.99 is not to be had (EKS offers ", daemon.all_stderr())
        self.assertIn("1.33", daemon.all_stderr().partition("EKS offers")[2][:200])


class Nodes(EksTest):
    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        taint = {"key": "gpu", "value": "yes", "effect": "NO_SCHEDULE"}
        self.heals(platform(CLUSTER, NODES), NODES, self.nodes, [
            [("scaling_config.min_size", "changed", "warning",
              lambda: self.set_nodes(scalingConfig={"minSize": 0, "maxSize": 9, "desiredSize": 2})),
             ("scaling_config.max_size", "changed", "warning", lambda: None),
             ('labels["team"]', "changed", "warning", lambda: self.set_nodes(labels={"addOrUpdateLabels": {"team": "x", "more": "1"}})),
             ('labels["more"]', "extra", "warning", lambda: None),
             ('taint["gpu:NO_SCHEDULE"]', "missing", "warning", lambda: self.set_nodes(taints={"removeTaints": [taint]})),
             ('taint["bad:NO_EXECUTE"]', "extra", "warning",
              lambda: self.set_nodes(taints={"addOrUpdateTaints": [{"key": "bad", "value": "", "effect": "NO_EXECUTE"}]})),
             ("update_config.max_unavailable", "changed", "warning", lambda: self.set_nodes(updateConfig={"maxUnavailable": 2})),
             ('tags["team"]', "missing", "notice", lambda: self.untag(self.arn(), "team"))],
            [("", "missing", "critical", self.delete)]])

    def arn(self) -> str:
        return self.eks.describe_nodegroup(clusterName="mlops", nodegroupName="default")["nodegroup"]["nodegroupArn"]

    def delete(self) -> None:
        self.eks.delete_nodegroup(clusterName="mlops", nodegroupName="default")
        wait_for(lambda: not self.eks.list_nodegroups(clusterName="mlops")["nodegroups"], "the nodes to go")

    def test_one_that_could_not_be_made_is_told_and_made_again(self) -> None:
        document = platform(CLUSTER, NODES)
        policies = document["resources"]["aws_iam_role.node"].pop("managed_policy_arns")
        daemon = self.given(document).start()
        wait_for(lambda: daemon.check() and "NodeCreationFailure" in daemon.all_stderr(), "the failure to be told", 40)
        self.assertIn("their role its policies", daemon.all_stderr())
        document["resources"]["aws_iam_role.node"]["managed_policy_arns"] = policies
        daemon.write_platform(document)
        daemon.reload()
        daemon.converged(timeout=60)
        self.assertEqual(self.nodes()["status"], "ACTIVE")
        self.assertEqual([d for d in daemon.drifts(everything=True) if d["kind"] == "missing"], [], "it went by our own hand")

    def test_the_size_is_left_to_an_autoscaler(self) -> None:
        daemon = self.running(platform(CLUSTER, NODES))
        self.set_nodes(scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 3})
        mark = self.cloud.mark()
        daemon.check()
        self.assertEqual(daemon.drifts(everything=True), [])
        self.assert_no_write(mark)


class AddOn(EksTest):
    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        self.heals(platform(CLUSTER, ADDON), ADDON, self.addon, [
            [("addon_version", "changed", "warning", lambda: self.set_addon(addonVersion="v1.18.1-eksbuild.3")),
             ("service_account_role_arn", "changed", "critical", lambda: self.set_addon(serviceAccountRoleArn=OTHER)),
             ("configuration_values", "changed", "warning", lambda: self.set_addon(configurationValues='{"env": {"WARM_IP_TARGET": "9"}}')),
             ('tags["team"]', "missing", "notice",
              lambda: self.untag(self.eks.describe_addon(clusterName="mlops", addonName="vpc-cni")["addon"]["addonArn"], "team"))],
            [("", "missing", "critical", self.delete)]])

    def delete(self) -> None:
        self.eks.delete_addon(clusterName="mlops", addonName="vpc-cni")
        wait_for(lambda: not self.eks.list_addons(clusterName="mlops")["addons"], "the add-on to go")

    def test_dns_waits_for_nodes(self) -> None:
        """coredns is DEGRADED as long as nothing can run it: waited for, not drift and no failure."""
        document = platform(CLUSTER, NODES)
        document["resources"]["aws_eks_addon.dns"] = {
            "cluster_name": "${aws_eks_cluster.main.name}", "addon_name": "coredns"}
        daemon = self.running(document)
        self.assertEqual(self.eks.describe_addon(clusterName="mlops", addonName="coredns")["addon"]["status"], "ACTIVE")
        self.assertEqual(daemon.drifts(everything=True), [])


class Entry(EksTest):
    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        who = {"clusterName": "mlops", "principalArn": DEV}

        def drop(policy: str) -> None:
            self.eks.disassociate_access_policy(**who, policyArn=policy)

        def grant(policy: str, **scope: Any) -> None:
            self.eks.associate_access_policy(**who, policyArn=policy, accessScope=scope)

        self.heals(platform(CLUSTER, ENTRY), ENTRY, self.entry, [
            [('kubernetes_groups["masters"]', "extra", "critical",
              lambda: self.eks.update_access_entry(**who, kubernetesGroups=["ml", "masters"], username="other")),
             ("user_name", "changed", "critical", lambda: None),
             (f'policy_association["{ADMIN}"]', "extra", "critical", lambda: grant(ADMIN, type="cluster")),
             (f'policy_association["{VIEW}"]', "missing", "critical", lambda: drop(VIEW)),
             (f'policy_association["{EDIT}"].access_scope.type', "changed", "critical", lambda: grant(EDIT, type="cluster")),
             (f'policy_association["{EDIT}"].access_scope.namespaces["mlflow"]', "missing", "critical", lambda: None),
             ('tags["team"]', "missing", "notice",
              lambda: self.untag(self.eks.describe_access_entry(**who)["accessEntry"]["accessEntryArn"], "team"))],
            [("", "missing", "critical", lambda: self.eks.delete_access_entry(**who))]])


class Removal(EksTest):
    def test_what_leaves_the_file_is_deleted_in_order(self) -> None:
        document = platform(*EKS)
        daemon = self.running(document)
        del document["outputs"]
        mark = self.cloud.mark()
        for address in EKS:
            del document["resources"][address]
        daemon.write_platform(document)
        daemon.reload()

        wait_for(lambda: daemon.check() and daemon.events("held", CLUSTER), "the cluster, which holds data, to be held", 40)
        self.assertEqual(self.cluster()["status"], "ACTIVE")
        self.assertEqual(daemon.call("Approve", address=CLUSTER)["approved"], [CLUSTER])
        wait_for(lambda: daemon.check() and not self.eks.list_clusters()["clusters"], "the cluster to be deleted", 60, every=0.3)
        order = [w.partition(".")[2] for w in self.writes(mark) if w.startswith("eks.Delete")]
        self.assertEqual(sorted(set(order)), ["DeleteAccessEntry", "DeleteAddon", "DeleteCluster", "DeleteNodegroup"])
        self.assertEqual(order[-1], "DeleteCluster")


if __name__ == "__main__":
    unittest.main()
