"""Coming from Terraform, and going there: the real one, with its AWS provider, on the same sandbox.

Terraform's waits are its own (it looks at a new database after a minute, however fast the cloud is): it provisions once for a class.
"""
from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import daemon, terraform  # noqa: E402
from lib.terraform import Terraform, differences, imported, wanted  # noqa: E402
from lib.terraform_imports import ids_of, import_blocks  # noqa: E402
from lib.whole import PLATFORM, RESOURCES, TAGS, Platform, WholeTest, quick_sandbox, whole, whole_daemon  # noqa: E402

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

    def known(self) -> dict[str, str]:
        """What both have, by mlopsd's addresses and with its ids, as Terraform's state tells it."""
        return ids_of(json.loads(self.theirs.state.read_text()))

    def aws_writes(self, since: int) -> Counter[str]:
        return Counter(f"{r['service']}.{r['operation']}" for r in self.cloud.log(since) if r["write"] and r["server"] == "aws")

    def command(self) -> list[str]:
        return [str(daemon.program("mlopsctl")), "--socket", self.daemon.socket, "import", "--tfstate", str(self.theirs.state), PLATFORM]

    def asked(self, answer: str) -> tuple[int, str]:
        """The import, at a terminal at which somebody types that: its status, and all that was shown."""
        ours, its = os.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen(self.command(), stdin=its, stdout=its, stderr=its, env={**self.daemon.environment(), "NO_COLOR": "1"})
        os.close(its)
        os.write(ours, f"{answer}\n".encode())
        shown = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while chunk := os.read(ours, 65536):
                shown += chunk
        return process.wait(60), shown.decode(errors="replace")

    def test_1_terraform_is_content_with_the_sandbox(self) -> None:
        self.assertEqual(differences(self.theirs.plan()), {})

    def test_2_the_plan_is_shown_first(self) -> None:
        type(self).daemon = whole_daemon(self.cloud, whole())
        self.addClassCleanup(self.daemon.close)
        self.daemon.platform_file(PLATFORM).unlink()  # a daemon that knows the platform would begin at once
        self.daemon.start()
        self.daemon.write_platform(whole())
        mark, (status, shown) = self.cloud.mark(), self.asked("no")
        self.assertEqual(status, 1, shown)
        self.assertIn("not confirmed", shown)
        self.assertIn(f"{len(self.known())} to adopt, 0 to add, 0 to change, 0 to destroy", shown)
        self.assertEqual(self.aws_writes(mark), Counter())

    def test_3_the_next_pass_changes_what_the_blueprint_wants_otherwise(self) -> None:
        mark = self.cloud.mark()
        done = subprocess.run([*self.command(), "--yes"], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                              env=self.daemon.environment())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{len(self.known())} imported, 0 refused, 0 not clear", done.stdout)
        self.daemon.converged(timeout=120)
        self.assertEqual(self.aws_writes(mark), PUT_RIGHT)
        now = self.ids()
        self.assertEqual(len(now), RESOURCES)
        self.assertEqual({address: now[address] for address in self.known()}, self.known(), "nothing was made anew")
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
