"""Coming from Terraform, and going there: the real one, with its AWS provider, on the same sandbox.

Terraform's waits are its own (it looks at a new database after a minute, however fast the cloud is): it provisions once for a class.
"""
from __future__ import annotations

import json
import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import daemon, terraform  # noqa: E402
from lib.terraform import Terraform, differences, imported, wanted  # noqa: E402
from lib.terraform_imports import ids_of, import_blocks  # noqa: E402
from lib.whole import RESOURCES, TAGS, Platform, WholeTest, quick_sandbox, whole, whole_daemon  # noqa: E402

# All that the next pass does to what Terraform made: marks of ownership and the tag ManagedBy on everything; code that is packed
# otherwise; and the database's password, which nobody can read and mlopsd makes itself.
PUT_RIGHT = Counter({
    "ec2.CreateTags": 13, "eks.TagResource": 7, "iam.TagRole": 6, "iam.TagOpenIDConnectProvider": 2, "sagemaker.AddTags": 3,
    "ecr.TagResource": 2, "rds.AddTagsToResource": 2, "s3.PutBucketTagging": 1, "secretsmanager.TagResource": 1, "lambda.TagResource": 1,
    "events.TagResource": 1, "lambda.UpdateFunctionCode": 1, "rds.ModifyDBInstance": 1,
})


def skip_without_terraform() -> None:
    why = terraform.missing() or daemon.missing()
    if why:
        raise unittest.SkipTest(why)


class FromTerraform(Platform):
    """Terraform has provisioned the AWS part; mlopsd takes it over."""

    @classmethod
    def setUpClass(cls) -> None:
        skip_without_terraform()
        cls.cloud = quick_sandbox()
        cls.cloud.reset()
        cls.theirs = Terraform(cls.cloud)
        cls.addClassCleanup(cls.theirs.close)
        cls.theirs.apply()

    def aws_writes(self, since: int) -> Counter[str]:
        return Counter(f"{r['service']}.{r['operation']}" for r in self.cloud.log(since) if r["write"] and r["server"] == "aws")

    def declare_paused(self) -> None:
        """The platform's file is offered while the daemon only looks: what has no name would be made anew."""
        type(self).daemon = whole_daemon(self.cloud, whole() | {"blueprint": None, "parameters": {}, "policy": {}})
        self.addClassCleanup(self.daemon.close)
        self.daemon.start()
        self.daemon.converged()
        self.daemon.call("Pause")
        self.offer(whole())
        self.daemon.check()

    def test_1_terraform_is_content_with_the_sandbox(self) -> None:
        self.assertEqual(differences(self.theirs.plan()), {})

    def test_2_what_terraform_made_is_taken_over(self) -> None:
        self.declare_paused()
        ids, mark = ids_of(json.loads(self.theirs.state.read_text())), self.cloud.mark()
        for address in [row["address"] for row in self.daemon.plan()[0]["actions"] if row["address"] in ids]:
            answer = self.daemon.call("Import", address=address, id=ids[address], confirm=True)
            self.assertFalse(answer.get("refused"), f"{address}: {answer}")
        self.assertEqual({address: id_ for address, id_ in self.ids().items() if address in ids}, ids)
        self.assertEqual(self.aws_writes(mark), Counter(), "a paused platform is only looked at")

    def test_3_the_next_pass_changes_what_the_blueprint_wants_otherwise(self) -> None:
        before, mark = ids_of(json.loads(self.theirs.state.read_text())), self.cloud.mark()
        self.daemon.call("Resume")
        self.daemon.converged(timeout=120)
        self.assertEqual(self.aws_writes(mark), PUT_RIGHT)
        now = self.ids()
        self.assertEqual(len(now), RESOURCES)
        self.assertEqual({address: now[address] for address in before}, before, "nothing was made anew")
        self.assert_quiet()

    def test_4_terraform_finds_it_as_it_was(self) -> None:
        self.theirs.set(tags=TAGS)
        self.assertEqual(differences(self.theirs.plan()), {})


class ToTerraform(WholeTest):
    """mlopsd has provisioned the platform; Terraform's configuration of the same, with `import` blocks, has nothing to change."""

    @classmethod
    def setUpClass(cls) -> None:
        skip_without_terraform()
        super().setUpClass()

    def test_its_plan_only_imports(self) -> None:
        version = self.cloud.client("rds").describe_db_instances()["DBInstances"][0]["EngineVersion"]
        theirs = Terraform(self.cloud, imports=import_blocks(self.cloud, self.ids()), tags=TAGS, database_engine_version=version)
        self.addCleanup(theirs.close)
        plan = theirs.plan()
        self.assertEqual(differences(plan), {})
        self.assertEqual(imported(plan), wanted(plan), "all that it declares was there")


if __name__ == "__main__":
    unittest.main()
