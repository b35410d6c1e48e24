"""kill -9 while a write is in flight, before and after the cloud did it: the next life finishes the platform, with nothing made twice."""
from __future__ import annotations

import sys
import unittest
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import Daemon, wait_for  # noqa: E402
from lib.scenario import *  # noqa: E402,F403
from lib.scenario import ScenarioTest  # noqa: E402

CREATES = {"CreateOpenIDConnectProvider", "CreateRole", "CreateBucket", "CreateRepository"}


class Kill(ScenarioTest):
    """`hang` strikes before the cloud acts, `reply-hangs` after it did."""

    def undisturbed(self, platform: dict[str, Any]) -> tuple[list[tuple[str, str, int]], dict[str, Any]]:
        """Every write of a whole convergence, as (server, operation, how many of them before), and what it leaves."""
        self.assertEqual(self.given(platform).once().returncode, 0)
        seen: Counter[str] = Counter()
        writes = []
        for record in self.cloud.log():
            if record["write"]:
                writes.append((record["server"], record["operation"], seen[record["operation"]]))
                seen[record["operation"]] += 1
        return writes, self.oracle.snapshot()

    def killed_in(self, daemon: Daemon, server: str, operation: str, before: int, kind: str) -> None:
        """Start it and kill it while this write waits for its answer."""
        rule = self.cloud.fault(server=server, operation=operation, after=before, times=1, kind=kind, seconds=30)
        daemon.start("--once", ready=False)

        def struck() -> bool:
            self.assertTrue(daemon.alive(), f"it ended before {operation}:\n{daemon.stderr()[-2000:]}")
            return any(f["id"] == rule and f["fired"] for f in self.cloud.control("GET", "/faults")["faults"])

        wait_for(struck, f"{operation} to hang", every=0.02)
        daemon.kill()
        # the answer is given up when the client is gone; by then the cloud has done what it was asked
        wait_for(lambda: any(r["fault"] == kind for r in self.cloud.log()), "the call to end", every=0.02)
        self.cloud.clear_faults()

    def assert_made_once(self) -> None:
        made = Counter((r["operation"], r["resources"][-1] if r["resources"] else "") for r in self.cloud.log()
                       if r["operation"] in CREATES and (0 < r["status"] < 300 or r["fault"] in ("reply-hangs", "reply-lost")))
        self.assertEqual(set(made.values()), {1}, made)

    def sweep(self, kind: str) -> None:
        platform = full()
        writes, wanted = self.undisturbed(platform)
        self.assertGreaterEqual(len(writes), 14, writes)
        for server, operation, before in writes:
            with self.subTest(f"{operation} {before}"):
                self.cloud.reset()
                daemon = Daemon(self.cloud)
                try:
                    daemon.write_platform(platform)
                    self.killed_in(daemon, server, operation, before, kind)
                    result = daemon.once()
                    self.assertEqual(result.returncode, 0, result.stderr[-3000:])
                    self.assertEqual(self.oracle.snapshot(), wanted)
                    self.assert_made_once()
                    self.assertEqual(self.cloud.github_secrets()["ROLE_ARN"], f"arn:aws:iam::123456789012:role/mlops/{ROLE_NAME}")
                    self.assertEqual(daemon.events("drift"), [], "our own unfinished work is no drift")
                finally:
                    daemon.close()

    def test_killed_before_the_cloud_does_any_one_write_the_next_life_finishes(self) -> None:
        self.sweep("hang")

    def test_killed_after_the_cloud_did_any_one_write_the_next_life_finishes(self) -> None:
        self.sweep("reply-hangs")

    def test_killed_in_a_repair_the_next_life_finishes_it(self) -> None:
        daemon = self.given(small())
        self.assertEqual(daemon.once().returncode, 0)
        wanted = self.oracle.snapshot()
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600)
        self.oracle.s3.put_bucket_versioning(Bucket=BUCKET_NAME, VersioningConfiguration={"Status": "Suspended"})
        self.killed_in(daemon, "aws", "UpdateRole", 0, "reply-hangs")
        self.assertEqual(daemon.once().returncode, 0)
        self.assertEqual(self.oracle.snapshot(), wanted)
        self.assertEqual(len(daemon.events("drift")), 2)
        self.assertEqual(len(daemon.events("resolved")), 2)

    def test_killed_in_a_delete_the_next_life_finishes_it(self) -> None:
        daemon = self.given(small())
        self.assertEqual(daemon.once().returncode, 0)
        platform = small()
        for address in (ROLE_SECRET, ROLE, PROVIDER):
            del platform["resources"][address]
        daemon.write_platform(platform)
        for operation, kind in (("DeleteRole", "hang"), ("DeleteOpenIDConnectProvider", "reply-hangs")):
            self.killed_in(daemon, "aws", operation, 0, kind)
        self.assertEqual(daemon.once().returncode, 0)
        self.assertEqual(self.oracle.names(), {"providers": [], "roles": [], "buckets": [BUCKET_NAME], "repositories": [ECR_NAME],
                                               "secrets": []})

    def test_a_lost_reply_is_looked_after_and_nothing_is_made_twice(self) -> None:
        for service, operation in (("iam", "CreateRole"), ("iam", "CreateOpenIDConnectProvider"), ("s3", "CreateBucket"),
                                   ("ecr", "CreateRepository")):
            self.cloud.fault(service=service, operation=operation, kind="reply-lost", times=1)
        self.cloud.fault(server="github", operation="actions/create-or-update-repo-secret", kind="reply-lost", times=1)
        result = self.given(full()).once()
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        self.assert_made_once()
        self.assertEqual(self.oracle.names()["secrets"], ["DB_PASSWORD", "ROLE_ARN"])


if __name__ == "__main__":
    unittest.main()
