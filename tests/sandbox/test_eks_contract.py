"""What EKS and the Kubernetes API server are to each other: world.kubernetes on one side, access_of() and cluster_of() on the other.

Looked at from inside, in a process of its own: installing the repairs changes moto for good.
"""
from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import sys
import threading
import time
import unittest
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[2]
ACCOUNT, REGION = "123456789012", "us-east-1"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


class Kubernetes:
    """Writes down what EKS tells it."""

    certificate_authority = b"-----BEGIN CERTIFICATE-----\n"

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def endpoint(self, *key: str) -> str:
        self.calls.append(["endpoint", *key])
        return "https://127.0.0.1:4"

    def cluster_deleted(self, *key: str) -> None:
        self.calls.append(["deleted", *key])


def trust(principal: dict[str, str]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


def see() -> dict[str, Any]:
    """Live through a cluster's life and say what was seen."""
    sys.path[:0] = [str(TREE), str(TREE / "tests")]
    from lib.sandbox import Sandbox

    from sandbox.aws.server import AwsServer  # first: it sets moto's environment
    from sandbox.aws import eks
    from sandbox.httpd import HttpServer
    from sandbox.world import World

    world = World(time_scale=5000)
    world.kubernetes = kubernetes = Kubernetes()
    server = HttpServer(("127.0.0.1", 0), AwsServer(world), world.clock)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cloud = Sandbox({"aws": server.url, "github": "", "kubernetes": None, "control": ""})
    iam, ec2, client = (cloud.client(service) for service in ("iam", "ec2", "eks"))
    role = iam.create_role(RoleName="c", AssumeRolePolicyDocument=trust({"Service": "eks.amazonaws.com"}))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="c", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    ops = iam.create_role(RoleName="ops", Path="/a/", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"]["SubnetId"]
               for n, zone in enumerate("ab")]

    def create(mode: str) -> None:
        client.create_cluster(name="one", roleArn=role, resourcesVpcConfig={"subnetIds": subnets},
                              accessConfig={"authenticationMode": mode})
        while eks.cluster_of(ACCOUNT, REGION, "one")["status"] != "ACTIVE":
            time.sleep(0.02)

    def delete() -> None:
        client.delete_cluster(name="one")
        while eks.cluster_of(ACCOUNT, REGION, "one"):
            time.sleep(0.02)

    def who(arn: str) -> Any:
        return eks.access_of(ACCOUNT, REGION, "one", arn)

    creator, assumed = f"arn:aws:iam::{ACCOUNT}:user/sandbox", f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/me"
    create("CONFIG_MAP")
    seen = {"creator by config map": who(creator), "stranger": who(role)}
    delete()
    create("API")
    seen |= {"cluster": eks.cluster_of(ACCOUNT, REGION, "one"), "creator by entry": who(creator), "without entry": who(assumed)}
    client.create_access_entry(clusterName="one", principalArn=ops, kubernetesGroups=["g"])
    client.associate_access_policy(clusterName="one", principalArn=ops, policyArn=ADMIN,
                                   accessScope={"type": "namespace", "namespaces": ["n"]})
    seen |= {"assumed": who(assumed), "role": who(ops)}
    iam.delete_role(RoleName="ops")
    iam.create_role(RoleName="ops", Path="/a/", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    seen |= {"made anew": who(assumed), "elsewhere": eks.cluster_of(ACCOUNT, "eu-west-1", "one")}
    delete()
    return seen | {"calls": kubernetes.calls, "gone": who(creator)}


class Contract(unittest.TestCase):
    seen: dict[str, Any]

    @classmethod
    def setUpClass(cls) -> None:
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            cls.seen = process.submit(see).result(60)

    def test_kubernetes_is_told(self) -> None:
        key = ["one", REGION, ACCOUNT]
        self.assertEqual(self.seen["calls"], [["endpoint", *key], ["deleted", *key]] * 2)
        self.assertEqual(self.seen["cluster"]["endpoint"], "https://127.0.0.1:4")
        self.assertEqual(self.seen["cluster"]["certificateAuthority"]["data"], "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==")

    def test_creator(self) -> None:
        self.assertEqual(self.seen["creator by config map"]["groups"], ["system:masters"])
        self.assertEqual(self.seen["creator by entry"]["policies"],
                         [{"policyArn": ADMIN, "accessScope": {"type": "cluster", "namespaces": []}}])

    def test_entries(self) -> None:
        policies = [{"policyArn": ADMIN, "accessScope": {"type": "namespace", "namespaces": ["n"]}}]
        name = f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/"
        self.assertEqual(self.seen["assumed"], {"username": name + "me", "groups": ["g"], "policies": policies})
        self.assertEqual(self.seen["role"], {"username": name + "{{SessionName}}", "groups": ["g"], "policies": policies})

    def test_nobody(self) -> None:
        for case in ("stranger", "without entry", "made anew", "elsewhere", "gone"):
            self.assertIsNone(self.seen[case], case)


if __name__ == "__main__":
    unittest.main()
