"""A cluster that EKS made: its API server comes and goes with it, and its access entries say who may do what."""
from __future__ import annotations

import base64
import unittest
from typing import Any

import test_eks
import test_kubernetes as objects

from lib.kubernetes import Api, cluster_of, kubectl, token

EDIT = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"


class Access(test_eks.EksTest):
    """Cluster "one" with a role that has an entry or not."""

    def setUp(self) -> None:
        super().setUp()
        self.described = self.active()
        self.visitor = self.make_role("visitor", "ec2.amazonaws.com")
        credentials = self.cloud.client("sts").assume_role(RoleArn=self.visitor, RoleSessionName="visit")["Credentials"]
        self.bearer = token("one", access_key=credentials["AccessKeyId"], secret=credentials["SecretAccessKey"],
                            session_token=credentials["SessionToken"])
        self.api = Api(self.cloud, "one", bearer=self.bearer)

    def enter(self, policy: str, *namespaces: str) -> None:
        self.eks.create_access_entry(clusterName="one", principalArn=self.visitor)
        scope: dict[str, Any] = {"type": "namespace", "namespaces": list(namespaces)} if namespaces else {"type": "cluster"}
        self.eks.associate_access_policy(clusterName="one", principalArn=self.visitor, policyArn=policy, accessScope=scope)

    def test_endpoint_and_certificate(self) -> None:
        self.enter(test_eks.VIEW)
        known = cluster_of(self.cloud, "one")
        self.assertEqual(self.described["endpoint"], known["endpoint"])
        self.assertEqual("1." + self.api("GET", "/version")[1]["minor"], self.described["version"])
        self.assertEqual(base64.b64decode(self.described["certificateAuthority"]["data"]).decode(), known["certificate_authority"])

    def test_no_entry(self) -> None:
        self.assertEqual(self.api("GET", objects.NAMESPACES)[0], 401)

    def test_admin(self) -> None:
        self.enter(test_eks.ADMIN)
        self.assertEqual(self.api.apply(objects.SPACE, objects.namespace())[0], 201)
        self.assertIn("lab", kubectl(self.cloud, "one", "get", "namespaces", user={"token": self.bearer}).stdout)

    def test_view(self) -> None:
        self.enter(test_eks.VIEW)
        self.assertEqual(self.api("GET", objects.NAMESPACES)[0], 200)
        status, answer = self.api.apply(objects.SPACE, objects.namespace())
        user = "arn:aws:sts::123456789012:assumed-role/visitor/visit"
        self.assertEqual((status, answer["message"]), (
            403, f'namespaces "lab" is forbidden: User "{user}" cannot patch resource "namespaces" in API group "" in the namespace "lab"'))
        self.assertEqual(self.api("GET", "/api/v1/namespaces/default/secrets")[0], 403)

    def test_edit_in_one_namespace(self) -> None:
        self.enter(EDIT, "default")
        self.assertEqual(self.api.apply("/api/v1/namespaces/default/secrets/database", objects.secret(a="b"))[0], 201)
        self.assertEqual(self.api.apply("/api/v1/namespaces/kube-system/secrets/database", objects.secret(a="b"))[0], 403)
        self.assertEqual(self.api.apply(objects.SPACE, objects.namespace())[0], 403)

    def test_pods_wait_for_nodes(self) -> None:
        self.enter(test_eks.ADMIN)
        self.assertEqual(self.api.apply(objects.SPACE, objects.namespace())[0], 201)
        self.assertEqual(self.api.apply(objects.WEB, objects.deployment())[0], 201)
        look = lambda: self.api("GET", objects.WEB)[1]["status"].get("availableReplicas", 0)  # noqa: E731
        self.assertEqual(look(), 0)
        self.assertEqual(self.api("GET", f"{objects.SPACE}/pods")[1]["items"][0]["status"]["phase"], "Pending")
        self.nodes()
        self.until("done", lambda: {"status": "done" if look() else "waiting"})

    def test_gone_with_the_cluster(self) -> None:
        self.eks.delete_cluster(name="one")
        self.until("gone", self.cluster)
        self.assertEqual(self.cloud.control("GET", "/kubernetes/clusters")["clusters"], [])
        with self.assertRaises(OSError):
            self.api("GET", "/version")


if __name__ == "__main__":
    unittest.main()
