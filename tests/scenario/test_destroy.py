"""The end of a platform: what goes, what stays, what it says; with boto3 as the witness of what is left."""
from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.cloud import Oracle  # noqa: E402
from lib.daemon import Daemon, missing, program, wait_for  # noqa: E402
from lib.sandbox import Sandbox  # noqa: E402
from lib.scenario import BUCKET, BUCKET_NAME, PROVIDER, ROLE, ScenarioTest, full, shared_sandbox, small  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_kind_ec2 import EIP, resources as network  # noqa: E402

def fast_sandbox() -> Sandbox:
    """A sandbox whose NAT gateways take a second."""
    return shared_sandbox(100)


class DestroyTest(ScenarioTest):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        why = missing() or (None if program("mlopsctl") else "mlopsctl was not built")
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = fast_sandbox()
        cls.oracle = Oracle(cls.cloud)

    def ctl(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(program("mlopsctl")), "--socket", self.daemon.socket, *arguments], capture_output=True, text=True,
                              timeout=90, stdin=subprocess.DEVNULL, env=self.daemon.environment(), **options)

    def typed(self, text: str, *arguments: str) -> tuple[int, str]:
        """Run mlopsctl on a terminal of its own and type a line when it asks; exit status and what stood there."""
        child, terminal = pty.fork()
        if child == 0:
            path = str(program("mlopsctl"))
            os.execve(path, [path, "--socket", self.daemon.socket, *arguments], {**self.daemon.environment(), "TERM": "dumb"})
        shown = b""
        asked = False
        with contextlib.suppress(OSError):  # the end of a terminal
            while chunk := os.read(terminal, 4096):
                shown += chunk
                if not asked and b"to destroy it: " in shown:
                    asked = True
                    os.write(terminal, text.encode() + b"\n")
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()

    def account(self) -> dict[str, list[str]]:
        """All that is there of what a platform is made of; empty lists are left out."""
        ec2 = self.cloud.client("ec2")
        mine = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
        inside = [{"Name": "vpc-id", "Values": mine}]
        oracle = self.oracle
        found = {
            "buckets": [b["Name"] for b in oracle.s3.list_buckets()["Buckets"]],
            "roles": [r["RoleName"] for r in oracle.iam.list_roles()["Roles"]],
            "providers": [p["Arn"] for p in oracle.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]],
            "repositories": [r["repositoryName"] for r in oracle.ecr.describe_repositories()["repositories"]],
            "functions": [f["FunctionName"] for f in oracle.awslambda.list_functions()["Functions"]],
            "rules": [r["Name"] for r in oracle.events.list_rules()["Rules"]],
            "secrets": [s["Name"] for s in oracle.secretsmanager.list_secrets()["SecretList"] if not s.get("DeletedDate")],
            "groups": [g["ModelPackageGroupName"] for g in
                       oracle.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]],
            "vpcs": mine,
            "subnets": [s["SubnetId"] for s in ec2.describe_subnets(Filters=inside)["Subnets"]] if mine else [],
            "addresses": [a["AllocationId"] for a in ec2.describe_addresses()["Addresses"]],
            "github": sorted(self.cloud.github_secrets()),
        }
        return {name: things for name, things in found.items() if things}

    def everything(self) -> dict[str, Any]:
        """One of most kinds, and a network."""
        platform = full()
        platform["platform"] = "abalone-mlops"
        platform["policy"] = {"approve": ["delete", "replace"]}
        platform["resources"] |= {
            **network(),
            "aws_secretsmanager_secret.db": {"name": "mlops/db", "secret_string": "${random_password.db.result}"},
            "aws_sagemaker_model_package_group.models": {"model_package_group_name": "abalone"},
            "aws_cloudwatch_event_rule.nightly": {"name": "nightly", "schedule_expression": "rate(1 day)"},
        }
        return platform

    def given_everything(self, **changes: Any) -> Daemon:
        daemon = self.given({**self.everything(), **changes})
        daemon.start()
        daemon.converged(timeout=60)
        return daemon


