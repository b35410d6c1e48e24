"""What it costs to look after the whole platform while nothing happens, and what is found all the same."""
from __future__ import annotations

import json
import re
import shutil
import sys
import time
import unittest
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import Daemon, missing, wait_for  # noqa: E402
from lib.sandbox import ACCOUNT, TREE, Sandbox, start_sandbox  # noqa: E402

PASSES = 10  # two rounds of turns
CALLS_ON_AVERAGE, CALLS_AT_MOST = 45, 47
TURNS = 5  # what hardly ever changes is read in every fifth pass of the timer
RECENT = 15  # seconds after a write in which things are asked for one by one
LATENCY_MS, ROUND_TRIPS = 800, 5
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": ["ecr:BatchGetImage"]}]})

SERVICES = ("IAM", "EC2", "EKS", "RDS", "ECR", "LAMBDA", "EVENTBRIDGE", "SAGEMAKER", "SECRETS_MANAGER",
            "RESOURCE_GROUPS_TAGGING_API")

Record = dict[str, Any]


def whole_platform(cloud: Sandbox) -> Daemon:
    """The platform as it is delivered, looked at every second; each service has a host of its own, as at AWS (S3 keeps the plain one)."""
    hosts = {f"AWS_ENDPOINT_URL_{name}": cloud.aws.replace("127.0.0.1", f"{name.lower().replace('_', '-')}.localhost") for name in SERVICES}
    daemon = Daemon(cloud, poll_interval="1s", environment=dict(hosts))
    shutil.copytree(TREE / "etc" / "blueprints", daemon.folder / "blueprints")
    text = (TREE / "etc" / "platforms.d" / "abalone-mlops.yaml").read_text()
    faster, count = re.subn(r"(?m)^  repository: .*$", r"\g<0>\n  write_interval: 50ms", text)
    assert count == 1, "the platform file names one repository"
    daemon.write_platform(faster, "abalone-mlops")
    return daemon


def by_service(records: list[Record]) -> str:
    counts = Counter(record["service"] or record["server"] for record in records)
    lines = [f"{service} {count}: " + ", ".join(sorted(r["operation"] for r in records if (r["service"] or r["server"]) == service))
             for service, count in sorted(counts.items())]
    return "\n".join([f"{len(records)} calls", *lines])


def round_trips(records: list[Record]) -> int:
    """How often one call waited for another: the services' own time is short beside the latency."""
    times = [record["time"] for record in records]
    return int((max(times) - min(times)) * 1000 / LATENCY_MS) + 1


class QuietPass(unittest.TestCase):
    cloud: Sandbox
    daemon: Daemon

    @classmethod
    def setUpClass(cls) -> None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = cls.enterClassContext(start_sandbox(time_scale=100))  # type: ignore[attr-defined]
        cls.daemon = whole_platform(cls.cloud)
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.start()
        cls.daemon.converged(timeout=120)
        time.sleep(RECENT + 1)

    def next_pass(self, mark: int) -> tuple[list[Record], int]:
        """The calls of the pass that runs or comes next, and where the log ends then; the daemon rests now for a second."""
        before = self.daemon.platform()["last_pass"]
        wait_for(lambda: self.daemon.platform()["last_pass"] != before, "a pass", 30, 0.02)
        end = self.cloud.mark()
        return [record for record in self.cloud.log(mark) if record["seq"] <= end], end

    def quiet_passes(self, count: int) -> list[list[Record]]:
        _, mark = self.next_pass(self.cloud.mark())
        passes = []
        for _ in range(count):
            records, mark = self.next_pass(mark)
            passes.append(records)
        return passes

    def database(self) -> list[tuple[str, int, bytes]]:
        return [(path.name, path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(self.daemon.state.glob("state.db*"))
                if not path.name.endswith("-shm")]

    def drift(self, address: str) -> list[Record]:
        return self.daemon.events("drift", address, "policy")

    def put_policy(self, address: str) -> None:
        name = self.daemon.call("StateShow", address=address)["resource"]["id"]
        self.cloud.client("ecr").set_repository_policy(repositoryName=name, policyText=POLICY, registryId=ACCOUNT)

    def repositories(self) -> list[str]:
        return [r["address"] for r in self.daemon.call("StateList")["resources"] if r["address"].startswith("aws_ecr_repository.")]

    def test_1_takes_few_calls_and_writes_nothing(self) -> None:
        self.quiet_passes(1)
        before = self.database()
        passes = self.quiet_passes(PASSES)
        counts = [len(records) for records in passes]
        story = f"{counts}\n" + by_service(max(passes, key=len))
        self.assertLessEqual(sum(counts) / len(counts), CALLS_ON_AVERAGE, story)
        self.assertLessEqual(max(counts), CALLS_AT_MOST, story)
        self.assertEqual([record["operation"] for records in passes for record in records if record["write"]], [])
        self.assertEqual(self.database(), before, "a quiet pass wrote to the store")
        read = Counter(record["operation"] for records in passes for record in records)
        self.assertEqual(read["GetRepositoryPolicy"], len(self.repositories()) * PASSES // TURNS, "each in its turn")
        self.assertEqual(read["DescribeVpcAttribute"], 2 * PASSES // TURNS)
        self.assertEqual(read["GetResources"], PASSES, "tags come in one call")
        self.assertEqual(sum(count for name, count in read.items() if name.startswith("ListTags")), 0)

    def test_2_needs_few_round_trips(self) -> None:
        self.cloud.control("POST", "/latency", {"ms": LATENCY_MS})
        self.addCleanup(self.cloud.control, "POST", "/latency", {"ms": 0})
        _, mark = self.next_pass(self.cloud.mark())
        passes = []
        for _ in range(TURNS):
            records, mark = self.next_pass(mark)
            passes.append(records)
        for records in passes:
            self.assertLessEqual(round_trips(records), ROUND_TRIPS, by_service(records))

    def test_3_the_timer_finds_a_policy_within_a_round_of_turns(self) -> None:
        address = self.repositories()[0]
        _, mark = self.next_pass(self.cloud.mark())
        self.put_policy(address)
        wait_for(lambda: self.drift(address), "the policy to be found", 30, 0.02)
        looks = [r for r in self.cloud.log(mark) if r["operation"] == "DescribeRepositories" and not r["write"]]
        self.assertLessEqual(len(looks), TURNS + 1, "and one more look after it was put right")
        self.daemon.converged()

    def test_4_a_check_finds_a_policy_at_once(self) -> None:
        address = self.repositories()[1]
        self.next_pass(self.cloud.mark())
        self.put_policy(address)
        self.daemon.check()
        self.assertEqual(len(self.drift(address)), 1)
        self.daemon.converged()


if __name__ == "__main__":
    unittest.main()
