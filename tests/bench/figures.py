#!/usr/bin/env python3
"""The figures of the small platform (no network, cluster, database, studio): start, memory, first convergence, quiet pass.

    tests/bench/figures.py [--latency-ms N] [--passes N]

Whole-process figures of the release build against the sandbox; nothing here asserts a time.
Binaries: $MLOPSD_BUILD, else build/release.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))

from lib.sandbox import start_sandbox  # noqa: E402

from process import cpu_seconds, memory  # noqa: E402
from whole import paced  # noqa: E402

BUILD = Path(os.environ.get("MLOPSD_BUILD", TOP / "build" / "release"))
RECENT_S = 17  # for 15 s after a write the daemon reads what it wrote in the strongly consistent way, with more calls
SMALL = "".join(f"  with_{part}: false\n" for part in ("network", "cluster", "database", "studio", "automation", "mlflow"))


def make_files(work: Path, poll: str) -> Path:
    """The installed example, with a state directory of its own."""
    (work / "platforms.d").mkdir(parents=True)
    shutil.copytree(TOP / "etc" / "blueprints", work / "blueprints")
    (work / "platforms.d" / "abalone-mlops.yaml").write_text(paced().replace("\nparameters:\n", f"\nparameters:\n{SMALL}"))
    (work / "credentials").mkdir()
    (work / "credentials" / "github-token").write_text("ghp_sandbox")
    (work / "credentials" / "github-token").chmod(0o600)
    config = work / "mlopsd.yaml"
    config.write_text(f"state_dir: {work}/state\nsocket: {work}/mlopsd.sock\npoll_interval: {poll}\n")
    return config


def calls(sandbox) -> tuple[int, int]:
    totals = sandbox.counters()["totals"]
    return totals["reads"], totals["writes"]


def status(path: Path) -> dict:
    """io.mlopsd.Status."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b'{"method":"io.mlopsd.Status"}\0')
        data = b""
        while not data.endswith(b"\0"):
            data += client.recv(65536)
    return json.loads(data[:-1])["parameters"]["platforms"][0]


def first_convergence(sandbox, config: Path, environment: dict[str, str]) -> None:
    before = calls(sandbox)
    start = time.monotonic()
    run = subprocess.run([BUILD / "mlopsd", "--config", config, "--once"], env=environment, capture_output=True, text=True)
    wall = time.monotonic() - start
    after = calls(sandbox)
    usage = f"exit {run.returncode}"
    print(f"first convergence: {wall:.2f} s wall, {after[0] - before[0]} reads, {after[1] - before[1]} writes, {usage}")
    if run.returncode:
        print(run.stderr)


def serve(sandbox, config: Path, environment: dict[str, str], passes: int) -> None:
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify_path = config.parent / "notify"
    notify.bind(str(notify_path))
    start = time.monotonic()
    daemon = subprocess.Popen([BUILD / "mlopsd", "--config", config], env={**environment, "NOTIFY_SOCKET": str(notify_path)},
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while b"READY=1" not in notify.recv(4096):
            pass
        print(f"start to READY: {(time.monotonic() - start) * 1000:.1f} ms")
        sock = config.parent / "mlopsd.sock"
        while not status(sock)["converged"]:
            time.sleep(0.1)
        time.sleep(RECENT_S)
        before, cpu, seen = calls(sandbox), cpu_seconds(daemon.pid), status(sock)["last_pass"]
        done = 0
        while done < passes:
            time.sleep(0.05)
            now = status(sock)
            if now["last_pass"] != seen:
                seen, done = now["last_pass"], done + 1
        after = calls(sandbox)
        print(f"quiet pass: {(after[0] - before[0]) / passes:.1f} reads, {(after[1] - before[1]) / passes:.1f} writes, "
              f"{(cpu_seconds(daemon.pid) - cpu) / passes * 1000:.1f} ms CPU with {passes} passes and status calls")
        time.sleep(1)
        print("memory after it (KiB):", memory(daemon.pid))
    finally:
        daemon.terminate()
        start = time.monotonic()
        daemon.wait(10)
        print(f"stop: {(time.monotonic() - start) * 1000:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--passes", type=int, default=5)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="mlopsd-bench."))
    try:
        with start_sandbox(latency_ms=options.latency_ms) as sandbox:
            config = make_files(work, "2s")
            environment = {**os.environ, **sandbox.environment(), "CREDENTIALS_DIRECTORY": str(work / "credentials")}
            environment.pop("AWS_CA_BUNDLE", None)
            first_convergence(sandbox, config, environment)
            serve(sandbox, config, environment, options.passes)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
