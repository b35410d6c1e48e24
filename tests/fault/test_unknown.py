"""A read that fails says nothing about the world: nothing is written, nothing is called missing, and it passes when the fault does."""
from __future__ import annotations

import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import Daemon, wait_for  # noqa: E402
from lib.sandbox import OTHER_ACCESS_KEY, OTHER_ACCOUNT, OTHER_SECRET_KEY  # noqa: E402
from lib.scenario import *  # noqa: E402,F403
from lib.scenario import ScenarioTest  # noqa: E402

READS = "(Get|List|Describe|Head).*"
GITHUB_READS = "(actions|repos)/(list|get).*"


class Unknown(ScenarioTest):
    def strike(self, aws: str, github: str, **more: object) -> None:
        """The fault on every read of every service but the identity."""
        for service in ("iam", "s3", "ecr"):
            self.cloud.fault(service=service, operation=READS, kind=aws, **more)
        self.cloud.fault(server="github", operation=GITHUB_READS, kind=github, **more)

    def endures(self, daemon: Daemon, aws: str, github: str, **more: object) -> None:
        mark, before = self.cloud.mark(), self.oracle.snapshot()
        self.cloud.overwrite_github_secret(f"OTHER_{aws.replace('-', '_')}".upper(), "theirs")  # else 304, which has no body to spoil
        self.strike(aws, github, **more)
        with daemon.connect(90) as connection:
            resources = {r["address"]: r for r in connection.call("Check")["resources"]}
        failed = {r["fault"] for r in self.cloud.log(mark)} - {""}
        self.assertEqual(failed, {aws, github}, "the faults struck")
        self.assertEqual([a for a, r in resources.items() if r["status"] == "ready"], [PASSWORD], "what lies here is known, the rest is not")
        self.assertFalse(daemon.platform()["converged"])
        self.cloud.clear_faults()
        wait_for(lambda: all(r["status"] == "ready" for r in daemon.check().values()), "all to be known again", 60)
        self.assert_no_write(mark)
        self.assertEqual(daemon.drifts(everything=True), [])
        self.assertEqual({**self.oracle.snapshot(), "names": None}, {**before, "names": None})

    def test_an_empty_answer_where_something_was_asked_by_name_is_no_proof_of_absence(self) -> None:
        daemon = self.running(full())
        daemon.check()
        mark = self.cloud.mark()
        self.cloud.overwrite_github_secret("OTHER", "theirs")  # else 304, which has no body to empty
        self.cloud.fault(service="iam", operation="GetRole|GetAccountAuthorizationDetails|ListRoles", kind="empty")
        self.cloud.fault(service="ecr", operation="DescribeRepositories", kind="empty")
        self.cloud.fault(server="github", operation="actions/list-repo-secrets", kind="empty", times=1)
        resources = daemon.check()
        unknown = sorted(a for a, r in resources.items() if r["status"] == "unknown")
        self.assertEqual(unknown, sorted([ROLE, ECR]))
        self.cloud.clear_faults()
        wait_for(lambda: all(r["status"] == "ready" for r in daemon.check().values()), "all to be known again")
        self.assert_no_write(mark)
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_denied_and_broken_answers_are_unknown_and_nothing_is_done(self) -> None:
        daemon = self.running(full())
        for aws, github in (("access-denied", "403"), ("truncated", "truncated"), ("garbage", "garbage")):
            with self.subTest(aws):
                self.cloud.clear_faults()
                self.endures(daemon, aws, github)

    def test_proxy_pages_and_server_errors_are_unknown_and_nothing_is_done(self) -> None:
        daemon = self.running(full())
        for aws, github in (("html", "html"), ("500", "500")):
            with self.subTest(aws):
                self.cloud.clear_faults()
                self.endures(daemon, aws, github)

    def test_a_throttle_storm_is_unknown_and_nothing_is_done(self) -> None:
        daemon = self.running(small())
        mark = self.cloud.mark()
        self.cloud.fault(service="ecr", operation=READS, kind="throttle")
        self.assertEqual(daemon.check()[ECR]["status"], "unknown")
        self.cloud.clear_faults()
        wait_for(lambda: daemon.check()[ECR]["status"] == "ready", "it to be known again", 30)
        self.assert_no_write(mark)
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_what_stays_unknown_is_told_once_and_once_when_it_is_over(self) -> None:
        daemon = self.running(small())
        self.cloud.fault(service="s3", operation=READS, kind="access-denied")
        for _ in range(3):
            daemon.check()
        (told,) = daemon.events("unknown")
        self.assertEqual(told["mlopsd_resource"], BUCKET)
        self.assertRegex(told["message"], r"can not be looked at, so nothing is done to it: .*access denied")
        self.cloud.clear_faults()
        daemon.check()
        daemon.check()
        self.assertEqual([e["mlopsd_resource"] for e in daemon.events("known")], [BUCKET])

    def test_a_single_not_found_is_looked_at_again_before_it_is_believed(self) -> None:
        daemon = self.running(small())
        daemon.check()
        mark = self.cloud.mark()
        self.cloud.fault(service="iam", operation="GetOpenIDConnectProvider", kind="error", status=404, code="NoSuchEntity", times=1)
        self.cloud.fault(service="s3", operation="GetBucketVersioning", kind="error", status=404, code="NoSuchBucket", times=1)
        daemon.check()
        daemon.check()
        self.assert_no_write(mark)
        self.assertEqual(daemon.drifts(everything=True), [])
        self.assertTrue(daemon.platform()["converged"], daemon.platform()["blocked"])

    def test_reads_that_hang_hold_up_nothing_else_and_pass(self) -> None:
        daemon = self.running(small())
        mark = self.cloud.mark()
        rule = self.cloud.fault(service="s3", operation="GetBucketVersioning", kind="hang", seconds=60)
        looking = threading.Thread(target=daemon.check)
        looking.start()
        wait_for(lambda: any(f["id"] == rule and f["fired"] for f in self.cloud.control("GET", "/faults")["faults"]), "the read to hang")
        self.assertEqual(daemon.call("Status")["platforms"][0]["name"], "small", "the socket answers meanwhile")
        self.cloud.clear_faults()
        looking.join(20)
        self.assertFalse(looking.is_alive())
        wait_for(lambda: daemon.platform()["converged"], "it to be known again")
        self.assert_no_write(mark)

    def test_throttled_and_failing_creates_converge_in_the_end_with_nothing_made_twice(self) -> None:
        for service in ("iam", "s3", "ecr"):
            self.cloud.fault(service=service, operation="(Create|Put).*", kind="throttle", times=2)
        self.cloud.fault(server="github", operation="actions/create-or-update-repo-secret", kind="500", times=1)
        daemon = self.given(full())
        result = daemon.once()
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        self.assertEqual(self.oracle.names()["roles"], [ROLE_NAME])
        made = [r["operation"] for r in self.cloud.log() if r["operation"].startswith("Create") and r["status"] < 300]
        self.assertEqual(len(made), len(set(made)), made)

    def test_what_was_just_made_and_is_not_visible_yet_is_waited_for(self) -> None:
        self.cloud.fault(service="iam", kind="not-yet", seconds=2)
        self.cloud.fault(service="s3", kind="not-yet", seconds=1)
        daemon = self.given(full())
        result = daemon.once()
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        made = [r["operation"] for r in self.cloud.log() if r["operation"].startswith("Create") and r["status"] < 300]
        self.assertEqual(len(made), len(set(made)), made)
        self.assertEqual(daemon.events("drift"), [])


