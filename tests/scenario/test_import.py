"""Taking over what exists: made by boto3, named by its id, shown first, adopted, tagged and put in order; or refused with the reason."""
from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import program, wait_for  # noqa: E402
from lib.scenario import ScenarioTest, head  # noqa: E402

ROLE, BUCKET, VPC, SUBNET = "aws_iam_role.old", "aws_s3_bucket.old", "aws_vpc.old", "aws_subnet.old"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                                                 "Action": "sts:AssumeRole"}]}


class Import(ScenarioTest):
    maxDiff = None

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(program("mlopsctl")), "--socket", self.daemon.socket, *arguments], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, env=self.daemon.environment())

    def declared(self, **resources: dict[str, Any]) -> dict[str, Any]:
        platform = head()
        platform["resources"] = resources
        return platform

    def make_role(self, *tags: tuple[str, str]) -> None:
        self.oracle.iam.create_role(RoleName="old", AssumeRolePolicyDocument=json.dumps(TRUST), MaxSessionDuration=3600,
                                    Tags=[{"Key": key, "Value": value} for key, value in tags])

    def with_role(self) -> None:
        self.given(self.declared(**{ROLE: {"name": "old", "assume_role_policy": TRUST, "max_session_duration": 7200}})).start()
        wait_for(lambda: self.daemon.platform()["last_pass"], "a pass")

    def role(self) -> tuple[int, dict[str, str]]:
        role = self.oracle.iam.get_role(RoleName="old")["Role"]
        return role["MaxSessionDuration"], {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}

    def test_a_role_is_shown_adopted_tagged_and_put_in_order(self) -> None:
        self.make_role(("team", "ml"))
        self.with_role()
        mark = self.cloud.mark()
        result = self.ctl("import", ROLE, "old")
        self.assertEqual(result.returncode, 1)
        self.assertIn("--yes", result.stderr)
        self.assertIn("refused", self.daemon.call("Import", address=ROLE, id="other"))
        self.assertIn("max_session_duration", str(self.daemon.call("Import", address=ROLE, id="old")))
        self.assert_no_write(mark)
        result = self.ctl("import", ROLE, "old", "--yes")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("max_session_duration", result.stdout)
        self.assertIn("imported as old; now in order", result.stdout)
        self.assertEqual(self.role(), (7200, {"team": "ml", "mlopsd:platform": "small", "mlopsd:address": ROLE}))
        self.assertEqual(self.ctl("import", ROLE, "old", "--yes").returncode, 1)

    def test_what_is_not_meant_not_there_or_of_others_is_refused(self) -> None:
        self.make_role(("mlopsd:platform", "other"), ("mlopsd:address", "aws_iam_role.theirs"))
        self.with_role()
        mark = self.cloud.mark()
        result = self.ctl("import", ROLE, "old", "--yes")
        self.assertEqual(result.returncode, 1)
        self.assertIn("belongs to the platform other, as aws_iam_role.theirs", result.stderr)
        self.assertIn("name of another", self.ctl("import", ROLE, "somebody", "--yes").stderr)
        self.assertIn("there is no resource", self.ctl("import", "aws_iam_role.nothing", "old", "--yes").stderr)
        self.assert_no_write(mark)

    def test_what_would_have_to_be_replaced_is_refused(self) -> None:
        ec2 = self.cloud.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        self.paused({VPC: {"cidr_block": "10.9.0.0/16"}})
        mark = self.cloud.mark()
        result = self.ctl("import", VPC, vpc, "--yes")
        self.assertEqual(result.returncode, 1)
        self.assertIn("cidr_block can not be changed in place", result.stderr)
        self.assert_no_write(mark)

    def paused(self, resources: dict[str, Any]) -> None:
        """A paused platform in whose file these were just written."""
        self.running(self.declared())
        self.daemon.call("Pause")
        self.daemon.write_platform(self.declared(**resources))
        self.daemon.call("Reload")
        self.daemon.check()

    def test_what_has_no_name_is_found_by_its_id_while_paused(self) -> None:
        ec2 = self.cloud.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
        self.paused({
            VPC: {"cidr_block": "10.8.0.0/16", "enable_dns_hostnames": True, "enable_dns_support": True},
            SUBNET: {"vpc_id": "${aws_vpc.old.id}", "cidr_block": "10.8.1.0/24", "availability_zone": "us-east-1a"}})
        wrong = self.ctl("import", VPC, "vpc-0123456789abcdef0", "--yes")
        self.assertEqual(wrong.returncode, 1, wrong.stdout)
        early = self.ctl("import", SUBNET, subnet, "--yes")
        self.assertEqual(early.returncode, 1, early.stdout)
        self.assertIn("import first what it refers to", early.stderr)
        for address, id_ in ((VPC, vpc), (SUBNET, subnet)):
            result = self.ctl("import", address, id_, "--yes")
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.daemon.call("Resume")
        self.daemon.converged()
        mine = ec2.describe_vpcs(Filters=[{"Name": "tag:mlopsd:platform", "Values": ["small"]}])["Vpcs"]
        self.assertEqual([v["VpcId"] for v in mine], [vpc])
        self.assertEqual(len([s for s in ec2.describe_subnets()["Subnets"] if s["VpcId"] == vpc]), 1)

    def test_a_kill_after_the_yes_loses_nothing(self) -> None:
        self.make_role()
        self.with_role()
        self.cloud.fault(service="iam", kind="reply-hangs", seconds=10, times=1)
        with self.daemon.connect() as connection:
            connection.send("Import", {"address": ROLE, "id": "old", "confirm": True})
            wait_for(lambda: self.fact("import " + ROLE), "the note")
            self.daemon.kill()
        self.cloud.clear_faults()
        self.daemon.start()
        self.daemon.converged()
        self.assertEqual(self.role()[0], 7200)
        self.assertIsNone(self.fact("import " + ROLE))

    def fact(self, name: str) -> str | None:
        connection = sqlite3.connect(f"file:{self.daemon.state}/state.db?mode=ro", uri=True)
        try:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        finally:
            connection.close()
        return row[0] if row else None


if __name__ == "__main__":
    unittest.main()
