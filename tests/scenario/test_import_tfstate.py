"""Coming from Terraform: a network, a role, a bucket and a password made elsewhere, named by a terraform.tfstate, taken over at one word,
and nothing made twice."""
from __future__ import annotations

import json
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lib.cloud import Oracle  # noqa: E402
from lib.daemon import missing, program, wait_for  # noqa: E402
from lib.scenario import ScenarioTest, head  # noqa: E402
from lib.varlink import VarlinkError  # noqa: E402
from test_destroy import fast_sandbox  # noqa: E402

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                                                 "Action": "sts:AssumeRole"}]}
ZONES = {"a": "us-east-1a", "b": "us-east-1b"}
PASSWORD = "kept-Over-From-Terraform-1"


def resource(type_: str, name: str, *instances: dict[str, Any], module: str | None = None, mode: str = "managed",
             keys: tuple[str | int, ...] = ()) -> dict[str, Any]:
    """One entry of a state's "resources"; @keys: for_each or count."""
    entry: dict[str, Any] = {"mode": mode, "type": type_, "name": name, "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
                             "instances": [{"schema_version": 0, "attributes": attributes} for attributes in instances]}
    for instance, key in zip(entry["instances"], keys):
        instance["index_key"] = key
    if module:
        entry["module"] = module
    return entry


