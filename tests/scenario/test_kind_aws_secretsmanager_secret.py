"""A secret of Secrets Manager: made with its value, read only when somebody wrote it, healed, deleted with a way back."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.kinds import KindTest  # noqa: E402
from lib.scenario import ACCOUNT, head  # noqa: E402

SECRET, NAME = "aws_secretsmanager_secret.db", "mlops/db"
FOREIGN = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]})
OWN = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}}]}


def platform() -> dict[str, Any]:
    document = head()
    document["resources"] = {
        "random_password.db": {"length": 24, "special": False},
        SECRET: {"name": NAME, "description": "of the database", "secret_string": "postgres:${random_password.db.result}",
                 "policy": OWN, "tags": {"team": "ml"}}}
    document["outputs"] = {"password": {"value": "${random_password.db.result}", "sensitive": True}}
    return document


class Secret(KindTest):
    def snapshot(self) -> dict[str, Any]:
        client = self.oracle.secretsmanager
        found = client.describe_secret(SecretId=NAME)
        tags = {t["Key"]: t["Value"] for t in found["Tags"]}
        tags.pop("mlopsd:intent", None)
        return {"name": found["Name"], "description": found.get("Description"), "key": found.get("KmsKeyId"), "tags": tags,
                "deleted": found.get("DeletedDate"), "value": client.get_secret_value(SecretId=NAME)["SecretString"],
                "policy": json.loads(client.get_resource_policy(SecretId=NAME).get("ResourcePolicy", "null")),
                "all": sorted(s["Name"] for s in client.list_secrets()["SecretList"])}

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        o = self.oracle.secretsmanager
        rounds = [
            [("description", "changed", "warning", lambda: o.update_secret(SecretId=NAME, Description="x")),
             ("kms_key_id", "extra", "critical", lambda: o.update_secret(SecretId=NAME, KmsKeyId="alias/other")),
             ("secret_string", "changed", "critical", lambda: o.put_secret_value(SecretId=NAME, SecretString="stolen")),
             ("policy", "changed", "critical", lambda: o.put_resource_policy(SecretId=NAME, ResourcePolicy=FOREIGN)),
             ('tags["team"]', "changed", "notice", lambda: o.tag_resource(SecretId=NAME, Tags=[{"Key": "team", "Value": "x"}]))],
            [("policy", "missing", "critical", lambda: o.delete_resource_policy(SecretId=NAME)),
             ('tags["team"]', "missing", "notice", lambda: o.untag_resource(SecretId=NAME, TagKeys=["team"])),
             ('tags["mlopsd:address"]', "missing", "notice", lambda: o.untag_resource(SecretId=NAME, TagKeys=["mlopsd:address"]))],
            [("", "missing", "critical", lambda: o.delete_secret(SecretId=NAME, RecoveryWindowInDays=30))],
            [("", "missing", "critical", lambda: o.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True))],
        ]
        document = platform()
        daemon = self.heals(document, SECRET, self.seen_without_key, rounds)
        value = o.get_secret_value(SecretId=NAME)["SecretString"]
        self.assertTrue(value.startswith("postgres:"))
        self.assertNotIn(value, daemon.all_stderr())
        self.assertNotIn(value.partition(":")[2], daemon.all_stderr())
        self.assertNotIn("stolen", daemon.all_stderr())
        for path in daemon.state.rglob("*"):
            if path.is_file():
                self.assertNotIn(value.partition(":")[2].encode(), path.read_bytes(), path)
                self.assertNotIn(b"stolen", path.read_bytes(), path)
        self.undeclared_is_deleted(daemon, document, SECRET)
        self.assertIn("DeletedDate", o.describe_secret(SecretId=NAME))

    def seen_without_key(self) -> dict[str, Any]:
        """alias/aws/secretsmanager and no key are the same."""
        seen = self.snapshot()
        if seen["key"] == "alias/aws/secretsmanager":
            seen["key"] = None
        return seen

    def test_a_quiet_pass_reads_no_value(self) -> None:
        daemon = self.running(platform())
        mark = self.cloud.mark()
        daemon.check()
        daemon.check()
        operations = [r["operation"] for r in self.cloud.log(mark) if r["service"] == "secretsmanager"]
        self.assertEqual(sorted(operations), ["DescribeSecret"] * 2 + ["GetResourcePolicy"] * 2)

    def test_a_new_value_in_the_file_is_written_and_is_no_drift(self) -> None:
        document = platform()
        daemon = self.running(document)
        document["resources"][SECRET]["secret_string"] = "mysql:${random_password.db.result}"
        daemon.write_platform(document)
        daemon.call("Reload")
        daemon.check()
        daemon.converged()
        self.assertTrue(self.snapshot()["value"].startswith("mysql:"))
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_without_its_state_the_daemon_finds_its_secret_again(self) -> None:
        document = platform()
        del document["resources"]["random_password.db"], document["outputs"]
        document["resources"][SECRET]["secret_string"] = "${credential.db-value}"
        daemon = self.given(document)
        credential = daemon.credentials / "db-value"
        credential.write_text("from-a-file")
        credential.chmod(0o600)
        daemon.start().converged()
        before = self.snapshot()
        daemon.stop()
        for path in daemon.state.iterdir():
            if path.is_file() and "key" not in path.name:
                path.unlink()
        mark = self.cloud.mark()
        daemon.start().converged()
        self.assert_no_write(mark)
        self.assertEqual(self.snapshot(), before)

    def test_a_secret_of_somebody_else_is_left_alone(self) -> None:
        self.oracle.secretsmanager.create_secret(Name=NAME, SecretString="theirs")
        daemon = self.given(platform()).start()
        daemon.check()
        self.assertEqual(self.oracle.secretsmanager.get_secret_value(SecretId=NAME)["SecretString"], "theirs")
        self.assertFalse(daemon.platform()["converged"])


if __name__ == "__main__":
    unittest.main()
