"""The whole platform, as the shipped blueprint declares it, brought up once per class: each row's tests look at it with their own eyes.

    class Network(WholeTest):
        parameters = {"vpc_cidr": "10.7.0.0/16"}            # besides the bucket's name

        def test_1_is_as_declared(self) -> None: ...         # chapters of one story, in the order of their names:
        def test_2_heals(self) -> None: ...                  # each leaves the platform whole,
        def test_9_switched_off(self) -> None: ...           # but for the last
"""
from __future__ import annotations

import contextlib
import json
import shutil
import unittest
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .cloud import Oracle
from .daemon import Daemon, missing, wait_for
from .sandbox import ACCOUNT, REPOSITORY, TREE, Sandbox
from .scenario import shared_sandbox
from .varlink import VarlinkError

PLATFORM, BLUEPRINT = "abalone-mlops", "mlops-platform"
BUCKET_NAME, CLUSTER_NAME, DATABASE_NAME = "jd-abalone-mlops-artifacts", "abalone-mlops-cluster", "mlflow-database"
RESOURCES = 59
TIME_SCALE = 300
TAGS = {"Project": "abalone-mlops", "ManagedBy": "mlopsd"}
REMOVALS = ("Delete", "Detach", "Disassociate", "Remove", "Release", "Revoke", "actions/delete", "delete ")

Episode = tuple[str, str, str, str]  # address, field, kind of drift, severity
Change = tuple[str, str, str, str, Callable[[], Any]]  # an episode, and what somebody does

def quick_sandbox() -> Sandbox:
    """The sandbox of this Python process in which a cluster takes two seconds, started when first asked for."""
    return shared_sandbox(TIME_SCALE)


def whole(**parameters: Any) -> dict[str, Any]:
    """A platform file of the shipped blueprint, with the policy of the shipped example."""
    return {"platform": PLATFORM, "blueprint": BLUEPRINT, "aws": {"account_id": ACCOUNT, "region": "us-east-1"},
            "github": {"repository": REPOSITORY, "token": {"credential": "github-token"}, "write_interval": "50ms"},
            "parameters": {"bucket_name": BUCKET_NAME, **parameters},
            "policy": {"on_drift": "heal", "approve": ["replace", "delete"], "protect": ["aws_s3_bucket.artifacts", "random_password.db"]},
            "resources": {}}


def whole_daemon(cloud: Sandbox, document: dict[str, Any], **options: Any) -> Daemon:
    """A daemon with that file and the shipped blueprints beside it, not started yet."""
    daemon = Daemon(cloud, **options)
    shutil.copytree(TREE / "etc/blueprints", daemon.folder / "blueprints")
    daemon.write_platform(document)
    return daemon


