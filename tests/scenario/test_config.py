"""What a changed file does: taken over, refused, resources changed, replaced, deleted, protected, adopted; several platforms; plans."""
from __future__ import annotations

import json
import re
import shutil
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import Daemon, wait_for  # noqa: E402
from lib.scenario import *  # noqa: E402,F403
from lib.scenario import ScenarioTest  # noqa: E402

BAD = """platform: small
aws: {account_id: "123456789012", region: us-east-1}
resources:
  aws_iam_role.ga:
    name: GitHubActionRole
    max_session_duratoin: 7200
"""


class Reload(ScenarioTest):
    def reload(self, daemon: Daemon, platform: dict[str, Any] | str) -> None:
        """Write the file, SIGHUP, and wait for the generation to be in force."""
        generation = daemon.platform()["generation"]
        daemon.write_platform(platform)
        daemon.reload()
        wait_for(lambda: daemon.platform()["generation"] > generation, "the next generation")

    def settled(self, daemon: Daemon) -> None:
        wait_for(lambda: daemon.platform()["converged"], "convergence")

    def test_a_bad_file_is_refused_with_its_place_and_the_last_good_one_stays_in_force(self) -> None:
        daemon = self.running(small())
        before = self.oracle.snapshot()
        path = daemon.write_platform(BAD)
        daemon.reload()
        refused = wait_for(lambda: daemon.platform()["refused"], "the refusal")
        self.assertIn(f"{path}:6:5:", refused)
        self.assertIn("max_session_duration", refused, "it knows what was meant")
        self.assertIn(f"{path}:6:5:", daemon.stderr())
        self.assertEqual(len(daemon.events("refused")), 1)
        self.assertEqual(daemon.platform()["generation"], 1)
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600)
        daemon.check()
        self.assertEqual(self.oracle.snapshot(), before, "the good generation is still kept")
        changed = small()
        changed["resources"][ROLE]["max_session_duration"] = 10800
        self.reload(daemon, changed)
        self.settled(daemon)
        self.assertIsNone(daemon.platform()["refused"])
        self.assertEqual(self.oracle.role(ROLE_NAME)["max_session_duration"], 10800)

    def test_a_changed_file_is_applied_in_place_without_a_drift_alert(self) -> None:
        daemon = self.running(full())
        mark = self.cloud.mark()
        platform = full()
        platform["resources"][ROLE]["description"] = "pushes and pulls"
        platform["resources"][BUCKET]["tags"] = {"team": "research"}
        platform["resources"][ECR]["image_tag_mutability"] = "MUTABLE"
        platform["resources"][ROLE_SECRET]["plaintext_value"] = "other"
        self.reload(daemon, platform)
        self.settled(daemon)
        self.assertEqual(self.oracle.role(ROLE_NAME)["description"], "pushes and pulls")
        self.assertEqual(self.oracle.bucket(BUCKET_NAME)["tags"]["team"], "research")
        self.assertEqual(self.oracle.repository(ECR_NAME)["image_tag_mutability"], "MUTABLE")
        self.assertEqual(self.cloud.github_secrets()["ROLE_ARN"], "other")
        self.assertEqual(daemon.drifts(everything=True), [])
        self.assertEqual(daemon.events("drift"), [])
        self.assertEqual([w for w in self.writes(mark) if "Create" in w or "Delete" in w], [])

    def test_what_leaves_the_file_is_deleted_and_a_bucket_only_after_an_approval(self) -> None:
        daemon = self.running(small())
        platform = small()
        for address in (ROLE_SECRET, ROLE, BUCKET):
            del platform["resources"][address]
        self.reload(daemon, platform)
        wait_for(lambda: self.oracle.names()["roles"] == [], "the role to be deleted")
        wait_for(lambda: daemon.events("held", BUCKET), "the bucket to be held")
        self.assertEqual(self.oracle.names()["secrets"], [])
        self.assertEqual(self.oracle.names()["buckets"], [BUCKET_NAME])
        self.assertEqual(daemon.call("Approve", address=BUCKET)["approved"], [BUCKET])
        wait_for(lambda: self.oracle.names()["buckets"] == [], "the bucket to be deleted")
        self.settled(daemon)
        self.assertEqual(len(daemon.events("held", BUCKET)), 1)
        self.assertEqual(daemon.events("drift"), [])
        self.assertEqual(sorted(r["address"] for r in daemon.call("StateList")["resources"]), sorted([PROVIDER, ECR]))

    def test_with_approve_delete_nothing_is_deleted_before_somebody_says_so(self) -> None:
        platform = small()
        platform["policy"] = {"approve": ["delete"]}
        daemon = self.running(platform)
        del platform["resources"][ROLE_SECRET]
        self.reload(daemon, platform)
        wait_for(lambda: daemon.events("held", ROLE_SECRET), "the delete to be held")
        self.assertEqual(self.oracle.names()["secrets"], ["ROLE_ARN"])
        daemon.call("Approve", address=ROLE_SECRET)
        wait_for(lambda: self.oracle.names()["secrets"] == [], "the secret to be deleted")

    def test_what_is_protected_is_never_deleted_nor_replaced(self) -> None:
        platform = small()
        platform["policy"] = {"protect": [ROLE, ECR]}
        daemon = self.running(platform)
        before = self.oracle.snapshot()
        platform["resources"][ROLE]["name"] = "Renamed"
        platform["resources"][ECR]["encryption_configuration"] = {"encryption_type": "KMS"}
        self.reload(daemon, platform)
        wait_for(lambda: daemon.events("held", ECR), "the replacement to be held")
        daemon.call("Apply")
        self.assertEqual(self.oracle.names()["roles"], before["names"]["roles"], "a protected role is not given up for another name")
        self.assertEqual(self.oracle.repository(ECR_NAME)["encryption"], "AES256")

    def test_a_renamed_role_is_replaced_and_nothing_of_the_old_one_stays(self) -> None:
        daemon = self.running(small())
        platform = small()
        platform["resources"][ROLE]["name"] = "Renamed"
        self.reload(daemon, platform)
        self.settled(daemon)
        wait_for(lambda: self.oracle.names()["roles"] == ["Renamed"], "the replacement")
        wait_for(lambda: self.cloud.github_secrets()["ROLE_ARN"].endswith("role/Renamed"), "the secret to follow")
        self.assertEqual(daemon.events("drift"), [])

    def test_a_platform_file_that_is_removed_leaves_everything_as_it_is(self) -> None:
        daemon = self.running(small())
        before, mark = self.oracle.snapshot(), self.cloud.mark()
        daemon.platform_file("small").unlink()
        daemon.reload()
        wait_for(lambda: daemon.call("Status")["platforms"] == [], "the platform to leave")
        self.assert_no_write(mark)
        self.assertEqual(self.oracle.snapshot(), before)