class WrongAccount(ScenarioTest):
    OTHER = {"AWS_ACCESS_KEY_ID": OTHER_ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": OTHER_SECRET_KEY}

    def test_keys_of_another_account_stop_everything_and_are_told_once(self) -> None:
        daemon = self.given(small(), environment=dict(self.OTHER)).start()
        for _ in range(3):
            daemon.check()
        (told,) = daemon.events("blocked")
        self.assertRegex(told["message"], rf"wrong AWS account: .*{OTHER_ACCOUNT}.*123456789012")
        self.assertEqual(told["level"], "critical")
        self.assertIn("wrong AWS account", daemon.platform()["problem"])
        self.assertEqual({r["operation"] for r in self.cloud.log()} - {"GetCallerIdentity", "repos/get"}, set(), "nothing else is even asked")
        self.assertEqual(daemon.events("unknown"), [], "one line for the platform, not one per resource")

    def test_an_existing_platform_is_not_taken_for_gone_and_goes_on_with_the_right_keys(self) -> None:
        daemon = self.running(small())
        before = self.oracle.snapshot()
        daemon.stop()
        daemon.changes = dict(self.OTHER)
        daemon.start()
        daemon.check()
        mark = self.cloud.mark()
        daemon.check()
        self.assert_no_write(mark)
        self.assertEqual(daemon.drifts(everything=True), [])
        daemon.stop()
        daemon.changes = {}
        daemon.start().converged()
        self.assertIsNone(daemon.platform()["problem"])
        self.assertEqual(self.oracle.snapshot(), before)

    def test_once_with_the_wrong_keys_exits_1(self) -> None:
        result = self.given(small(), environment=dict(self.OTHER)).once()
        self.assertEqual(result.returncode, 1)
        self.assertIn("wrong AWS account", result.stderr.splitlines()[-6] + "".join(result.stderr.splitlines()[-8:]))
        self.assert_no_write()


if __name__ == "__main__":
    unittest.main()
