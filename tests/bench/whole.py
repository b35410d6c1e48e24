"""The whole platform of the installed example, brought up against a sandbox and watched."""
from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections import Counter
from typing import Any

from lib.daemon import Daemon
from lib.sandbox import TREE, Sandbox
from lib.varlink import Closed

from critical import Graph, call_seconds
from process import cpu_seconds, forget_peak, memory

NAME = "abalone-mlops"
RECENT_S = 16.5  # for 15 s after a write the daemon reads what it wrote in the strongly consistent way, with more calls
EFFORT = re.compile(r": ([a-z_]+\.[^ ]+): create ended after (\d+) calls")


ONCE = "DescribeDBInstances"  # asked once in each pass


def paced(more: str = "") -> str:
    """The installed example; the sandbox's GitHub does not mind quick writes."""
    example = (TREE / "etc" / "platforms.d" / f"{NAME}.yaml").read_text()
    return more + example.replace("\ngithub:\n", "\ngithub:\n  write_interval: 50ms\n")


def environment_of_the_unit() -> dict[str, str | None]:
    """What the service manager sets for it."""
    unit = (TREE / "systemd" / "mlopsd.service.in").read_text()
    return dict(line.split("=", 1) for line in re.findall(r"(?m)^Environment=(.*)$", unit))


class Whole:
    """One daemon with the platform; the clock runs from the moment the program is started."""

    def __init__(self, cloud: Sandbox) -> None:
        self.cloud = cloud
        self.daemon = Daemon(cloud, poll_interval="1h", config={"log": {"level": "debug"}}, environment=environment_of_the_unit())
        shutil.copytree(TREE / "etc" / "blueprints", self.daemon.folder / "blueprints")
        self.daemon.write_platform(paced(), NAME)
        self.begun: dict[str, float] = {}
        self.over = threading.Event()
        self.wall = 0.0

    def warm(self) -> None:
        """Let moto import what it imports at the first call of each service: no cloud does that."""
        self.daemon.once("--plan")

    def provision(self, timeout: float) -> None:
        """Start the daemon on the empty account and wait until it has told that all is as wanted."""
        self.start = time.monotonic()
        self.daemon.start()
        self.connection = self.daemon.connect(timeout)
        threading.Thread(target=self._watch, daemon=True).start()
        if not self.over.wait(timeout):
            blocked = self.daemon.platform()["blocked"]
            raise RuntimeError(f"not there after {timeout:g} s: {json.dumps(blocked, indent=1)}\n{self.daemon.stderr()[-2000:]}")

    def _watch(self) -> None:
        try:
            for reply in self.connection.stream("Watch"):
                now, event = time.monotonic() - self.start, reply["event"]
                if event["event"] == "start":
                    self.begun.setdefault(event["address"], now)
                if event["event"] == "converged":
                    self.wall = now
                    self.over.set()
                    return
        except Closed:
            pass

    def used(self) -> dict[str, float]:
        pid = self.daemon.process.pid if self.daemon.process else 0
        return {"cpu_s": cpu_seconds(pid), "peak_kib": memory(pid)["VmHWM"], "resident_kib": memory(pid)["VmRSS"]}

    def graph(self, latency_ms: float, time_scale: float) -> Graph:
        resources = [r["address"] for r in self.daemon.call("StateList")["resources"]]
        shown = {address: self.daemon.call("StateShow", platform=NAME, address=address) for address in resources}
        return Graph({address: one["needs"] for address, one in shown.items()},
                     {address: _kind(one) for address, one in shown.items()},
                     {address: int(calls) for address, calls in EFFORT.findall(self.daemon.stderr())},
                     call_seconds(self.cloud.log(), latency_ms), self.cloud.control("GET", "/durations"), time_scale)

    # ---- afterwards: passes with nothing to do ----

    def rest(self) -> None:
        time.sleep(RECENT_S)
        self.daemon.check()
        forget_peak(self._pid())

    def _pid(self) -> int:
        assert self.daemon.process
        return self.daemon.process.pid

    def one_pass(self) -> tuple[float, list[dict[str, Any]]]:
        """Wall time of a pass, and its calls."""
        mark, start = self.cloud.mark(), time.monotonic()
        self.daemon.check()
        return time.monotonic() - start, self.cloud.log(mark)

    def cpu_per_pass(self, passes: int) -> float:
        before = cpu_seconds(self._pid())
        for _ in range(passes):
            self.daemon.check()
        return (cpu_seconds(self._pid()) - before) / passes


    def by_timer(self, passes: int) -> dict[str, float]:
        """CPU and calls of a pass that nobody asked for: a second apart, what hardly ever changes in turn."""
        self.daemon.write_platform(paced("poll_interval: 1s\n"), NAME)
        self.daemon.call("Reload")
        time.sleep(5)
        mark, cpu = self.cloud.mark(), cpu_seconds(self._pid())
        time.sleep(passes * 1.2)
        used, log = cpu_seconds(self._pid()) - cpu, self.cloud.log(mark)
        made = sum(call["operation"] == ONCE for call in log)
        return {"passes": made, "calls": len(log) / made, "cpu_s": used / made}


def _kind(shown: dict[str, Any]) -> str:
    kind = shown["resource"]["type"]
    if kind != "kubernetes_manifest":
        return kind
    return f"{kind}/{json.loads(shown['desired'] or '{}').get('manifest', {}).get('kind')}"


def depth(calls: list[dict[str, Any]]) -> int:
    """Round trips: the most calls that came one after another's end."""
    count, end = 0, 0.0
    for begun, ended in sorted(((c["time"], c["time"] + (c["wait_ms"] + c["ms"]) / 1000) for c in calls), key=lambda pair: pair[1]):
        if begun >= end:
            count, end = count + 1, ended
    return count


def by_service(calls: list[dict[str, Any]]) -> dict[str, int]:
    return dict(Counter(call["service"] or call["server"] for call in calls).most_common())
