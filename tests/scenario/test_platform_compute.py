"""Compute: the cluster, its nodes, its add-ons, and who may sign in (every field: test_kind_eks)."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.kubernetes import kubectl, token  # noqa: E402
from lib.sandbox import ACCOUNT  # noqa: E402
from lib.whole import CLUSTER_NAME, TAGS, WholeTest, tags_of  # noqa: E402

CLUSTER, NODES, ENTRY = "aws_eks_cluster.main", "aws_eks_node_group.default", "aws_eks_access_entry.github_actions"
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKS"
WORKFLOWS = f"arn:aws:iam::{ACCOUNT}:role/GitHubActionRole"
ADDONS = ("vpc-cni", "kube-proxy", "coredns")
OF_THE_CLUSTER = {
    CLUSTER, NODES, ENTRY, "aws_eks_access_entry.operator", "aws_eks_access_entries.main",
    "aws_eks_addon.vpc_cni", "aws_eks_addon.kube_proxy", "aws_eks_addon.coredns",
    "aws_iam_role.cluster", "aws_iam_role.nodes", "aws_iam_openid_connect_provider.cluster", "aws_security_group.cluster",
    "aws_iam_role.mlflow", "kubernetes_manifest.mlflow_namespace", "kubernetes_manifest.mlflow_service_account",
    "kubernetes_secret.mlflow_database", "kubernetes_manifest.mlflow_service", "kubernetes_manifest.mlflow", "mlflow_tracking_server.main",
    "github_actions_secret.eks_cluster_name", "github_actions_secret.mlflow_tracking_uri"}


class Compute(WholeTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.eks = cls.cloud.client("eks")

    def cluster(self) -> dict[str, Any]:
        return self.eks.describe_cluster(name=CLUSTER_NAME)["cluster"]

    def nodes(self) -> dict[str, Any]:
        return self.eks.describe_nodegroup(clusterName=CLUSTER_NAME, nodegroupName="default")["nodegroup"]

    def entry(self, principal: str) -> dict[str, Any]:
        found = self.eks.list_associated_access_policies(clusterName=CLUSTER_NAME, principalArn=principal)["associatedAccessPolicies"]
        return {policy["policyArn"].removeprefix(POLICY): policy["accessScope"]["type"] for policy in found}

    def snapshot(self) -> dict[str, Any]:
        cluster, nodes = self.cluster(), self.nodes()
        return {"network": sorted(cluster["resourcesVpcConfig"]["publicAccessCidrs"]), "logs": cluster["logging"],
                "private": cluster["resourcesVpcConfig"]["endpointPrivateAccess"], "scaling": nodes["scalingConfig"],
                "tags": tags_of(self.oracle.iam.list_role_tags(RoleName=f"{CLUSTER_NAME}-nodes")["Tags"]),
                "policies": self.oracle.role(f"{CLUSTER_NAME}-nodes")["managed_policy_arns"], "entry": self.entry(WORKFLOWS),
                "addons": sorted(self.eks.list_addons(clusterName=CLUSTER_NAME)["addons"])}

    def settled(self, change: dict[str, Any], **what: str) -> None:
        update = {"name": CLUSTER_NAME, "updateId": change["update"]["id"], **what}
        wait_for(lambda: self.eks.describe_update(**update)["update"]["status"] == "Successful", "the update")

    def scale(self, **scaling: int) -> None:
        change = self.eks.update_nodegroup_config(clusterName=CLUSTER_NAME, nodegroupName="default", scalingConfig=scaling)
        self.settled(change, nodegroupName="default")

    def workflow(self) -> dict[str, Any]:
        """kubectl's user: whoever took on the role of the workflows."""
        taken = self.cloud.client("sts").assume_role(RoleArn=WORKFLOWS, RoleSessionName="deploy")["Credentials"]
        return {"token": token(CLUSTER_NAME, access_key=taken["AccessKeyId"], secret=taken["SecretAccessKey"],
                               session_token=taken["SessionToken"])}

    def test_1_the_cluster_and_its_nodes(self) -> None:
        cluster, nodes, ids = self.cluster(), self.nodes(), self.ids()
        self.assertEqual((cluster["status"], cluster["version"], nodes["status"]), ("ACTIVE", "1.35", "ACTIVE"))
        self.assertEqual(cluster["accessConfig"]["authenticationMode"], "API")
        self.assertEqual(cluster["roleArn"], f"arn:aws:iam::{ACCOUNT}:role/{CLUSTER_NAME}-control-plane")
        self.assertEqual(len(cluster["resourcesVpcConfig"]["subnetIds"]), 4)
        self.assertEqual(cluster["resourcesVpcConfig"]["vpcId"], ids["aws_vpc.main"])
        self.assertLessEqual(TAGS.items(), cluster["tags"].items())
        self.assertEqual(nodes["scalingConfig"], {"minSize": 1, "desiredSize": 2, "maxSize": 3})
        self.assertEqual((nodes["instanceTypes"], nodes["nodeRole"]), (["t3.medium"], f"arn:aws:iam::{ACCOUNT}:role/{CLUSTER_NAME}-nodes"))
        self.assertEqual(set(nodes["subnets"]), {ids["aws_subnet.private_a"], ids["aws_subnet.private_b"]})
        for name, service, policies in (("control-plane", "eks", ["AmazonEKSClusterPolicy"]), (
                "nodes", "ec2", ["AmazonEC2ContainerRegistryReadOnly", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy"])):
            role = self.oracle.role(f"{CLUSTER_NAME}-{name}")
            self.assertEqual(role["assume_role_policy"]["Statement"][0]["Principal"], {"Service": f"{service}.amazonaws.com"})
            self.assertEqual([arn.rpartition("/")[2] for arn in role["managed_policy_arns"]], policies)
        for addon in ADDONS:
            self.assertEqual(self.eks.describe_addon(clusterName=CLUSTER_NAME, addonName=addon)["addon"]["status"], "ACTIVE")

    def test_2_who_may_sign_in(self) -> None:
        me = self.cloud.client("sts").get_caller_identity()["Arn"]
        self.assertEqual(self.entry(me), {"ClusterAdminPolicy": "cluster"})
        self.assertEqual(self.entry(WORKFLOWS), {"EditPolicy": "cluster"})
        issuer = self.cluster()["identity"]["oidc"]["issuer"]
        provider = self.oracle.provider(f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.removeprefix('https://')}")
        self.assertEqual(provider["client_id_list"], ["sts.amazonaws.com"])
        made = json.loads(kubectl(self.cloud, CLUSTER_NAME, "get", "deployments", "-A", "-o", "json", user=self.workflow()).stdout)
        self.assertEqual([item["metadata"]["name"] for item in made["items"]], ["mlflow"])
        refused = kubectl(self.cloud, CLUSTER_NAME, "delete", "namespace", "mlflow", "--wait=false", user=self.workflow(), check=False)
        self.assertIn("Forbidden", refused.stderr)

    def test_3_the_number_of_nodes_is_the_autoscalers(self) -> None:
        self.scale(minSize=1, desiredSize=3, maxSize=3)
        self.assert_quiet()
        self.assertEqual((self.daemon.drifts(), self.nodes()["scalingConfig"]["desiredSize"]), ([], 3))
        self.document["parameters"]["node_count"] = {"min": 1, "desired": 1, "max": 3}  # nor does another wish move it
        self.offer(self.document)
        self.daemon.converged()
        self.assertEqual(self.nodes()["scalingConfig"]["desiredSize"], 3)

    def test_4_changed_by_hand_it_is_put_right(self) -> None:
        eks, iam, who = self.eks, self.oracle.iam, {"clusterName": CLUSTER_NAME, "principalArn": WORKFLOWS}
        worker = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
        silent = {"clusterLogging": [{"types": ["audit"], "enabled": False}]}
        self.heals(self.snapshot, [
            (CLUSTER, 'enabled_cluster_log_types["audit"]', "missing", "critical",
             lambda: self.settled(eks.update_cluster_config(name=CLUSTER_NAME, logging=silent))),
            (CLUSTER, "vpc_config.endpoint_private_access", "changed", "critical", lambda: self.settled(
                eks.update_cluster_config(name=CLUSTER_NAME, resourcesVpcConfig={"endpointPrivateAccess": False}))),
            (NODES, "scaling_config.max_size", "changed", "warning", lambda: self.scale(minSize=1, desiredSize=3, maxSize=9)),
            (ENTRY, f'policy_association["{POLICY}ClusterAdminPolicy"]', "extra", "critical", lambda: eks.associate_access_policy(
                **who, policyArn=f"{POLICY}ClusterAdminPolicy", accessScope={"type": "cluster"})),
            ("aws_iam_role.nodes", f'managed_policy_arns["{worker}"]', "missing", "critical",
             lambda: iam.detach_role_policy(RoleName=f"{CLUSTER_NAME}-nodes", PolicyArn=worker)),
            ("aws_iam_role.nodes", 'tags["Project"]', "missing", "notice",
             lambda: iam.untag_role(RoleName=f"{CLUSTER_NAME}-nodes", TagKeys=["Project"]))])

    def test_5_a_deleted_addon_and_a_deleted_entry_are_made_again(self) -> None:
        def delete() -> None:
            self.eks.delete_access_entry(clusterName=CLUSTER_NAME, principalArn=WORKFLOWS)
            self.eks.delete_addon(clusterName=CLUSTER_NAME, addonName="kube-proxy")
            wait_for(lambda: "kube-proxy" not in self.eks.list_addons(clusterName=CLUSTER_NAME)["addons"], "the add-on to go")

        before = self.snapshot()
        self.made_again(ENTRY, delete, ("aws_eks_addon.kube_proxy", "", "missing", "critical"))
        self.assertEqual(self.snapshot(), before)

    def test_6_whoever_else_got_in_is_told_and_left_to_people(self) -> None:
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}
        stranger = self.oracle.iam.create_role(RoleName="stranger", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        self.eks.create_access_entry(clusterName=CLUSTER_NAME, principalArn=stranger)
        self.daemon.check()
        self.assertEqual([(d["address"], d["field"], d["kind"], d["severity"]) for d in self.daemon.drifts()],
                         [("aws_eks_access_entries.main", f'principal_arns["{stranger}"]', "extra", "critical")])
        self.assertIn(stranger, self.eks.list_access_entries(clusterName=CLUSTER_NAME)["accessEntries"])
        self.eks.delete_access_entry(clusterName=CLUSTER_NAME, principalArn=stranger)
        self.oracle.iam.delete_role(RoleName="stranger")
        self.daemon.check()
        self.assertEqual(self.daemon.drifts(), [])

    def test_9_switched_off(self) -> None:
        self.switched_off(OF_THE_CLUSTER, with_cluster=False)
        self.assertEqual(self.eks.list_clusters()["clusters"], [])
        self.assertNotIn("EKS_CLUSTER_NAME", self.cloud.github_secrets())
        self.assertEqual(self.cloud.client("rds").describe_db_instances()["DBInstances"][0]["DBInstanceStatus"], "available")


if __name__ == "__main__":
    unittest.main()
