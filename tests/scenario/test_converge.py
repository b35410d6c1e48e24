"""From nothing to the platform that the file declares, and then silence."""
from __future__ import annotations

import json
import os
import shutil
import sys
import time
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.cloud import ISSUER  # noqa: E402
from lib.daemon import Daemon, wait_for  # noqa: E402
from lib.scenario import *  # noqa: E402,F403
from lib.scenario import ScenarioTest  # noqa: E402

OWNED = {"team": "ml", "mlopsd:platform": "small"}


class Converge(ScenarioTest):
    def test_once_makes_all_six_kinds_as_declared(self) -> None:
        daemon = self.given(full())
        result = daemon.once()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("steady: 7 resources", result.stdout)

        provider = self.oracle.provider()
        self.assertEqual((provider["url"].removeprefix("https://"), provider["client_id_list"]), (ISSUER, ["sts.amazonaws.com"]))
        role = self.oracle.role(ROLE_NAME)
        self.assertEqual(role["path"], "/mlops/")
        self.assertEqual(role["description"], "pushes images")
        self.assertEqual(role["max_session_duration"], 7200)
        self.assertEqual(role["permissions_boundary"], BOUNDARY)
        self.assertEqual(role["managed_policy_arns"], [ATTACHED])
        self.assertEqual(role["inline_policy"], {"artifacts": statement("s3:GetObject", f"arn:aws:s3:::{BUCKET_NAME}/*")})
        said = role["assume_role_policy"]["Statement"][0]
        self.assertEqual(said["Principal"], {"Federated": PROVIDER_ARN})
        self.assertEqual(said["Condition"]["StringEquals"][f"{ISSUER}:sub"], SUBJECT)
        bucket = self.oracle.bucket(BUCKET_NAME)
        self.assertEqual(bucket["versioning"], "Enabled")
        self.assertEqual(bucket["encryption"][0]["ApplyServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})
        self.assertIs(bucket["encryption"][0]["BucketKeyEnabled"], True)
        self.assertEqual(set(bucket["public_access_block"].values()), {True})
        self.assertEqual(bucket["object_ownership"], "BucketOwnerEnforced")
        self.assertEqual(bucket["policy"]["Statement"][0]["Sid"], "OnlyTls")
        repository = self.oracle.repository(ECR_NAME)
        self.assertEqual(repository["image_tag_mutability"], "IMMUTABLE")
        self.assertIs(repository["scan_on_push"], True)
        self.assertEqual(repository["encryption"], "AES256")
        self.assertEqual(repository["policy"]["Statement"][0]["Sid"], "Pull")
        self.assertEqual(repository["lifecycle_policy"]["rules"][0]["selection"]["countNumber"], 10)
        for thing, address in ((provider, PROVIDER), (role, ROLE), (bucket, BUCKET), (repository, ECR)):
            with self.subTest(address):
                self.assertLessEqual({**OWNED, "mlopsd:address": address}.items(), thing["tags"].items())
        self.assertEqual(self.oracle.names(), {"providers": [PROVIDER_ARN], "roles": [ROLE_NAME], "buckets": [BUCKET_NAME],
                                               "repositories": [ECR_NAME], "secrets": ["DB_PASSWORD", "ROLE_ARN"]})

    def test_the_secrets_on_github_hold_the_declared_plaintext(self) -> None:
        daemon = self.running(full())
        revealed = {o["name"]: json.loads(o["value"]) for o in daemon.call("Output", reveal=True)["outputs"]}
        secrets = self.cloud.github_secrets()
        self.assertEqual(secrets["ROLE_ARN"], f"arn:aws:iam::123456789012:role/mlops/{ROLE_NAME}")
        self.assertEqual(secrets["DB_PASSWORD"], revealed["db_password"])
        self.assertRegex(secrets["DB_PASSWORD"], r"\A[A-Za-z0-9]{24}\Z")

    def test_outputs_are_values_and_a_sensitive_one_is_hidden(self) -> None:
        daemon = self.running(full())
        outputs = {o["name"]: o for o in daemon.call("Output")["outputs"]}
        self.assertEqual(sorted(outputs), ["db_password", "registry", "role_arn"])
        self.assertEqual(json.loads(outputs["role_arn"]["value"]), f"arn:aws:iam::123456789012:role/mlops/{ROLE_NAME}")
        self.assertEqual(json.loads(outputs["registry"]["value"]),
                         self.oracle.ecr.describe_repositories()["repositories"][0]["repositoryUri"])
        self.assertIs(outputs["db_password"]["sensitive"], True)
        self.assertIsNone(outputs["db_password"]["value"])

    def test_a_second_once_writes_nothing_and_reports_no_drift(self) -> None:
        daemon = self.given(full())
        self.assertEqual(daemon.once().returncode, 0)
        mark = self.cloud.mark()
        result = daemon.once()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_no_write(mark)
        self.assertEqual(daemon.events("drift"), [])

    def test_each_thing_is_made_with_one_create_call(self) -> None:
        daemon = self.given(full())
        self.assertEqual(daemon.once().returncode, 0)
        creates = sorted(w for w in self.writes() if ".Create" in w)
        self.assertEqual(creates, ["ecr.CreateRepository", "iam.CreateOpenIDConnectProvider", "iam.CreateRole", "s3.CreateBucket"])
        self.assertEqual([e["mlopsd_resource"] for e in daemon.events("create")].count(ROLE), 1)

    def test_once_that_cannot_converge_exits_1_and_says_why(self) -> None:
        self.cloud.fault(service="s3", operation="CreateBucket", kind="access-denied")
        result = self.given(small()).once()
        self.assertEqual(result.returncode, 1)
        said = [line for line in result.stderr.splitlines() if not line.startswith(("{", "=="))]
        self.assertEqual(len(said), 2, said)
        self.assertEqual(said[0], "small: not steady: 1 of 5 resources are not as wanted")
        self.assertRegex(said[1], r"^  aws_s3_bucket\.artifacts: failed: create failed: .*Access ?Denied")
        self.assertEqual(self.oracle.names()["roles"], [ROLE_NAME], "what does not depend on the bucket is made")


class Quiet(ScenarioTest):
    def long_converged(self, platform: dict[str, Any]) -> Daemon:
        """A platform made by an earlier life of the daemon: just after its own writes a daemon looks harder, for some 15 seconds."""
        self.assertEqual(self.given(platform).once().returncode, 0)
        shutil.rmtree(self.daemon.state)
        self.daemon.state.mkdir()
        self.daemon.start().converged()
        for _ in range(3):
            self.daemon.check()
        return self.daemon

    def test_a_quiet_pass_makes_the_fewest_reads_and_no_write(self) -> None:
        daemon = self.long_converged(full())
        mark = self.cloud.mark()
        daemon.check()
        reads = sorted(f"{r['service'] or r['server']}.{r['operation']}" for r in self.cloud.log(mark))
        # IAM roles: two lists for all. S3: one GET per subresource. ECR: one describe for all, the rest per repository. GitHub: one list.
        expected = sorted([
            "iam.GetOpenIDConnectProvider", "iam.GetAccountAuthorizationDetails", "iam.ListRoles",
            "s3.GetBucketVersioning", "s3.GetBucketEncryption", "s3.GetPublicAccessBlock", "s3.GetBucketOwnershipControls",
            "s3.GetBucketPolicy", "s3.GetBucketTagging",
            "ecr.DescribeRepositories", "ecr.GetRepositoryPolicy", "ecr.GetLifecyclePolicy", "ecr.ListTagsForResource",
            "github.actions/list-repo-secrets",
            "github.actions/get-custom-oidc-sub-claim-for-repo"])  # the trust policy refers to it: ${github.oidc_subject_prefix}
        self.assertEqual(reads, expected)
        self.assertEqual(daemon.platform()["calls_last_pass"], len(expected))

    def test_a_quiet_pass_writes_nothing_to_disk(self) -> None:
        daemon = self.running(full())
        for _ in range(3):
            daemon.check()

        def disk() -> dict[str, tuple[int, int]]:
            return {entry.name: (entry.stat().st_size, entry.stat().st_mtime_ns) for entry in os.scandir(daemon.state)}

        # the store tidies up half a second after a pass: wait until it has come to rest
        seen = [disk()]

        def is_still() -> bool:
            time.sleep(0.7)
            seen.append(disk())
            return seen[-1] == seen[-2]

        wait_for(is_still, "the store to come to rest", 10)
        for _ in range(3):
            daemon.check()
        self.assertEqual(disk(), seen[-1])

    def test_reads_per_pass_do_not_grow_with_the_number_of_roles_or_secrets(self) -> None:
        platform = full()
        for i in range(10):
            platform["resources"][f"aws_iam_role.r{i}"] = {"name": f"r{i}", "assume_role_policy": trust()}
            platform["resources"][f"github_actions_secret.s{i}"] = {"secret_name": f"S{i}", "plaintext_value": f"value {i}"}
        daemon = self.long_converged(platform)
        mark = self.cloud.mark()
        daemon.check()
        services = [r["service"] or r["server"] for r in self.cloud.log(mark)]
        self.assertEqual(services.count("iam"), 3)
        self.assertEqual(services.count("github"), 2)


if __name__ == "__main__":
    unittest.main()