class Ownership(ScenarioTest):
    def foreign(self) -> None:
        self.oracle.iam.create_open_id_connect_provider(Url="https://token.actions.githubusercontent.com", ClientIDList=["theirs"])
        self.oracle.s3.create_bucket(Bucket=BUCKET_NAME)
        self.oracle.ecr.create_repository(repositoryName=ECR_NAME)
        self.oracle.iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))

    def test_what_others_made_under_the_same_name_is_not_touched_and_told_once(self) -> None:
        self.foreign()
        before, mark = self.oracle.snapshot(), self.cloud.mark()
        daemon = self.given(small()).start()
        for _ in range(3):
            daemon.check()
        self.assert_no_write(mark)
        self.assertEqual(self.oracle.snapshot(), before)
        for address in (PROVIDER, BUCKET, ECR, ROLE):
            self.assertEqual(len(daemon.events("held", address)), 1, address)
            self.assertIn("adopt: true", daemon.events("held", address)[0]["message"])

    def test_adopt_true_takes_it_over_and_puts_it_right(self) -> None:
        self.foreign()
        platform = small()
        for address in (PROVIDER, BUCKET, ECR, ROLE):
            platform["resources"][address]["adopt"] = True
        daemon = self.running(platform)
        self.assertEqual(self.oracle.provider()["client_id_list"], ["sts.amazonaws.com"])
        self.assertEqual(self.oracle.role(ROLE_NAME)["tags"]["mlopsd:address"], ROLE)
        self.assertEqual(self.oracle.bucket(BUCKET_NAME)["versioning"], "Enabled")
        self.assertEqual(sorted(e["mlopsd_resource"] for e in daemon.events("adopt")), sorted([PROVIDER, BUCKET, ECR, ROLE]))
        self.assertEqual(daemon.events("drift"), [])

    def test_after_the_state_is_lost_everything_is_found_again_and_nothing_made_anew(self) -> None:
        platform = full()
        platform["resources"][DB_SECRET]["plaintext_value"] = "${credential.db}"
        daemon = self.given(platform)
        (daemon.credentials / "db").write_text("from the vault\n")
        self.assertEqual(daemon.once().returncode, 0)
        before, secrets = self.oracle.snapshot(), self.cloud.github_secrets()
        shutil.rmtree(daemon.state)
        daemon.state.mkdir()
        mark = self.cloud.mark()
        self.assertEqual(daemon.once().returncode, 0)
        self.assertEqual(self.writes(mark), ["github.actions/create-or-update-repo-secret"] * 2, "values that can not be read are put once")
        self.assertEqual(self.oracle.snapshot(), before)
        self.assertEqual(self.cloud.github_secrets(), secrets)
        self.assertEqual(daemon.events("drift"), [])
        mark = self.cloud.mark()
        self.assertEqual(daemon.once().returncode, 0)
        self.assert_no_write(mark)


