"""Nothing happens when nothing has changed: pass after pass over the whole platform, and over what others rightly change in it.

MLOPSD_PASSES is how many (150); `tests/run.py --long` takes 1000.
"""
from __future__ import annotations

import json
import os
import re
import sys
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import Daemon, wait_for  # noqa: E402
from lib.kubernetes import Api  # noqa: E402
from lib.survival import BUCKET, CLUSTER, DATABASE, WholeTest  # noqa: E402

PASSES = int(os.environ.get("MLOPSD_PASSES", "150"))
WARM = 50
GROWTH = 1.08  # a sanitizer's build was seen to grow by 5 % in a thousand passes
# a freed block is given back at once: what the sanitizer keeps in quarantine is no leak
SMALL_QUARANTINE = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=99:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}


def spelled_otherwise(value: Any) -> Any:
    """The same policy: statements as they are, lists turned round, single texts as lists and lists of one as texts."""
    if isinstance(value, dict):
        return {key: spelled_otherwise(value[key]) if key != "Version" else value[key] for key in reversed(list(value))}
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return value[0] if len(value) == 1 else value[::-1]
    return [spelled_otherwise(item) for item in value] if isinstance(value, list) else value


class Quiet(WholeTest):
    def made(self) -> Daemon:
        daemon = self.whole({"database_engine_version": "16.8"}, environment=SMALL_QUARANTINE).start()
        daemon.converged(timeout=60)
        for _ in range(WARM):  # sightings are counted, caches fill
            daemon.check()
        return daemon

    def resident(self, daemon: Daemon) -> int:
        """KiB."""
        assert daemon.process
        (line,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{daemon.process.pid}/status").read_text())
        return int(line)

    def stored(self, daemon: Daemon) -> dict[str, tuple[int, int]]:
        """The store's files: a write shows in one of them."""
        found = {name: (daemon.state / name).stat() for name in ("state.db", "state.db-wal")}
        return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}

    def assert_quiet(self, daemon: Daemon, passes: int) -> None:
        """No write and no word; only looks."""
        mark, said = self.cloud.mark(), [line for line in daemon.log() if "mlopsd_event" in line]
        for _ in range(passes):
            found = daemon.check()
            self.assertEqual({r["address"]: r for r in found.values() if r["status"] != "ready"}, {})
        self.assert_no_write(mark)
        self.assertEqual([line for line in daemon.log() if "mlopsd_event" in line][len(said):], [])
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_pass_after_pass_nothing_is_said_written_or_kept(self) -> None:
        daemon = self.made()
        before, stored = self.resident(daemon), self.stored(daemon)
        for _ in range(WARM, PASSES, WARM):
            self.assert_quiet(daemon, WARM)
        self.assertEqual(self.stored(daemon), stored)
        self.assertLess(self.resident(daemon), before * GROWTH)

    # ---- what others rightly change ----

    def scaled(self) -> None:
        """An autoscaler moves the number of nodes within its bounds."""
        eks = self.cloud.client("eks")
        (name,) = eks.list_nodegroups(clusterName=CLUSTER)["nodegroups"]
        eks.update_nodegroup_config(clusterName=CLUSTER, nodegroupName=name, scalingConfig={"minSize": 1, "desiredSize": 3, "maxSize": 3})
        wait_for(lambda: eks.describe_nodegroup(clusterName=CLUSTER, nodegroupName=name)["nodegroup"]["status"] == "ACTIVE", "the scaling")

    def newer_minor_version(self) -> None:
        rds = self.cloud.client("rds")
        (database,) = rds.describe_db_instances()["DBInstances"]
        newer = "16.10"
        self.assertEqual(database["EngineVersion"], "16.8")
        rds.modify_db_instance(DBInstanceIdentifier=DATABASE, EngineVersion=newer, ApplyImmediately=True)
        wait_for(lambda: [(d["EngineVersion"], d["DBInstanceStatus"]) for d in rds.describe_db_instances()["DBInstances"]] ==
                 [(newer, "available")], "the newer version")

    def policies_spelled_otherwise(self) -> None:
        iam, s3 = self.oracle.iam, self.oracle.s3
        for role in iam.list_roles()["Roles"]:
            iam.update_assume_role_policy(RoleName=role["RoleName"],
                                          PolicyDocument=json.dumps(spelled_otherwise(role["AssumeRolePolicyDocument"])))
            for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
                policy = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
                iam.put_role_policy(RoleName=role["RoleName"], PolicyName=name,
                                    PolicyDocument=json.dumps(spelled_otherwise(policy), indent=3))
        policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(spelled_otherwise(policy), indent=1))

    def rule_spelled_otherwise(self) -> None:
        """EventBridge hands the pattern back as it was sent; somebody sent the same one otherwise."""
        (rule,) = self.oracle.events.list_rules()["Rules"]
        pattern = json.loads(rule["EventPattern"])
        self.oracle.events.put_rule(Name=rule["Name"], EventPattern=json.dumps(dict(reversed(pattern.items())), indent=4),
                                    State=rule["State"], Description=rule["Description"])

    def tags_of_others(self) -> None:
        """Tags that AWS itself or people put there."""
        ec2 = self.cloud.client("ec2")
        ours = [{"Name": "tag-key", "Values": ["mlopsd:platform"]}]
        ids = [*[v["VpcId"] for v in ec2.describe_vpcs(Filters=ours)["Vpcs"]],
               *[s["SubnetId"] for s in ec2.describe_subnets(Filters=ours)["Subnets"]],
               *[g["GroupId"] for g in ec2.describe_security_groups(Filters=ours)["SecurityGroups"]]]
        ec2.create_tags(Resources=ids, Tags=[{"Key": "aws:cloudformation:stack-name", "Value": "x"},
                                             {"Key": f"kubernetes.io/cluster/{CLUSTER}", "Value": "shared"}])

    def controllers_report(self) -> None:
        """What the controllers of a cluster write: status, revisions, clusterIPs' neighbours."""
        api = Api(self.cloud, CLUSTER)
        merge = "application/merge-patch+json"
        paths = {"/apis/apps/v1/namespaces/mlflow/deployments/mlflow": {
                     "metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}},
                     "status": {"observedGeneration": 9, "conditions": [{"type": "Progressing", "status": "True", "reason": "x"}]}},
                 "/api/v1/namespaces/mlflow/services/mlflow": {"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"],
                                                                          "annotations": {"seen": "by a controller"}}},
                 "/api/v1/namespaces/mlflow/serviceaccounts/mlflow": {"metadata": {"labels": {"seen": "yes"}}},
                 "/api/v1/namespaces/mlflow": {"metadata": {"labels": {"kubernetes.io/metadata.name": "mlflow", "seen": "yes"}}}}
        for path, patch in paths.items():
            status, answer = api("PATCH", path, patch, merge)
            self.assertEqual(status, 200, answer)
        status, answer = api("PATCH", "/apis/apps/v1/namespaces/mlflow/deployments/mlflow/status",
                             {"status": {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}}, merge)
        self.assertEqual(status, 200, answer)

    def test_what_others_rightly_change_is_no_drift(self) -> None:
        daemon = self.made()
        changes: list[Callable[[], None]] = [self.scaled, self.newer_minor_version, self.policies_spelled_otherwise,
                                             self.rule_spelled_otherwise, self.tags_of_others, self.controllers_report]
        for change in changes:
            with self.subTest(change.__name__):
                change()
                self.assert_quiet(daemon, 3)


if __name__ == "__main__":
    unittest.main()
