"""RDS as the real one behaves over time: creating, pending, modifying, deleting; snapshots, protection, and what a database holds."""
from __future__ import annotations

import time
import unittest
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from support import SandboxTest

ID, GROUP = "mlflow", "mlflow-subnets"


def code(function: Callable[..., Any], **arguments: Any) -> str:
    try:
        function(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


class Rds(SandboxTest):
    options = {"time_scale": 500}

    def setUp(self) -> None:
        super().setUp()
        self.rds, self.ec2 = self.cloud.client("rds"), self.cloud.client("ec2")
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{'ab'[n]}")
                        ["Subnet"]["SubnetId"] for n in range(2)]
        self.guard = self.ec2.create_security_group(GroupName="db", Description="d", VpcId=vpc)["GroupId"]
        self.rds.create_db_subnet_group(DBSubnetGroupName=GROUP, DBSubnetGroupDescription="d", SubnetIds=self.subnets)

    def create(self, **more: Any) -> dict[str, Any]:
        given = {"DBInstanceIdentifier": ID, "DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "EngineVersion": "16",
                 "AllocatedStorage": 20, "MasterUsername": "mlflow", "MasterUserPassword": "a-password", "DBSubnetGroupName": GROUP,
                 "VpcSecurityGroupIds": [self.guard]} | more
        return self.rds.create_db_instance(**given)["DBInstance"]

    def look(self) -> dict[str, Any]:
        return self.rds.describe_db_instances(DBInstanceIdentifier=ID)["DBInstances"][0]

    def until(self, status: str) -> dict[str, Any]:
        for _ in range(300):
            seen = self.look()
            if seen["DBInstanceStatus"] == status:
                return seen
            time.sleep(0.02)
        self.fail(f"never {status}: {seen['DBInstanceStatus']}")

    def modify(self, **what: Any) -> None:
        self.rds.modify_db_instance(DBInstanceIdentifier=ID, **what)

    def test_a_database_is_born_slowly_and_has_no_endpoint_until_then(self) -> None:
        born = self.create()
        self.assertEqual((born["DBInstanceStatus"], born.get("Endpoint")), ("creating", None))
        self.assertEqual(code(self.modify, BackupRetentionPeriod=3), "InvalidDBInstanceState")
        ready = self.until("available")
        self.assertEqual(ready["Endpoint"]["Port"], 5432)
        self.assertRegex(ready["EngineVersion"], r"^16\.\d+$")
        self.assertEqual((ready["StorageType"], ready["PubliclyAccessible"]), ("gp3", False))

    def test_changes_wait_unless_they_are_to_be_made_at_once(self) -> None:
        self.create()
        self.until("available")
        self.modify(DBInstanceClass="db.t4g.small")
        seen = self.look()
        self.assertEqual((seen["DBInstanceStatus"], seen["DBInstanceClass"]), ("available", "db.t4g.micro"))
        self.assertEqual(seen["PendingModifiedValues"], {"DBInstanceClass": "db.t4g.small"})
        self.modify(DBInstanceClass="db.t4g.micro")
        self.assertEqual(self.look()["PendingModifiedValues"], {}, "taken back")
        self.modify(DBInstanceClass="db.t4g.small", DBPortNumber=5433, MasterUserPassword="new-password", ApplyImmediately=True)
        seen = self.look()
        self.assertEqual(seen["DBInstanceStatus"], "modifying")
        self.assertEqual(seen["PendingModifiedValues"], {"DBInstanceClass": "db.t4g.small", "Port": 5433, "MasterUserPassword": "****"})
        seen = self.until("available")
        self.assertEqual((seen["DBInstanceClass"], seen["Endpoint"]["Port"], seen["PendingModifiedValues"]), ("db.t4g.small", 5433, {}))

    def test_what_rds_refuses_to_change(self) -> None:
        self.create(EngineVersion="16.6")
        self.until("available")
        for change in ({"AllocatedStorage": 10}, {"AllocatedStorage": 21}, {"EngineVersion": "16.99"}, {"EngineVersion": "15"},
                       {"EngineVersion": "17"}, {}):
            self.assertEqual(code(self.modify, **change), "InvalidParameterCombination", change)
        self.modify(EngineVersion="17", AllowMajorVersionUpgrade=True, ApplyImmediately=True)
        self.assertRegex(self.until("available")["EngineVersion"], r"^17\.")

    def test_a_deletion_leaves_a_snapshot_and_frees_what_was_held(self) -> None:
        self.create(DeletionProtection=True)
        self.until("available")
        delete = self.rds.delete_db_instance
        self.assertEqual(code(delete, DBInstanceIdentifier=ID, SkipFinalSnapshot=True), "InvalidParameterCombination")
        self.modify(DeletionProtection=False)
        self.assertEqual(code(delete, DBInstanceIdentifier=ID), "InvalidParameterCombination")
        self.assertEqual(code(delete, DBInstanceIdentifier=ID, SkipFinalSnapshot=True, FinalDBSnapshotIdentifier="s"),
                         "InvalidParameterCombination")
        delete(DBInstanceIdentifier=ID, FinalDBSnapshotIdentifier="last")
        self.assertEqual(self.look()["DBInstanceStatus"], "deleting")
        self.assertEqual(code(delete, DBInstanceIdentifier=ID, SkipFinalSnapshot=True), "InvalidDBInstanceState")
        self.assertEqual(code(self.rds.delete_db_subnet_group, DBSubnetGroupName=GROUP), "InvalidDBSubnetGroupStateFault")
        self.assertEqual(code(self.ec2.delete_subnet, SubnetId=self.subnets[0]), "DependencyViolation")
        self.assertEqual(code(self.ec2.delete_security_group, GroupId=self.guard), "DependencyViolation")
        for _ in range(300):
            if code(self.look) == "DBInstanceNotFound":
                break
            time.sleep(0.02)
        self.assertEqual(code(self.look), "DBInstanceNotFound")
        self.rds.delete_db_subnet_group(DBSubnetGroupName=GROUP)
        self.ec2.delete_subnet(SubnetId=self.subnets[0])
        self.ec2.delete_security_group(GroupId=self.guard)
        self.assertEqual([s["DBSnapshotIdentifier"] for s in self.rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]], ["last"])
        self.assertEqual(self.rds.describe_db_snapshots(SnapshotType="automated")["DBSnapshots"], [])

    def test_a_stopped_database_is_started_again(self) -> None:
        self.create()
        self.until("available")
        self.rds.stop_db_instance(DBInstanceIdentifier=ID)
        self.assertEqual(self.look()["DBInstanceStatus"], "stopped")
        self.rds.start_db_instance(DBInstanceIdentifier=ID)
        self.until("available")

    def test_a_reset_forgets_databases(self) -> None:
        self.create()
        self.cloud.reset()
        self.assertEqual(self.rds.describe_db_instances()["DBInstances"], [])


if __name__ == "__main__":
    unittest.main()