class Several(ScenarioTest):
    def test_two_platforms_in_one_daemon_do_not_mix(self) -> None:
        other = head("other")
        other["resources"] = {"aws_s3_bucket.data": {"bucket": "other-data"}, "aws_iam_role.job": {
            "name": "Job", "assume_role_policy": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}}
        daemon = self.running(small(), other)
        self.assertEqual(sorted(p["name"] for p in daemon.call("Status")["platforms"]), ["other", "small"])
        self.assertEqual(self.oracle.names()["buckets"], [BUCKET_NAME, "other-data"])
        self.assertEqual(self.oracle.role("Job")["tags"]["mlopsd:platform"], "other")
        self.oracle.s3.put_bucket_versioning(Bucket=BUCKET_NAME, VersioningConfiguration={"Status": "Suspended"})
        daemon.call("Pause", platform="small", why="test")
        daemon.check(platform="other")
        self.assertEqual({p["name"]: p["converged"] for p in daemon.call("Status")["platforms"]}["other"], True)
        self.assertEqual({r["platform"] for r in daemon.call("StateList", platform="other")["resources"]}, {"other"})
        daemon.check(platform="small")
        self.assertEqual(self.oracle.bucket(BUCKET_NAME)["versioning"], "Suspended", "a paused platform looks and does not act")
        daemon.call("Resume", platform="small")
        wait_for(lambda: self.oracle.bucket(BUCKET_NAME)["versioning"] == "Enabled", "the resumed platform to heal")

    def test_once_plan_changes_nothing_and_exits_2_0_or_1(self) -> None:
        daemon = self.given(small())
        result = daemon.once("--plan")
        self.assertEqual(result.returncode, 2, result.stderr)
        for address in (PROVIDER, ROLE, BUCKET, ECR, ROLE_SECRET):
            self.assertRegex(result.stdout, rf"(?m)^ *# {re.escape(address)} will be created")
        self.assert_no_write()
        self.assertEqual(daemon.once().returncode, 0)
        mark = self.cloud.mark()
        result = daemon.once("--plan")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertNotIn("will be", result.stdout)
        self.cloud.fault(service="s3", operation="Get.*", kind="access-denied")
        self.assertEqual(daemon.once("--plan").returncode, 1)
        self.assert_no_write(mark)

    def test_plan_shows_a_drift_and_changes_nothing(self) -> None:
        platform = small()
        platform["policy"] = {"on_drift": "alert"}
        daemon = self.running(platform)
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600)
        mark = self.cloud.mark()
        (planned,) = daemon.plan()
        (action,) = planned["actions"]
        (change,) = action["changes"]
        self.assertEqual((action["address"], action["action"], change["path"], change["desired"], change["observed"]),
                         (ROLE, "update", "max_session_duration", "7200", "3600"))
        self.assertRegex(change["place"], r"small\.yaml:\d+:\d+$")
        self.assertIn("alert", action["held"])
        self.assert_no_write(mark)


if __name__ == "__main__":
    unittest.main()