class ImportState(ScenarioTest):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        why = missing() or (None if program("mlopsctl") else "mlopsctl was not built")
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = fast_sandbox()
        cls.oracle = Oracle(cls.cloud)

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(program("mlopsctl")), "--socket", self.daemon.socket, *arguments], capture_output=True, text=True,
                              timeout=120, stdin=subprocess.DEVNULL, env=self.daemon.environment())

    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.cloud.client("ec2")
        self.ids: dict[str, str] = {}

    def make_network(self) -> None:
        ec2, ids = self.ec2, self.ids
        ids["vpc"] = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=ids["vpc"], EnableDnsHostnames={"Value": True})
        for number, (key, zone) in enumerate(ZONES.items()):
            ids[key] = ec2.create_subnet(VpcId=ids["vpc"], CidrBlock=f"10.8.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        ids["igw"] = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=ids["igw"], VpcId=ids["vpc"])
        ids["eip"] = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ids["eip2"] = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ids["nat"] = ec2.create_nat_gateway(SubnetId=ids["a"], AllocationId=ids["eip"],
                                            ConnectivityType="public")["NatGateway"]["NatGatewayId"]
        wait_for(lambda: ec2.describe_nat_gateways(NatGatewayIds=[ids["nat"]])["NatGateways"][0]["State"] == "available", "the gateway")
        ids["rtb"] = ec2.create_route_table(VpcId=ids["vpc"])["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=ids["rtb"], DestinationCidrBlock="0.0.0.0/0", GatewayId=ids["igw"])
        ec2.associate_route_table(RouteTableId=ids["rtb"], SubnetId=ids["a"])
        ids["sg"] = ec2.create_security_group(GroupName="db", Description="database", VpcId=ids["vpc"])["GroupId"]

    def make_named(self) -> None:
        self.oracle.iam.create_role(RoleName="old", AssumeRolePolicyDocument=json.dumps(TRUST), MaxSessionDuration=3600)
        self.cloud.client("s3").create_bucket(Bucket="jd-old")

    def declared(self) -> dict[str, Any]:
        """As an engineer writes it anew: other names than Terraform's, for_each where that has count."""
        platform = head()
        platform["resources"] = {
            "aws_vpc.main": {"cidr_block": "10.8.0.0/16", "enable_dns_hostnames": True, "enable_dns_support": True},
            "aws_subnet.public": {"for_each": {"a": {"cidr": "10.8.0.0/24", "zone": "us-east-1a"},
                                               "b": {"cidr": "10.8.1.0/24", "zone": "us-east-1b"}},
                                  "vpc_id": "${aws_vpc.main.id}", "cidr_block": "${each.value.cidr}",
                                  "availability_zone": "${each.value.zone}"},
            "aws_internet_gateway.main": {"vpc_id": "${aws_vpc.main.id}"},
            "aws_eip.nat": {},
            "aws_nat_gateway.main": {"subnet_id": '${aws_subnet.public["a"].id}', "allocation_id": "${aws_eip.nat.id}"},
            "aws_route_table.public": {"vpc_id": "${aws_vpc.main.id}", "subnet_ids": ['${aws_subnet.public["a"].id}'],
                                       "route": [{"cidr_block": "0.0.0.0/0", "gateway_id": "${aws_internet_gateway.main.id}"}]},
            "aws_security_group.db": {"name": "db", "description": "database", "vpc_id": "${aws_vpc.main.id}"},
            "aws_iam_role.worker": {"name": "old", "assume_role_policy": TRUST, "max_session_duration": 7200},
            "aws_s3_bucket.data": {"bucket": "jd-old"},
            "random_password.db": {"length": len(PASSWORD)},
        }
        platform["outputs"] = {"password": {"value": "${random_password.db.result}", "sensitive": True}}
        return platform

    def network_state(self) -> list[dict[str, Any]]:
        ids, net = self.ids, "module.network"
        return [
            resource("aws_vpc", "this", {"id": ids["vpc"], "cidr_block": "10.8.0.0/16", "tags": None}, module=net, keys=(0,)),
            resource("aws_subnet", "public", *({"id": ids[key], "vpc_id": ids["vpc"], "cidr_block": f"10.8.{number}.0/24",
                                                "availability_zone": zone} for number, (key, zone) in enumerate(ZONES.items())),
                     module=net, keys=(0, 1)),
            resource("aws_internet_gateway", "this", {"id": ids["igw"], "vpc_id": ids["vpc"]}, module=net),
            resource("aws_eip", "this", {"id": ids["eip2"], "domain": "vpc"}, {"id": ids["eip"], "domain": "vpc"}, module=net, keys=(0, 1)),
            resource("aws_nat_gateway", "this", {"id": ids["nat"], "subnet_id": ids["a"], "allocation_id": ids["eip"]}, module=net),
            resource("aws_route_table", "public", {"id": ids["rtb"], "vpc_id": ids["vpc"]}, module=net),
            resource("aws_route", "internet", {"id": "r-1", "route_table_id": ids["rtb"]}, module=net),
            resource("aws_route_table_association", "public", {"id": "rtbassoc-1", "route_table_id": ids["rtb"], "subnet_id": ids["a"]},
                     module=net, keys=(0,)),
            resource("aws_security_group", "db", {"id": ids["sg"], "name": "db", "vpc_id": ids["vpc"]}),
        ]

    def named_state(self) -> list[dict[str, Any]]:
        return [
            resource("aws_iam_role", "this", {"id": "old", "name": "old"}, keys=("worker",)),
            resource("aws_iam_role_policy_attachment", "this", {"id": "x"}),
            resource("aws_s3_bucket", "data", {"id": "jd-old", "bucket": "jd-old"}),
            resource("aws_s3_bucket_versioning", "data", {"id": "jd-old"}),
            resource("random_password", "db", {"id": "none", "result": PASSWORD, "length": len(PASSWORD)}),
            resource("aws_cloudfront_distribution", "site", {"id": "E1"}),
            resource("aws_caller_identity", "me", {"id": "1"}, mode="data"),
        ]

    def state_file(self, resources: list[dict[str, Any]]) -> str:
        path = Path(self.daemon.state) / "terraform.tfstate"
        path.write_text(json.dumps({"version": 4, "terraform_version": "1.9.8", "serial": 12, "lineage": "x", "outputs": {},
                                    "resources": resources, "check_results": None}))
        return str(path)

    def test_all_of_it_is_taken_over_and_nothing_is_made_twice(self) -> None:
        self.make_network()
        self.make_named()
        self.given().start()
        self.daemon.write_platform(self.declared())
        state = self.state_file(self.network_state() + self.named_state())
        mark = self.cloud.mark()
        refused = self.ctl("import", "--tfstate", state, "small")
        self.assertEqual((refused.returncode, "--yes" in refused.stderr), (1, True))
        result = self.ctl("import", "--tfstate", state, "small", "--yes")
        said = result.stdout + result.stderr
        self.assertEqual(result.returncode, 0, said)
        self.assertIn("max_session_duration", result.stdout)
        self.assertNotIn("Refused", said)
        self.assertIn("aws_route_table_association (1): part of aws_route_table", result.stdout)
        self.assertIn("aws_cloudfront_distribution.site", result.stdout)
        self.assertIn(self.ids["eip2"], result.stdout)
        self.assertNotIn("aws_caller_identity", result.stdout)
        self.daemon.converged()
        self.assertEqual([write for write in self.writes(mark) if "Create" in write and "Tags" not in write and
                          "SecurityGroup" not in write], [])
        records = {r["address"]: r["id"] for r in self.daemon.call("StateList")["resources"]}
        self.assertEqual([records[a] for a in ("aws_vpc.main", 'aws_subnet.public["a"]', 'aws_subnet.public["b"]', "aws_eip.nat",
                                               "aws_nat_gateway.main", "aws_route_table.public", "aws_security_group.db")],
                         [self.ids[k] for k in ("vpc", "a", "b", "eip", "nat", "rtb", "sg")])
        password = self.daemon.call("Output", name="password", reveal=True)["outputs"][0]["value"]
        self.assertEqual(json.loads(password), PASSWORD)
        self.assertNotIn(PASSWORD, said + self.daemon.all_stderr())
        self.assertFalse(self.daemon.platform()["paused"])

    def test_what_is_not_clear_leaves_it_paused_with_the_line_to_type(self) -> None:
        self.ids = {key: self.ec2.allocate_address(Domain="vpc")["AllocationId"] for key in ("one", "two")}
        self.given().start()
        platform = head()
        platform["resources"] = {"aws_eip.nat": {}}
        self.daemon.write_platform(platform)
        state = self.state_file([resource("aws_eip", name, {"id": id_, "domain": "vpc"}) for name, id_ in self.ids.items()])
        result = self.ctl("import", "--tfstate", state, "small", "--yes")
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("stays paused", result.stderr)
        for id_ in self.ids.values():
            self.assertIn(f"mlopsctl import 'aws_eip.nat' {id_} --platform small", result.stdout)
        self.assertTrue(self.daemon.platform()["paused"])
        self.assertEqual(len(self.ec2.describe_addresses()["Addresses"]), 2)
        self.assertEqual(self.ctl("import", "aws_eip.nat", self.ids["two"], "--platform", "small", "--yes").returncode, 0)
        again = self.ctl("import", "--tfstate", state, "small", "--yes")
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertFalse(self.daemon.platform()["paused"])
        self.daemon.converged()
        self.assertEqual(len(self.ec2.describe_addresses()["Addresses"]), 2)

    def test_what_would_have_to_be_replaced_is_refused_and_the_rest_is_adopted(self) -> None:
        self.make_named()
        vpc = self.ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        group = self.ec2.create_security_group(GroupName="db", Description="another", VpcId=vpc)["GroupId"]
        self.given().start()
        platform = head()
        platform["resources"] = {"aws_vpc.main": {"cidr_block": "10.8.0.0/16"}, "aws_s3_bucket.data": {"bucket": "jd-old"},
                                 "aws_security_group.db": {"name": "db", "description": "database", "vpc_id": "${aws_vpc.main.id}"}}
        self.daemon.write_platform(platform)
        state = self.state_file([resource("aws_vpc", "main", {"id": vpc, "cidr_block": "10.8.0.0/16"}),
                                 resource("aws_security_group", "db", {"id": group, "name": "db", "vpc_id": vpc}), *self.named_state()])
        result = self.ctl("import", "--tfstate", state, "small", "--yes")
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("description can not be changed in place", result.stdout)
        self.assertIn("2 imported, 1 refused", result.stdout)
        records = {r["address"]: r["id"] for r in self.daemon.call("StateList")["resources"]}
        self.assertEqual([records[a] for a in ("aws_vpc.main", "aws_s3_bucket.data", "aws_security_group.db")], [vpc, "jd-old", None])
        self.assertTrue(self.daemon.platform()["paused"])

    def test_a_password_is_for_operators_and_for_what_has_none(self) -> None:
        platform = self.declared()
        platform["resources"] = {"random_password.db": {"length": 8}, "aws_eip.nat": {}}
        self.running(platform)
        for address, word in (("random_password.db", "recorded already"), ("aws_eip.nat", "keeps no password")):
            with self.assertRaisesRegex(VarlinkError, word):
                self.daemon.call("ImportSecret", platform="small", address=address, value=PASSWORD)
        self.assertNotIn(PASSWORD, self.daemon.all_stderr())


if __name__ == "__main__":
    unittest.main()
