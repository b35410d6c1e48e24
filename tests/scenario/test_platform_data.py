"""Data: the database of MLflow with its password and subnets, and the bucket (every field: test_kind_rds, test_drift)."""
from __future__ import annotations

import base64
import json
import sys
import unittest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.kubernetes import kubectl  # noqa: E402
from lib.whole import BUCKET_NAME, CLUSTER_NAME, DATABASE_NAME, TAGS, WholeTest, tags_of  # noqa: E402

DATABASE, GROUP, BUCKET = "aws_db_instance.mlflow", "aws_db_subnet_group.mlflow", "aws_s3_bucket.artifacts"
OF_THE_DATABASE = {
    DATABASE, GROUP, "aws_security_group.database", "aws_iam_role.mlflow", "kubernetes_manifest.mlflow_namespace",
    "kubernetes_manifest.mlflow_service_account", "kubernetes_secret.mlflow_database", "kubernetes_manifest.mlflow_service",
    "kubernetes_manifest.mlflow", "mlflow_tracking_server.main", "github_actions_secret.db_endpoint", "github_actions_secret.db_password",
    "github_actions_secret.mlflow_tracking_uri"}


class Data(WholeTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.rds = cls.cloud.client("rds")

    def database(self) -> dict[str, Any]:
        return self.rds.describe_db_instances(DBInstanceIdentifier=DATABASE_NAME)["DBInstances"][0]

    def available(self) -> None:
        wait_for(lambda: self.database()["DBInstanceStatus"] == "available", "the database to be available", every=0.02)

    def modify(self, **changes: Any) -> None:
        self.rds.modify_db_instance(DBInstanceIdentifier=DATABASE_NAME, ApplyImmediately=True, **changes)
        self.available()

    def snapshot(self) -> dict[str, Any]:
        self.available()
        seen, bucket = self.database(), self.oracle.bucket(BUCKET_NAME)
        bucket["tags"].pop("mlopsd:intent", None)
        return {"public": seen["PubliclyAccessible"], "backup": seen["BackupRetentionPeriod"], "class": seen["DBInstanceClass"],
                "tags": tags_of(seen["TagList"]), "subnets": sorted(s["SubnetIdentifier"] for s in seen["DBSubnetGroup"]["Subnets"]),
                "guards": [g["VpcSecurityGroupId"] for g in seen["VpcSecurityGroups"]], "bucket": bucket}

    def test_1_the_database_as_declared(self) -> None:
        seen, ids = self.database(), self.ids()
        self.assertEqual((seen["Engine"], seen["EngineVersion"].split(".")[0], seen["DBInstanceClass"], seen["AllocatedStorage"]),
                         ("postgres", "16", "db.t3.micro", 20))
        self.assertEqual((seen["StorageType"], seen["StorageEncrypted"], seen["PubliclyAccessible"], seen["BackupRetentionPeriod"]),
                         ("gp3", True, False, 7))
        self.assertEqual((seen["DBName"], seen["MasterUsername"], seen["DeletionProtection"]), ("mlflowdb", "mlflow", False))
        self.assertEqual([g["VpcSecurityGroupId"] for g in seen["VpcSecurityGroups"]], [ids["aws_security_group.database"]])
        group = seen["DBSubnetGroup"]
        self.assertEqual((group["DBSubnetGroupName"], group["VpcId"]), (DATABASE_NAME, ids["aws_vpc.main"]))
        self.assertEqual({s["SubnetIdentifier"] for s in group["Subnets"]}, {ids["aws_subnet.private_a"], ids["aws_subnet.private_b"]})
        self.assertEqual(tags_of(seen["TagList"]), TAGS)

    def test_2_the_password_that_was_told_opens_it(self) -> None:
        """The sandbox's MLflow signs in with what its pod was given; a wrong one ends in 503, see test_platform_mlflow."""
        stored = json.loads(kubectl(self.cloud, CLUSTER_NAME, "-n", "mlflow", "get", "secret", "mlflow-database", "-o", "json").stdout)
        uri = urlsplit(base64.b64decode(stored["data"]["uri"]).decode())
        told, revealed = self.cloud.github_secrets(), self.outputs(reveal=True)
        self.assertEqual({uri.password, told["DB_PASSWORD"], revealed["db_password"]}, {uri.password})
        self.assertRegex(uri.password or "", r"^[A-Za-z0-9\-_.~]{32}$")
        self.assertEqual((uri.username, uri.hostname, uri.path), ("mlflow", self.database()["Endpoint"]["Address"], "/mlflowdb"))
        self.assertNotIn("db_password", self.outputs())
        self.assertNotIn(str(uri.password), self.daemon.all_stderr())

    def test_3_the_bucket_as_declared(self) -> None:
        bucket = self.oracle.bucket(BUCKET_NAME)
        self.assertEqual((bucket["versioning"], bucket["object_ownership"]), ("Enabled", "BucketOwnerEnforced"))
        self.assertEqual(set(bucket["public_access_block"].values()), {True})
        self.assertEqual(bucket["encryption"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")
        [statement] = bucket["policy"]["Statement"]
        self.assertEqual((statement["Effect"], statement["Condition"]), ("Deny", {"Bool": {"aws:SecureTransport": "false"}}))

    def test_4_changed_by_hand_it_is_put_right(self) -> None:
        ids, s3 = self.ids(), self.oracle.s3
        self.heals(self.snapshot, [
            (DATABASE, "publicly_accessible", "changed", "critical", lambda: self.modify(PubliclyAccessible=True)),
            (DATABASE, "backup_retention_period", "changed", "critical", lambda: self.modify(BackupRetentionPeriod=0)),
            (DATABASE, 'tags["Project"]', "missing", "notice", lambda: self.rds.remove_tags_from_resource(
                ResourceName=self.database()["DBInstanceArn"], TagKeys=["Project"])),
            (GROUP, f'subnet_ids["{ids["aws_subnet.public_a"]}"]', "extra", "critical", lambda: self.rds.modify_db_subnet_group(
                DBSubnetGroupName=DATABASE_NAME, SubnetIds=[ids[f"aws_subnet.{name}"] for name in ("private_a", "private_b", "public_a")])),
            (BUCKET, "public_access_block.block_public_policy", "changed", "critical", lambda: s3.put_public_access_block(
                Bucket=BUCKET_NAME, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": False,
                                                                    "IgnorePublicAcls": True, "RestrictPublicBuckets": True})),
            (BUCKET, "policy", "missing", "critical", lambda: s3.delete_bucket_policy(Bucket=BUCKET_NAME)),
            (BUCKET, "versioning.enabled", "changed", "critical", lambda: s3.put_bucket_versioning(
                Bucket=BUCKET_NAME, VersioningConfiguration={"Status": "Suspended"}))])

    def test_5_a_deleted_bucket_is_told_and_made_again(self) -> None:
        before = self.snapshot()
        self.made_again(BUCKET, lambda: self.oracle.s3.delete_bucket(Bucket=BUCKET_NAME))
        self.assertEqual(self.snapshot(), before)

    def test_9_switched_off_the_database_leaves_its_last_snapshot(self) -> None:
        self.switched_off(OF_THE_DATABASE, with_database=False)
        self.assertEqual(self.rds.describe_db_instances()["DBInstances"], [])
        kept = [s["DBSnapshotIdentifier"] for s in self.rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]]
        self.assertEqual(kept, [f"{DATABASE_NAME}-final"])
        self.assertEqual({"DB_PASSWORD", "DB_ENDPOINT"} & set(self.cloud.github_secrets()), set())


if __name__ == "__main__":
    unittest.main()
