"""Network: two zones, public and private, and a database that only the VPC reaches (every field: test_kind_ec2)."""
from __future__ import annotations

import copy
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import program, wait_for  # noqa: E402
from lib.whole import CLUSTER_NAME, TAGS, WholeTest, tags_of  # noqa: E402

SUBNETS = {"public_a": ("10.0.1.0/24", "us-east-1a"), "public_b": ("10.0.2.0/24", "us-east-1b"),
           "private_a": ("10.0.11.0/24", "us-east-1a"), "private_b": ("10.0.12.0/24", "us-east-1b")}
DATABASE = "aws_security_group.database"


def peers(rules: list[dict[str, Any]]) -> set[tuple[str, int, str]]:
    """Rules as (protocol, first port, network or group)."""
    return {(rule["IpProtocol"], rule.get("FromPort", -1), peer) for rule in rules
            for peer in [net["CidrIp"] for net in rule["IpRanges"]] + [pair["GroupId"] for pair in rule["UserIdGroupPairs"]]}


class Network(WholeTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.ec2 = cls.cloud.client("ec2")

    def subnets(self) -> dict[str, dict[str, Any]]:
        ids = self.ids()
        inside = [{"Name": "vpc-id", "Values": [ids["aws_vpc.main"]]}]
        found = {s["SubnetId"]: s for s in self.ec2.describe_subnets(Filters=inside)["Subnets"]}
        return {name: found[ids[f"aws_subnet.{name}"]] for name in SUBNETS}

    def table(self, name: str) -> dict[str, Any]:
        return self.ec2.describe_route_tables(RouteTableIds=[self.ids()[f"aws_route_table.{name}"]])["RouteTables"][0]

    def group(self, name: str) -> dict[str, Any]:
        return self.ec2.describe_security_groups(GroupIds=[self.ids()[f"aws_security_group.{name}"]])["SecurityGroups"][0]

    def gateway(self) -> dict[str, Any]:
        return self.ec2.describe_nat_gateways(NatGatewayIds=[self.ids()["aws_nat_gateway.main"]])["NatGateways"][0]

    def snapshot(self) -> dict[str, Any]:
        vpc = self.ids()["aws_vpc.main"]
        dns = self.ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
        tables = {name: self.table(name) for name in ("public", "private")}
        return {"dns": dns, "subnets": {name: (s["MapPublicIpOnLaunch"], tags_of(s["Tags"])) for name, s in self.subnets().items()},
                "routes": {name: sorted(r["DestinationCidrBlock"] for r in t["Routes"]) for name, t in tables.items()},
                "associations": {name: {a["SubnetId"] for a in t["Associations"]} for name, t in tables.items()},
                "groups": {name: (peers(self.group(name)["IpPermissions"]), peers(self.group(name)["IpPermissionsEgress"]))
                           for name in ("cluster", "database", "studio")}}

    def test_1_two_zones_public_and_private(self) -> None:
        [vpc] = self.ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["abalone-mlops"]}])["Vpcs"]
        self.assertEqual((vpc["VpcId"], vpc["CidrBlock"]), (self.ids()["aws_vpc.main"], "10.0.0.0/16"))
        self.assertTrue(self.snapshot()["dns"])
        for name, subnet in self.subnets().items():
            self.assertEqual((subnet["CidrBlock"], subnet["AvailabilityZone"]), SUBNETS[name])
            role = "kubernetes.io/role/elb" if name.startswith("public") else "kubernetes.io/role/internal-elb"
            self.assertEqual(tags_of(subnet["Tags"]), {**TAGS, "Name": f"abalone-mlops-{name.replace('_', '-')}", role: "1",
                                                       f"kubernetes.io/cluster/{CLUSTER_NAME}": "shared"})

    def test_2_the_ways_out(self) -> None:
        ids, subnets = self.ids(), self.subnets()
        [inside] = self.ec2.describe_internet_gateways(InternetGatewayIds=[ids["aws_internet_gateway.main"]])["InternetGateways"]
        self.assertEqual([a["VpcId"] for a in inside["Attachments"]], [ids["aws_vpc.main"]])
        nat = self.gateway()
        [address] = self.ec2.describe_addresses(Filters=[{"Name": "tag:Name", "Values": ["abalone-mlops-nat"]}])["Addresses"]
        self.assertEqual((nat["State"], nat["SubnetId"]), ("available", subnets["public_a"]["SubnetId"]))
        self.assertEqual(nat["NatGatewayAddresses"][0]["AllocationId"], address["AllocationId"])
        for name, target in (("public", ("GatewayId", ids["aws_internet_gateway.main"])),
                             ("private", ("NatGatewayId", ids["aws_nat_gateway.main"]))):
            table = self.table(name)
            [out] = [route for route in table["Routes"] if route["DestinationCidrBlock"] == "0.0.0.0/0"]
            self.assertEqual(out[target[0]], target[1])
            self.assertEqual({a["SubnetId"] for a in table["Associations"]}, {subnets[f"{name}_{zone}"]["SubnetId"] for zone in "ab"})

    def test_3_only_the_vpc_reaches_the_database(self) -> None:
        guard = self.group("database")
        self.assertEqual(peers(guard["IpPermissions"]), {("tcp", 5432, "10.0.0.0/16"), ("tcp", 5432, guard["GroupId"])})
        self.assertEqual(peers(guard["IpPermissionsEgress"]), set())
        self.assertEqual(peers(self.group("cluster")["IpPermissions"]), {("tcp", 443, "10.0.0.0/16")})
        studio = self.group("studio")
        self.assertEqual(peers(studio["IpPermissions"]), {("-1", -1, studio["GroupId"])})

    def test_4_opened_by_a_parameter_with_a_warning(self) -> None:
        open_to, document = "0.0.0.0/0", copy.deepcopy(self.document)
        document["parameters"]["database_extra_cidrs"] = [open_to]
        self.offer(document)
        told = subprocess.run([str(program("mlopsctl")), "validate", str(self.daemon.platform_file("abalone-mlops"))],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertRegex(told.stderr, r"warning: aws_security_group\.database: ingress\.1: the whole internet \(0\.0\.0\.0/0\) may reach "
                                      r"port 5432")
        wait_for(lambda: ("tcp", 5432, open_to) in peers(self.group("database")["IpPermissions"]), "the database to be opened")
        self.offer(self.document)
        wait_for(lambda: ("tcp", 5432, open_to) not in peers(self.group("database")["IpPermissions"]), "the database to be closed again")
        self.daemon.converged()

    def test_5_changed_by_hand_it_is_put_right(self) -> None:
        ec2, ids, subnets = self.ec2, self.ids(), {name: s["SubnetId"] for name, s in self.subnets().items()}
        vpc, inside, guard = ids["aws_vpc.main"], ids["aws_internet_gateway.main"], ids[DATABASE]
        world = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]

        def other_table() -> None:
            [mine] = [a for a in self.table("private")["Associations"] if a["SubnetId"] == subnets["private_b"]]
            ec2.disassociate_route_table(AssociationId=mine["RouteTableAssociationId"])

        self.heals(self.snapshot, [
            ("aws_vpc.main", "enable_dns_hostnames", "changed", "warning",
             lambda: ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})),
            ("aws_subnet.private_a", "map_public_ip_on_launch", "changed", "critical",
             lambda: ec2.modify_subnet_attribute(SubnetId=subnets["private_a"], MapPublicIpOnLaunch={"Value": True})),
            ("aws_subnet.public_a", 'tags["kubernetes.io/role/elb"]', "missing", "notice",
             lambda: ec2.delete_tags(Resources=[subnets["public_a"]], Tags=[{"Key": "kubernetes.io/role/elb"}])),
            ("aws_route_table.private", 'route["192.0.2.0/24"]', "extra", "critical", lambda: ec2.create_route(
                RouteTableId=ids["aws_route_table.private"], DestinationCidrBlock="192.0.2.0/24", GatewayId=inside)),
            ("aws_route_table.private", f'subnet_ids["{subnets["private_b"]}"]', "missing", "critical", other_table),
            (DATABASE, 'ingress["tcp 22 0.0.0.0/0"]', "extra", "critical",
             lambda: ec2.authorize_security_group_ingress(GroupId=guard, IpPermissions=world))])

    def test_6_a_deleted_gateway_is_made_again(self) -> None:
        before = self.snapshot()

        def delete() -> None:
            self.ec2.delete_nat_gateway(NatGatewayId=self.ids()["aws_nat_gateway.main"])
            wait_for(lambda: self.gateway()["State"] == "deleted", "the gateway to be gone")

        self.made_again("aws_nat_gateway.main", delete,
                        ("aws_route_table.private", 'route["0.0.0.0/0"].nat_gateway_id', "missing", "critical"))
        self.assertEqual(self.gateway()["State"], "available")
        [out] = [route for route in self.table("private")["Routes"] if route["DestinationCidrBlock"] == "0.0.0.0/0"]
        self.assertEqual((out["NatGatewayId"], out["State"]), (self.ids()["aws_nat_gateway.main"], "active"))
        self.assertEqual(self.snapshot(), before)

    def test_9_switched_off_with_all_that_stands_in_it(self) -> None:
        stays = {"aws_iam_openid_connect_provider.github", "aws_iam_role.github_actions", "aws_iam_role.sagemaker_execution",
                 "aws_iam_role.deploy_trigger", "aws_s3_bucket.artifacts", "aws_ecr_repository.api", "aws_ecr_repository.ui",
                 "aws_sagemaker_model_package_group.models", "aws_secretsmanager_secret.github_token", "aws_lambda_function.deploy_trigger",
                 "aws_cloudwatch_event_rule.model_approved", "github_repository.main", "random_password.db",
                 *(f"github_actions_secret.{name}" for name in ("aws_account_id", "aws_region", "s3_bucket_name", "gh_repo",
                                                                 "oidc_provider_arn", "gh_pat", "sagemaker_role_arn"))}
        vpc = self.ids()["aws_vpc.main"]
        self.switched_off(set(self.ids()) - stays, changed=["rds.ModifyDBInstance"],
                          with_network=False, with_cluster=False, with_database=False, with_studio=False)
        self.assertNotIn(vpc, [found["VpcId"] for found in self.ec2.describe_vpcs()["Vpcs"]])
        self.assertEqual(self.ec2.describe_addresses()["Addresses"], [])


if __name__ == "__main__":
    unittest.main()