class Destroy(DestroyTest):
    def test_everything_goes_and_nothing_comes_back_before_apply(self) -> None:
        daemon = self.given_everything()
        self.assertGreater(len(self.account()), 9)
        result = self.ctl("destroy", "--yes")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.account(), {})
        self.assertIn("Destroy complete", result.stdout)
        self.assertIn("19 to delete, 0 kept", result.stdout)
        self.assertIn(" 19 destroyed", result.stdout)
        self.assertIn("aws_secretsmanager_secret.db: scheduled for deletion", result.stdout.split("Destroy complete")[1])
        self.assertIn("the password is forgotten for good", result.stdout)
        self.assertEqual(daemon.platform()["destroy"], "destroyed")
        self.assertEqual(daemon.platform()["resources"]["total"], 0)
        self.assertIn("mlopsctl apply", self.ctl("status").stdout)
        self.assertEqual(sorted(json.loads(self.ctl("--json", "output").stdout)), [])
        mark = self.cloud.mark()
        daemon.write_platform({**self.everything(), "poll_interval": "30m"})
        daemon.call("Reload")
        daemon.check()
        daemon.stop()
        daemon.start()
        wait_for(lambda: daemon.platform()["last_pass"], "a pass")
        self.assert_no_write(mark)
        result = self.ctl("apply")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIsNone(daemon.platform()["destroy"])
        self.assertIn(BUCKET_NAME, self.account()["buckets"])

    def test_what_carries_its_tag_and_no_record_knows_is_named_at_the_end(self) -> None:
        self.running(small())
        s3 = self.cloud.client("s3")
        for bucket, platform in (("jd-lost", "small"), ("jd-others", "smaller")):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "mlopsd:platform", "Value": platform}]})
        result = self.ctl("destroy", "small", "--yes")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        tail = result.stdout[result.stdout.index("Still tagged"):]
        self.assertIn("arn:aws:s3:::jd-lost", tail)
        self.assertIn("nobody has a record of it", tail)
        self.assertNotIn("jd-others", tail)
        self.assertNotIn(BUCKET_NAME, tail)
        s3.head_bucket(Bucket="jd-lost")

    def test_it_shows_first_and_wants_the_name_typed(self) -> None:
        self.running(full())
        before, mark = self.account(), self.cloud.mark()
        result = self.ctl("destroy")
        self.assertEqual(result.returncode, 1)
        self.assertIn("--yes", result.stderr)
        for wrong in ("yes", ""):
            status, shown = self.typed(wrong, "destroy")
            self.assertEqual(status, 1, shown)
            self.assertIn("nothing is deleted", shown)
        self.assert_no_write(mark)
        self.assertEqual(self.account(), before)
        self.assertLess(shown.index(f"- {ROLE} "), shown.index(f"- {PROVIDER} "))
        self.assertLess(shown.index(f"- {ROLE} "), shown.index(f"- {BUCKET} "))
        status, shown = self.typed("small", "destroy", "small")
        self.assertEqual(status, 0, shown)
        self.assertEqual(self.account(), {})

    def test_what_is_protected_stays_and_what_it_needs(self) -> None:
        platform = self.everything()
        platform["policy"] = {"protect": [BUCKET, EIP]}
        self.given_everything(policy=platform["policy"])
        plan = json.loads(self.ctl("--json", "destroy", "--yes").stdout.splitlines()[0])["plan"]
        self.assertEqual(sorted(k["address"] for k in plan["kept"]), sorted([BUCKET, EIP]))
        left = self.account()
        self.assertEqual(sorted(left), ["addresses", "buckets"])
        self.assertEqual(left["buckets"], [BUCKET_NAME])

    def test_a_full_bucket_is_named_with_the_way_out(self) -> None:
        daemon = self.running(small())
        self.oracle.s3.put_object(Bucket=BUCKET_NAME, Key="model.tar.gz", Body=b"weights")
        result = self.ctl("destroy", "--yes")
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("force_destroy: true", result.stdout.split("Destroy is not complete")[0])
        self.assertIn("keeps trying", result.stderr)
        self.assertEqual(self.account(), {"buckets": [BUCKET_NAME]})
        platform = small()
        platform["resources"][BUCKET]["force_destroy"] = True
        daemon.write_platform(platform)
        daemon.call("Reload")
        result = self.ctl("destroy", "--yes")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.account(), {})

    def test_a_kill_in_the_middle_and_a_lost_file_do_not_stop_it(self) -> None:
        daemon = self.given_everything()
        client = subprocess.Popen([str(program("mlopsctl")), "--socket", daemon.socket, "destroy", "--yes"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=daemon.environment())
        wait_for(lambda: len(daemon.events("delete")) >= 3, "the first deletes", every=0.005)
        daemon.kill()
        self.assertEqual(client.wait(20), 1)
        self.assertTrue(self.account())
        daemon.platform_file("abalone-mlops").unlink()
        daemon.start()
        wait_for(lambda: daemon.events("destroyed"), "the destroy to go on", 60)
        self.assertEqual(self.account(), {})

    def test_without_a_valid_file_it_goes_by_the_records(self) -> None:
        daemon = self.running(full())
        daemon.stop()
        daemon.write_platform("platform: small\nresources: {nonsense\n")
        daemon.start()
        result = self.ctl("destroy", "nothing", "--yes")
        self.assertEqual(result.returncode, 1)
        self.assertIn("there is no platform nothing", result.stderr)
        result = self.ctl("destroy", "small", "--yes")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.account(), {})

    def test_the_wrong_account_stops_it(self) -> None:
        daemon = self.running(small())
        daemon.stop()
        daemon.write_platform({**small(), "aws": {"account_id": "999999999999", "region": "us-east-1"}})
        daemon.start()
        mark = self.cloud.mark()
        result = self.ctl("destroy", "--yes")
        self.assertEqual(result.returncode, 1)
        self.assertIn("wrong AWS account", result.stdout)
        self.assert_no_write(mark)

    def test_apply_in_the_middle_is_asked_twice_and_turns_it_round(self) -> None:
        daemon = self.running(small())
        self.oracle.s3.put_object(Bucket=BUCKET_NAME, Key="model.tar.gz", Body=b"weights")
        self.assertEqual(self.ctl("destroy", "--yes").returncode, 1)
        result = self.ctl("apply")
        self.assertEqual(result.returncode, 1)
        self.assertIn("mlopsctl apply --yes", result.stderr)
        self.assertEqual(daemon.platform()["destroy"], "destroying")
        result = self.ctl("apply", "--yes")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertTrue(daemon.platform()["converged"])
        self.assertEqual(len(self.account()["roles"]), 1)


if __name__ == "__main__":
    unittest.main()
