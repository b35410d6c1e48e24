"""A database and its subnet group: made, kept as declared, and given up only with an approval and a last snapshot."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.cloud import Oracle  # noqa: E402
from lib.daemon import Daemon, missing, wait_for  # noqa: E402
from lib.kinds import KindTest  # noqa: E402
from lib.sandbox import Sandbox  # noqa: E402
from lib.scenario import head, shared_sandbox  # noqa: E402

DB, GROUP, ID, NAME = "aws_db_instance.mlflow", "aws_db_subnet_group.mlflow", "mlflow", "mlflow-subnets"
def fast_sandbox() -> Sandbox:
    """A sandbox in which a database takes a second."""
    return shared_sandbox(500)


class Rds(KindTest):
    @classmethod
    def setUpClass(cls) -> None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = fast_sandbox()
        cls.oracle = Oracle(cls.cloud)
        cls.rds, cls.ec2 = cls.cloud.client("rds"), cls.cloud.client("ec2")

    def setUp(self) -> None:
        super().setUp()
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{'abc'[n]}")
                        ["Subnet"]["SubnetId"] for n in range(3)]
        self.guards = [self.ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"] for name in ("db", "other")]

    def declared(self, **more: Any) -> dict[str, Any]:
        document = head()
        document["resources"] = {
            "random_password.db": {"length": 24, "override_special": "!#$%"},
            GROUP: {"name": NAME, "subnet_ids": self.subnets[:2], "tags": {"team": "ml"}},
            DB: {"identifier": ID, "engine": "postgres", "engine_version": "16", "instance_class": "db.t4g.micro",
                 "allocated_storage": 20, "max_allocated_storage": 100, "db_name": "mlflow", "username": "mlflow",
                 "password": "${random_password.db.result}", "db_subnet_group_name": "${aws_db_subnet_group.mlflow.id}",
                 "vpc_security_group_ids": self.guards[:1], "port": 5433, "deletion_protection": True,
                 "ca_cert_identifier": "rds-ca-rsa2048-g1", "tags": {"team": "ml"}} | more}
        document["outputs"] = {"host": {"value": "${aws_db_instance.mlflow.address}"},
                               "endpoint": {"value": "${aws_db_instance.mlflow.endpoint}"}}
        return document

    # ---- what is there, and what somebody does ----

    def instance(self) -> dict[str, Any]:
        return self.rds.describe_db_instances(DBInstanceIdentifier=ID)["DBInstances"][0]

    def instances(self) -> list[str]:
        return [found["DBInstanceIdentifier"] for found in self.rds.describe_db_instances()["DBInstances"]]

    def snapshots(self) -> list[str]:
        return [s["DBSnapshotIdentifier"] for s in self.rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]]

    def available(self) -> dict[str, Any]:
        wait_for(lambda: self.instance()["DBInstanceStatus"] == "available", "the database to be available", every=0.02)
        return self.instance()

    def modify(self, **changes: Any) -> None:
        self.available()
        self.rds.modify_db_instance(DBInstanceIdentifier=ID, ApplyImmediately=True, **changes)
        self.available()

    def subnet_group(self) -> dict[str, Any]:
        found = self.rds.describe_db_subnet_groups(DBSubnetGroupName=NAME)["DBSubnetGroups"][0]
        tags = {t["Key"]: t["Value"] for t in self.rds.list_tags_for_resource(ResourceName=found["DBSubnetGroupArn"])["TagList"]}
        tags.pop("mlopsd:intent", None)
        return {"description": found["DBSubnetGroupDescription"], "subnets": sorted(s["SubnetIdentifier"] for s in found["Subnets"]),
                "tags": tags}

    def snapshot(self) -> dict[str, Any]:
        seen = self.available()
        tags = {t["Key"]: t["Value"] for t in seen["TagList"]}
        tags.pop("mlopsd:intent", None)
        names = ("DBInstanceClass", "AllocatedStorage", "MaxAllocatedStorage", "StorageType", "PubliclyAccessible", "MultiAZ",
                 "BackupRetentionPeriod", "DeletionProtection", "AutoMinorVersionUpgrade", "CopyTagsToSnapshot", "Endpoint",
                 "CACertificateIdentifier", "IAMDatabaseAuthenticationEnabled", "StorageEncrypted", "EngineVersion", "DbiResourceId",
                 "PendingModifiedValues")
        return {name: seen.get(name) for name in names} | {
            "groups": sorted(g["VpcSecurityGroupId"] for g in seen["VpcSecurityGroups"]), "tags": tags}

    # ---- the tests ----

    def test_a_database_is_made_as_declared(self) -> None:
        daemon = self.running(self.declared())
        seen = self.instance()
        self.assertEqual((seen["StorageEncrypted"], seen["PubliclyAccessible"], seen["StorageType"], seen["BackupRetentionPeriod"]),
                         (True, False, "gp3", 7))
        self.assertEqual((seen["EngineLifecycleSupport"], seen["DBName"]), ("open-source-rds-extended-support-disabled", "mlflow"))
        self.assertRegex(seen["EngineVersion"], r"^16\.")
        self.assertEqual(seen["DBSubnetGroup"]["DBSubnetGroupName"], NAME)
        host = seen["Endpoint"]["Address"]
        outputs = {row["name"]: json.loads(row["value"]) for row in daemon.call("Output")["outputs"]}
        self.assertEqual(outputs, {"host": host, "endpoint": f"{host}:5433"})
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        rounds = [
            [("instance_class", "changed", "warning", lambda: self.modify(DBInstanceClass="db.m7g.large")),
             ("max_allocated_storage", "changed", "warning", lambda: self.modify(MaxAllocatedStorage=200)),
             ("storage_type", "changed", "warning", lambda: self.modify(StorageType="gp2")),
             ("publicly_accessible", "changed", "critical", lambda: self.modify(PubliclyAccessible=True)),
             ("multi_az", "changed", "warning", lambda: self.modify(MultiAZ=True)),
             ("backup_retention_period", "changed", "critical", lambda: self.modify(BackupRetentionPeriod=0)),
             ("deletion_protection", "changed", "critical", lambda: self.modify(DeletionProtection=False)),
             ("auto_minor_version_upgrade", "changed", "warning", lambda: self.modify(AutoMinorVersionUpgrade=False)),
             ("copy_tags_to_snapshot", "changed", "warning", lambda: self.modify(CopyTagsToSnapshot=False)),
             ("ca_cert_identifier", "changed", "warning", lambda: self.modify(CACertificateIdentifier="rds-ca-ecc384-g1")),
             ("iam_database_authentication_enabled", "changed", "critical", lambda: self.modify(EnableIAMDatabaseAuthentication=True)),
             ("port", "changed", "warning", lambda: self.modify(DBPortNumber=5434)),
             (f'vpc_security_group_ids["{self.guards[0]}"]', "missing", "critical",
              lambda: self.modify(VpcSecurityGroupIds=self.guards[1:])),
             (f'vpc_security_group_ids["{self.guards[1]}"]', "extra", "critical", lambda: None),
             ('tags["team"]', "changed", "notice", lambda: self.rds.add_tags_to_resource(
                 ResourceName=self.instance()["DBInstanceArn"], Tags=[{"Key": "team", "Value": "x"}]))],
            [("max_allocated_storage", "changed", "warning", lambda: self.modify(MaxAllocatedStorage=20)),
             ("status", "changed", "critical", lambda: self.rds.stop_db_instance(DBInstanceIdentifier=ID))],
            [("instance_class", "changed", "warning", lambda: self.rds.modify_db_instance(  # waits for the window: found all the same
                DBInstanceIdentifier=ID, DBInstanceClass="db.m7g.large"))],
        ]
        self.heals(self.declared(), DB, self.snapshot, rounds)
        self.assertEqual(self.instance()["PendingModifiedValues"], {})

    def test_a_subnet_group_is_kept_as_declared(self) -> None:
        document = self.declared()
        del document["resources"][DB], document["outputs"]
        arn = f"arn:aws:rds:us-east-1:123456789012:subgrp:{NAME}"
        rounds = [
            [("description", "changed", "warning", lambda: self.rds.modify_db_subnet_group(
                DBSubnetGroupName=NAME, DBSubnetGroupDescription="x", SubnetIds=self.subnets)),
             (f'subnet_ids["{self.subnets[2]}"]', "extra", "critical", lambda: None),
             ('tags["team"]', "missing", "notice", lambda: self.rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["team"]))],
            [(f'subnet_ids["{self.subnets[2]}"]', "extra", "critical", lambda: self.rds.modify_db_subnet_group(
                DBSubnetGroupName=NAME, SubnetIds=self.subnets[1:])),
             (f'subnet_ids["{self.subnets[0]}"]', "missing", "critical", lambda: None)],
            [("", "missing", "critical", lambda: self.rds.delete_db_subnet_group(DBSubnetGroupName=NAME))],
        ]
        daemon = self.heals(document, GROUP, self.subnet_group, rounds)
        self.undeclared_is_deleted(daemon, document, GROUP)
        self.assertEqual(self.rds.describe_db_subnet_groups()["DBSubnetGroups"], [])

    def test_a_quiet_pass_takes_one_call_a_kind(self) -> None:
        daemon = self.running(self.declared())
        mark = self.cloud.mark()
        daemon.check()
        operations = sorted(r["operation"] for r in self.cloud.log(mark) if r["service"] == "rds")
        self.assertEqual(operations, ["DescribeDBInstances", "DescribeDBSubnetGroups", "ListTagsForResource"])

    def test_what_the_service_does_by_itself_is_no_drift(self) -> None:
        daemon = self.running(self.declared(engine_version="16.6"))
        self.modify(AllocatedStorage=40)
        self.modify(EngineVersion="16.9")
        mark = self.cloud.mark()
        for _ in range(3):
            daemon.check()
        self.assert_no_write(mark)
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_a_new_password_is_set_and_no_drift(self) -> None:
        document = self.declared(password="first-password")
        daemon = self.running(document)
        document["resources"][DB]["password"] = "second-password"
        daemon.write_platform(document)
        mark = self.cloud.mark()
        daemon.reload()
        wait_for(lambda: "rds.ModifyDBInstance" in self.writes(mark), "the password to be set")
        self.available()
        daemon.converged()
        for _ in range(3):
            daemon.check()
        self.assertEqual(self.writes(mark), ["rds.ModifyDBInstance"])
        self.assertEqual(daemon.drifts(everything=True), [])
        for word in (b"first-password", b"second-password"):
            self.assertNotIn(word.decode(), daemon.all_stderr())
            for path in daemon.state.rglob("*"):
                if path.is_file():
                    self.assertNotIn(word, path.read_bytes(), path)

    def test_what_changes_in_the_file_changes_in_one_call(self) -> None:
        document = self.declared()
        daemon = self.running(document)
        document["resources"][DB] |= {"allocated_storage": 40, "instance_class": "db.m7g.large", "engine_version": "17",
                                      "allow_major_version_upgrade": True, "multi_az": True}
        daemon.write_platform(document)
        mark = self.cloud.mark()
        daemon.reload()
        wait_for(lambda: self.instance()["MultiAZ"], "the change to be made")
        daemon.converged()
        seen = self.available()
        self.assertEqual((seen["AllocatedStorage"], seen["DBInstanceClass"], seen["EngineVersion"][:3]), (40, "db.m7g.large", "17."))
        self.assertEqual(self.writes(mark), ["rds.ModifyDBInstance"])
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_without_its_state_the_daemon_finds_its_database_and_sets_the_password_once(self) -> None:
        daemon = self.running(self.declared(password="a-long-password"))
        before = self.snapshot()
        daemon.stop()
        for path in daemon.state.iterdir():
            if path.is_file() and "key" not in path.name:
                path.unlink()
        mark = self.cloud.mark()
        daemon.start().converged()
        for _ in range(3):
            daemon.check()
        wait_for(lambda: daemon.platform()["converged"], "calm")
        self.assertEqual([name for name in self.writes(mark) if name.startswith("rds.")], ["rds.ModifyDBInstance"])
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_a_database_deleted_by_hand_is_made_again(self) -> None:
        daemon = self.running(self.declared(deletion_protection=False))
        first = self.instance()["DbiResourceId"]
        self.rds.delete_db_instance(DBInstanceIdentifier=ID, SkipFinalSnapshot=True)
        wait_for(lambda: not self.instances(), "the database to be gone")
        for _ in range(3):
            daemon.check()
        wait_for(lambda: self.instances(), "the database to be made again")
        daemon.converged()
        self.assertNotEqual(self.available()["DbiResourceId"], first)
        self.assertEqual([(d["kind"], d["severity"]) for d in daemon.drifts(everything=True)], [("missing", "critical")])

    def given_up(self, document: dict[str, Any], daemon: Daemon) -> None:
        """Take it out of the file, see it held, approve, see it gone."""
        for address in (DB, GROUP):
            document["resources"].pop(address, None)
        document.pop("outputs", None)
        daemon.write_platform(document)
        daemon.reload()
        wait_for(lambda: daemon.events("held", DB), "the database to be held")
        self.assertEqual(self.instances(), [ID])
        self.assertEqual(daemon.call("Approve", address=DB)["approved"], [DB])
        wait_for(lambda: not self.instances(), "the database to be deleted", 40)
        wait_for(lambda: not self.rds.describe_db_subnet_groups()["DBSubnetGroups"], "its subnet group to follow", 40)

    def test_giving_up_a_database_waits_for_an_approval_and_leaves_a_snapshot(self) -> None:
        document = self.declared()
        daemon = self.running(document)
        self.given_up(document, daemon)
        self.assertEqual(self.snapshots(), ["mlflow-final"])
        self.ec2.delete_subnet(SubnetId=self.subnets[0])

    def test_a_taken_snapshot_name_gets_the_time(self) -> None:
        document = self.declared(final_snapshot_identifier="the-last")
        daemon = self.running(document)
        self.rds.create_db_snapshot(DBInstanceIdentifier=ID, DBSnapshotIdentifier="the-last")
        self.given_up(document, daemon)
        names = sorted(self.snapshots())
        self.assertEqual(names[0], "the-last")
        self.assertRegex(names[1], r"^the-last-20\d{12}$")

    def test_no_snapshot_where_none_is_wanted(self) -> None:
        document = self.declared(skip_final_snapshot=True)
        daemon = self.running(document)
        self.given_up(document, daemon)
        self.assertEqual(self.snapshots(), [])

    def test_storage_that_would_have_to_shrink_is_refused_in_words(self) -> None:
        daemon = self.running(self.declared(max_allocated_storage=0))
        self.modify(AllocatedStorage=40)
        wait_for(lambda: daemon.check() and "never shrinks" in str(daemon.platform()["blocked"]), "the refusal")


if __name__ == "__main__":
    unittest.main()
