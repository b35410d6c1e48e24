"""kill -9 again and again while the whole platform is made, at a spread of its writes, before and after the cloud did them.

Each sweep takes half of the writes; with MLOPSD_LONG set, all of them.
"""
from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import Daemon, wait_for  # noqa: E402
from lib.survival import WholeTest  # noqa: E402

LONG = bool(os.environ.get("MLOPSD_LONG"))
LIMIT = 90
# (server, operation, how many of them are let through first); where one operation stands twice, the second strikes after the first
WRITES = [
    ("aws", "CreateOpenIDConnectProvider", 0), ("aws", "CreateRole", 2), ("aws", "PutRolePolicy", 4), ("aws", "CreateVpc", 0),
    ("aws", "AttachInternetGateway", 0), ("aws", "AllocateAddress", 0), ("aws", "CreateRouteTable", 1), ("aws", "CreateSubnet", 2),
    ("aws", "CreateSecurityGroup", 0), ("aws", "AuthorizeSecurityGroupIngress", 1), ("aws", "AssociateRouteTable", 2),
    ("aws", "CreateNatGateway", 0), ("aws", "CreateBucket", 0), ("aws", "PutBucketPolicy", 0), ("aws", "CreateCluster", 0),
    ("aws", "CreateRepository", 1), ("aws", "AssociateAccessPolicy", 1), ("aws", "CreateAccessEntry", 0), ("aws", "CreateAddon", 0),
    ("aws", "CreateNodegroup", 0), ("aws", "CreateOpenIDConnectProvider", 0), ("aws", "CreateAddon", 1), ("aws", "CreateDBInstance", 0),
    ("aws", "CreateDBSubnetGroup", 0), ("aws", "CreateModelPackageGroup", 0), ("aws", "CreateDomain", 0), ("aws", "CreateUserProfile", 0),
    ("aws", "CreateSecret", 0), ("aws", "CreateFunction", 0), ("aws", "AddPermission", 0), ("aws", "PutTargets", 0), ("aws", "PutRule", 0),
    ("kubernetes", "apply namespaces", 0), ("github", "actions/create-or-update-repo-secret", 5), ("kubernetes", "apply secrets", 0),
    ("kubernetes", "apply serviceaccounts", 0), ("kubernetes", "apply deployments", 0), ("kubernetes", "apply services", 0),
]
# these have no token against a second one: when no answer came, a minute passes before the absence is believed
PATIENT = {"CreateVpc", "CreateSubnet", "AllocateAddress", "CreateDomain"}


class KillWhole(WholeTest):
    """`hang` strikes before the cloud acts, `reply-hangs` after it did."""

    def struck(self) -> int:
        return sum(rule["fired"] for rule in self.cloud.control("GET", "/faults")["faults"])

    def ended(self, kind: str) -> int:
        return sum(record["fault"] == kind for record in self.cloud.log())

    def one_life(self, daemon: Daemon, kind: str) -> bool:
        """From a start to the next of the chosen writes, and kill it there. False when it came to its end instead."""
        before = self.struck()
        daemon.start()
        try:
            wait_for(lambda: self.struck() > before or daemon.platform()["converged"], "one of the writes, or the end", LIMIT)
        except AssertionError as error:
            raise AssertionError(f"{error}: {daemon.blocked()}\n{daemon.stderr()[-3000:]}") from None
        if self.struck() == before:
            return False
        daemon.kill()
        wait_for(lambda: self.ended(kind) >= self.struck(), "the calls to end")  # the cloud has done what it was asked
        return True

    def sweep(self, kind: str, writes: list[tuple[str, str, int]]) -> None:
        self.wanted()
        for server, operation, before in writes:
            self.cloud.fault(server=server, operation=operation, after=before, times=1, kind=kind, seconds=30)
        daemon = self.whole()
        lives = 1
        while self.one_life(daemon, kind):
            lives += 1
        daemon.stop()
        self.assertEqual([rule for rule in self.cloud.control("GET", "/faults")["faults"] if not rule["fired"]], [])
        self.assertGreater(lives, len(writes) // 3, "most of the writes were killed in a life of their own")
        self.cloud.clear_faults()
        self.assert_whole(daemon)

    def test_killed_before_the_cloud_does_a_write_the_next_life_goes_on(self) -> None:
        self.sweep("hang", WRITES if LONG else [write for write in WRITES[0::2] if write[1] not in PATIENT])

    def test_killed_after_the_cloud_did_a_write_the_next_life_goes_on(self) -> None:
        self.sweep("reply-hangs", WRITES if LONG else [write for write in WRITES[1::2] if write[1] != "CreateSubnet"])


if __name__ == "__main__":
    unittest.main()
