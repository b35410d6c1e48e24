#!/usr/bin/env python3
"""The figures of the whole platform, against the sandbox: provisioning, a pass with nothing to do, and yardsticks beside it.

    tests/bench/run.py [--runs N] [--latency-ms N] [--time-scale N] [--passes N] [--json FILE] [--no-terraform]

Whole-process figures of the build in $MLOPSD_BUILD (a release build); nothing here asserts a time. What each figure means and what
is subtracted: docs/figures.md. `./quickstart bench` installs, builds and runs it.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from lib.daemon import missing  # noqa: E402
from lib.sandbox import Sandbox, start_sandbox  # noqa: E402

import table  # noqa: E402
from bare import exchanges  # noqa: E402
from critical import critical_path  # noqa: E402
from readers import reads_of  # noqa: E402
from terraform import terraform_plan  # noqa: E402
from whole import Whole, by_service, depth  # noqa: E402

Figures = dict[str, Any]
READERS = Path(__file__).with_name("readers.py")
WALL_PASSES = 3


def provision(whole: Whole, options: argparse.Namespace) -> Figures:
    """From an empty account to all as wanted."""
    whole.warm()
    whole.cloud.control("DELETE", "/log")
    whole.provision(options.timeout)
    used, log = whole.used(), whole.cloud.log()
    graph = whole.graph(options.latency_ms, options.time_scale)
    chain = critical_path(graph, whole.begun)
    return {"wall_s": whole.wall, "critical_s": chain[-1].ready, "ratio": whole.wall / chain[-1].ready, "resources": len(graph.needs),
            "reads": sum(not r["write"] for r in log), "writes": sum(r["write"] for r in log), **used, "load": os.getloadavg()[0],
            "first_start_s": min(whole.begun.values()), "call_ms": {server: s * 1000 for server, s in graph.call_s.items()},
            "path": [vars(link) for link in chain], "not_counted": graph.not_counted()}


def quiet(whole: Whole, options: argparse.Namespace) -> tuple[Figures, list[dict[str, Any]]]:
    """Passes with nothing to do: wall time with the latency, CPU without it."""
    whole.rest()
    timed = [whole.one_pass() for _ in range(WALL_PASSES)]
    calls = sorted((one[1] for one in timed), key=len)[WALL_PASSES // 2]  # some reads take turns: not every pass makes as many
    whole.cloud.control("POST", "/latency", {"ms": 0})
    cpu = whole.cpu_per_pass(options.passes)
    used, timer = whole.used(), whole.by_timer(options.passes)
    return {"calls": len(calls), "by_timer": timer, "calls_each": [len(one[1]) for one in timed], "by_service": by_service(calls),
            "writes": sum(c["write"] for c in calls), "depth": depth(calls), "wall_s": min(one[0] for one in timed),
            "cpu_s": cpu, "peak_kib": used["peak_kib"], "resident_kib": used["resident_kib"],
            "load": os.getloadavg()[0]}, calls


def boto_loop(cloud: Sandbox, mode: str, reads: list[Any], passes: int, warm: int) -> Figures:
    """One process that reads what the daemon reads."""
    order = json.dumps({"mode": mode, "passes": passes, "warm": warm, "reads": reads})
    environment = {**os.environ, **cloud.environment()}
    run = subprocess.run([sys.executable, str(READERS)], input=order, capture_output=True, text=True, env=environment)
    if run.returncode:
        raise RuntimeError(f"the {mode} boto3 loop failed:\n{run.stderr[-3000:]}")
    return json.loads(run.stdout)


def yardsticks(cloud: Sandbox, calls: list[dict[str, Any]], options: argparse.Namespace) -> Figures:
    reads, unknown = reads_of(calls)
    fresh = boto_loop(cloud, "sequential", reads, 1, 0)
    pooled = boto_loop(cloud, "pooled", reads, options.passes, 2)
    bare = exchanges(cloud.environment(), reads, options.passes)
    return {"reads": len(reads), "left_out": unknown, "boto3_sequential": fresh, "boto3_pooled": pooled, "exchanges": bare}


def one_run(options: argparse.Namespace, last: bool) -> Figures:
    with start_sandbox(latency_ms=options.latency_ms, time_scale=options.time_scale) as cloud:
        whole = Whole(cloud)
        try:
            figures: Figures = {"provisioning": provision(whole, options)}
            if last:
                figures["quiet"], calls = quiet(whole, options)
                figures["yardsticks"] = yardsticks(cloud, calls, options)
            return figures
        finally:
            whole.daemon.close()


def measure(options: argparse.Namespace) -> Figures:
    begun = time.monotonic()
    runs = [one_run(options, last=number == options.runs) for number in range(1, options.runs + 1)]
    figures = runs[-1]
    figures["provisioning"] = min((run["provisioning"] for run in runs), key=lambda one: one["ratio"])
    figures["ratios"] = [run["provisioning"]["ratio"] for run in runs]
    pooled, ours = figures["yardsticks"]["boto3_pooled"], figures["quiet"]
    ours["of_boto3_pooled"] = ours["cpu_s"] / pooled["cpu_s"]
    ours["by_timer"]["of_boto3_pooled"] = ours["by_timer"]["cpu_s"] / pooled["cpu_s"]
    figures["terraform"] = terraform_plan() if options.terraform else {"skipped": "asked to leave it out"}
    figures["took_s"] = time.monotonic() - begun
    figures["options"] = {"latency_ms": options.latency_ms, "time_scale": options.time_scale, "passes": options.passes}
    figures["cpus"] = os.cpu_count()
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="provisionings; the best counts (%(default)s)")
    parser.add_argument("--latency-ms", type=float, default=50, help="of each call (%(default)s)")
    parser.add_argument("--time-scale", type=float, default=30, help="life-cycle states pass so much faster (%(default)s)")
    parser.add_argument("--passes", type=int, default=20, help="passes for CPU figures (%(default)s)")
    parser.add_argument("--timeout", type=float, default=180, help="seconds for one provisioning (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--no-terraform", dest="terraform", action="store_false", help="leave Terraform out")
    options = parser.parse_args()
    why = missing()
    if why:
        print(f"bench: {why}", file=sys.stderr)
        return 1
    figures = measure(options)
    print(table.text(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
