"""What the scenario tests of single kinds share: somebody changes things by hand, round by round; the daemon finds, tells and heals."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .daemon import Daemon, wait_for
from .scenario import ScenarioTest

Change = tuple[str, str, str, Callable[[], Any]]  # field, kind of drift, severity, what somebody does


class KindTest(ScenarioTest):
    maxDiff = None

    def heals(self, platform: dict[str, Any], address: str, snapshot: Callable[[], Any], rounds: list[list[Change]]) -> Daemon:
        """Every change of every round is told once with its severity, and healed; nothing else drifts."""
        daemon = self.running(platform)
        before = snapshot()
        told: list[tuple[str, str, str]] = []
        for changes in rounds:
            for *_, act in changes:
                act()
            told += [change[:3] for change in changes]
            for _ in range(3):
                daemon.check()
            wait_for(lambda: not daemon.drifts(), "the drift to be healed", 40)
            episodes = daemon.drifts(everything=True)
            self.assertEqual(sorted((d["field"], d["kind"], d["severity"]) for d in episodes if d["address"] == address), sorted(told))
            self.assertEqual({d["address"] for d in episodes}, {address}, "nothing else drifted")
            self.assertEqual(snapshot(), before)
        for event in ("drift", "resolved"):
            self.assertEqual(sorted(e.get("mlopsd_field", "") for e in daemon.events(event, address)), sorted(t[0] for t in told))
        mark = self.cloud.mark()
        daemon.check()
        self.assert_no_write(mark)
        return daemon

    def undeclared_is_deleted(self, daemon: Daemon, platform: dict[str, Any], *addresses: str) -> None:
        """Take them out of the file: they go."""
        for address in addresses:
            del platform["resources"][address]
        daemon.write_platform(platform)
        daemon.reload()

        def gone() -> bool:
            daemon.check()
            known = {r["address"] for r in daemon.call("Status")["platforms"][0].get("blocked", [])}
            listed = {r["address"] for r in daemon.call("StateList")["resources"]}
            return not known & set(addresses) and not listed & set(addresses)

        wait_for(gone, f"{addresses} to be deleted", 40)