def tags_of(pairs: Iterable[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Tags as a map, without what mlopsd and AWS note for themselves."""
    return {pair[key]: pair[value] for pair in pairs if not pair[key].startswith(("mlopsd:", "aws:"))}


class Platform(unittest.TestCase):
    """A daemon of the whole platform in a fresh cloud; what a test may ask of it and do to it."""

    maxDiff = None
    cloud: Sandbox
    oracle: Oracle
    daemon: Daemon
    document: dict[str, Any]

    # ---- what the daemon says ----

    def ids(self) -> dict[str, str]:
        """Address → id of everything the daemon knows."""
        return {row["address"]: row["id"] for row in self.daemon.call("StateList")["resources"]}

    def why(self, address: str) -> str:
        """Why it is not where it should be; "" when it is."""
        return {entry["address"]: entry["why"] for entry in self.daemon.platform()["blocked"]}.get(address, "")

    def outputs(self, **options: Any) -> dict[str, Any]:
        return {row["name"]: json.loads(row["value"]) for row in self.daemon.call("Output", **options)["outputs"] if row["value"]}

    def attributes(self, address: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.daemon.call("StateShow", address=address)["attributes"])
        return found

    def told(self) -> Counter[Episode]:
        """Every drift so far."""
        return Counter((d["address"], d["field"], d["kind"], d["severity"]) for d in self.daemon.drifts(everything=True))

    def assert_told(self, known: Counter[Episode], *episodes: Episode) -> None:
        """What was told since is this and nothing else."""
        self.assertEqual(sorted((self.told() - known).elements()), sorted(episodes))

    def writes(self, since: int) -> list[str]:
        return [f"{r['service'] or r['server']}.{r['operation']}" for r in self.cloud.log(since) if r["write"]]

    # ---- what happens to it ----

    def offer(self, document: dict[str, Any]) -> None:
        """Give the daemon another file; it is in force when this returns."""
        before = self.daemon.platform()["generation"]
        self.daemon.write_platform(document)
        answer = self.daemon.call("Reload")
        self.assertEqual(answer["refused"], [], self.daemon.stderr()[-3000:])
        wait_for(lambda: self.daemon.platform()["generation"] > before, "the file to be in force")

    def assert_quiet(self) -> None:
        """Another look changes nothing."""
        mark = self.cloud.mark()
        self.daemon.check()
        self.assertEqual(self.writes(mark), [])

    def heals(self, snapshot: Callable[[], Any], changes: list[Change]) -> None:
        """Somebody changes all of this by hand: each change is told with its severity, healed, and nothing else drifts."""
        before, known = snapshot(), self.told()
        for *_, act in changes:
            act()
        self.assertNotEqual(snapshot(), before, "nothing was changed by hand")
        for _ in range(3):  # what goes missing must be missed twice
            self.daemon.check()
        wait_for(lambda: not self.drifts_left(), "the drift to be healed", 40)
        self.daemon.converged(timeout=60)
        self.assert_told(known, *(change[:4] for change in changes))
        self.assertEqual(snapshot(), before)

    def drifts_left(self) -> list[dict[str, Any]]:
        """What still drifts after another look: what is only looked at is looked at in full passes alone."""
        drifts = self.daemon.drifts()
        if drifts:
            self.daemon.check()
        return drifts

    def made_again(self, address: str, delete: Callable[[], Any], *others: Episode) -> None:
        """Somebody deletes it: missed, told as critical, made again; what hung on it drifts as `others` say, and nothing else."""
        before, known = set(self.ids()), self.told()
        delete()
        for _ in range(3):
            self.daemon.check()
        wait_for(lambda: not self.drifts_left(), f"{address} to be made again", 40)
        self.daemon.converged(timeout=60)
        self.assert_told(known, (address, "", "missing", "critical"), *others)
        self.assertEqual(set(self.ids()), before)

    def approve_all(self) -> None:
        """Say yes to whatever waits for it, as an operator would after reading it."""
        for entry in self.daemon.platform()["blocked"]:
            if "approv" in entry["why"]:
                with contextlib.suppress(VarlinkError):  # done meanwhile
                    self.daemon.call("Approve", address=entry["address"])

    def switched_off(self, gone: set[str], changed: Iterable[str] = (), **parameters: bool) -> None:
        """A part is switched off: it goes, once that is approved. Besides removals only the operations of `changed` happen,
        and all that stays is the same thing as before."""
        before, mark = self.ids(), self.cloud.mark()
        self.document["parameters"].update(parameters)
        self.offer(self.document)
        wait_for(lambda: any("approv" in entry["why"] for entry in self.daemon.platform()["blocked"]), "the question", 20)
        self.assertEqual([name for name in self.writes(mark) if name not in changed], [], "nothing is removed unasked")

        def is_gone() -> bool:
            self.approve_all()
            return not gone & set(self.ids())

        wait_for(is_gone, f"{sorted(gone)} to be removed", 60, every=0.2)
        self.daemon.converged(timeout=60)
        self.assertEqual(self.ids(), {address: id_ for address, id_ in before.items() if address not in gone})
        others = [name for name in self.writes(mark) if name not in changed and not name.partition(".")[2].startswith(REMOVALS)]
        self.assertEqual(others, [], "nothing else was touched")
        self.assert_quiet()


class WholeTest(Platform):
    """One platform for all tests of a class."""

    parameters: dict[str, Any] = {}

    @classmethod
    def setUpClass(cls) -> None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = quick_sandbox()
        cls.oracle = Oracle(cls.cloud)
        cls.cloud.reset()
        cls.document = whole(**cls.parameters)
        cls.daemon = whole_daemon(cls.cloud, cls.document)
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.start()
        cls.arrive()

    @classmethod
    def arrive(cls) -> None:
        """Wait until the platform is up."""
        cls.daemon.converged(timeout=120)
        cls.daemon.check()  # everything was seen: what goes missing now did not just fail to appear yet

    def tearDown(self) -> None:
        self.cloud.clear_faults()
        self.daemon.check_stderr()
