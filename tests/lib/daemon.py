"""Starts mlopsd for a test with folders of its own, asks it things, and stops it again.

The programs are found in $MLOPSD_BUILD, else at the top of the tree. A sanitizer's report on stderr is a failure:
`Daemon.check_stderr` is called whenever the process has ended, and at the end of the test at the latest.
"""
from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from .sandbox import TREE, Sandbox
from .varlink import Varlink

SANITIZER = re.compile(r"ERROR: (Address|Leak|Memory|Thread)Sanitizer|runtime error:|Assertion .* failed")
READY = "is ready:"
T = TypeVar("T")


def build_folder() -> Path:
    return Path(os.environ.get("MLOPSD_BUILD") or TREE)


def program(name: str) -> Path | None:
    """The path of mlopsd or mlopsctl, or None when it was not built."""
    path = build_folder() / name
    return path if os.access(path, os.X_OK) else None


def missing() -> str | None:
    """Why the scenario tests can not run here, or None."""
    if program("mlopsd") is None:
        return f"no mlopsd in {build_folder()}: build it, or set MLOPSD_BUILD"
    try:
        import boto3  # noqa: F401
        import moto  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed: pip install -r sandbox/requirements.txt"
    return None


def wait_for(predicate: Callable[[], T], what: str, timeout: float = 20, every: float = 0.05) -> T:
    """Poll until the predicate is true; its value. AssertionError with what was waited for."""
    end = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(every)


class Daemon:
    """One mlopsd with its folders: mlopsd.yaml, platforms.d/, state/, run/, credentials/ and stderr logs."""

    def __init__(self, cloud: Sandbox, *, poll_interval: str = "1h", config: dict[str, Any] | None = None,
                 environment: dict[str, str | None] | None = None) -> None:
        self.cloud = cloud
        self.folder = Path(tempfile.mkdtemp(prefix="mlopsd-"))  # short: a socket path has 107 bytes
        self.state, self.run = self.folder / "state", self.folder / "run"
        self.platforms, self.credentials = self.folder / "platforms.d", self.folder / "credentials"
        for folder in (self.state, self.run, self.platforms, self.credentials):
            folder.mkdir()
        self.folder.chmod(0o755)
        self.run.chmod(0o755)
        self.config_file = self.folder / "mlopsd.yaml"
        self.socket = str(self.run / "mlopsd.sock")
        self.config = {"state_dir": str(self.state), "socket": self.socket, "poll_interval": poll_interval, **(config or {})}
        self.config_file.write_text(json.dumps(self.config, indent=1))
        token = self.credentials / "github-token"
        token.write_text("ghp_sandbox\n")
        token.chmod(0o600)
        self.changes = environment or {}
        self.process: subprocess.Popen[bytes] | None = None
        self.output_number = 0
        self.stderr_files: list[Path] = []

    # ---- files ----

    def platform_file(self, name: str) -> Path:
        return self.platforms / f"{name}.yaml"

    def write_platform(self, document: dict[str, Any] | str, name: str | None = None) -> Path:
        """Write a platform file: a text, or a document, which becomes JSON: that is YAML too."""
        if isinstance(document, str):
            name, text = name or "small", document
        else:
            name, text = name or document["platform"], json.dumps(document, indent=1) + "\n"
        path = self.platform_file(name)
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(path)
        return path

    # ---- the process ----

    def environment(self) -> dict[str, str]:
        base = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.folder), "TZ": "UTC",
                "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=0",
                "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=0",
                "CREDENTIALS_DIRECTORY": str(self.credentials), **self.cloud.environment()}
        del base["GITHUB_TOKEN"]  # a platform file names where its token comes from
        for name, value in self.changes.items():
            if value is None:
                base.pop(name, None)
            else:
                base[name] = value
        return base

    def command(self, *arguments: str) -> list[str]:
        path = program("mlopsd")
        assert path, "mlopsd was not built"
        return [str(path), "--config", str(self.config_file), *arguments]

    def _stderr(self) -> Path:
        self.output_number += 1
        path = self.folder / f"stderr.{self.output_number}"
        self.stderr_files.append(path)
        return path

    def start(self, *arguments: str, ready: bool = True, log_format: str = "json") -> Daemon:
        """Start it in the background; with `ready`, wait until it serves its socket."""
        assert not self.alive(), "it runs already"
        path = self._stderr()
        with path.open("wb") as stderr:
            self.process = subprocess.Popen(self.command("--log-format", log_format, *arguments), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=stderr, env=self.environment())
        if ready:
            wait_for(lambda: READY in self.stderr() or not self.alive(), "mlopsd to be ready")
            if not self.alive():
                raise AssertionError(f"mlopsd ended with {self.process.returncode}:\n{self.stderr()}")
        return self

    def once(self, *arguments: str, log_format: str = "json", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run `mlopsd --once` to its end."""
        path = self._stderr()
        with path.open("wb") as stderr:
            result = subprocess.run(self.command("--once", "--log-format", log_format, *arguments), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=stderr, env=self.environment(), timeout=timeout)
        self.check_stderr()
        return subprocess.CompletedProcess(result.args, result.returncode, result.stdout.decode(), path.read_text(errors="replace"))

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait(self, timeout: float = 10) -> int:
        """Wait for its end; the exit status."""
        assert self.process
        status = self.process.wait(timeout)
        self.check_stderr()
        return status

    def stop(self, timeout: float = 10) -> int:
        """SIGTERM, and its exit status."""
        assert self.process
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        """kill -9."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def reload(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        """The end of a test: stop, check, remove the folders."""
        try:
            if self.alive():
                try:
                    self.stop()
                except subprocess.TimeoutExpired:
                    self.kill()
                    raise AssertionError(f"mlopsd did not stop within 10 s of SIGTERM:\n{self.stderr()[-3000:]}") from None
            self.check_stderr()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what it said ----

    def stderr(self) -> str:
        """All it has written since its last start."""
        return self.stderr_files[-1].read_text(errors="replace") if self.stderr_files else ""

    def all_stderr(self) -> str:
        """The same of every start so far."""
        return "".join(path.read_text(errors="replace") for path in self.stderr_files)

    def check_stderr(self) -> None:
        """Sanitizer reports fail the test that met them."""
        text = self.all_stderr()
        if SANITIZER.search(text):
            raise AssertionError(f"a sanitizer or an assertion reported:\n{text[-6000:]}")

    def log(self, *, every_start: bool = True) -> list[dict[str, Any]]:
        """Log lines as objects (of a --log-format=json run); others are left out."""
        return list(json_lines((self.all_stderr() if every_start else self.stderr()).splitlines()))

    def events(self, event: str, address: str | None = None, field: str | None = None) -> list[dict[str, Any]]:
        """Entries of one event type in the log of all starts, in order."""
        return [line for line in self.log() if line.get("mlopsd_event") == event
                and (address is None or line.get("mlopsd_resource") == address)
                and (field is None or line.get("mlopsd_field", "") == field)]

    # ---- the control socket ----

    def connect(self, timeout: float = 20) -> Varlink:
        return Varlink(self.socket, timeout)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One call on a connection of its own."""
        with self.connect() as connection:
            return connection.call(method, parameters)

    def platform(self, name: str | None = None) -> dict[str, Any]:
        """The platform as Status shows it."""
        for platform in self.call("Status")["platforms"]:
            if name in (None, platform["name"]):
                return platform
        raise AssertionError(f"Status knows no platform {name}")

    def converged(self, name: str | None = None, timeout: float = 20) -> dict[str, Any]:
        """Wait until the platform is as wanted."""
        def is_converged() -> dict[str, Any] | None:
            platform = self.platform(name)
            return platform if platform["converged"] else None

        try:
            return wait_for(is_converged, "convergence", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {json.dumps(self.call('Status'), indent=1)}\n{self.stderr()[-4000:]}") from None

    def blocked(self) -> dict[str, str]:
        """What is not ready, and why."""
        return {r["address"]: f'{r["status"]}: {r.get("why")}' for r in self.call("StateList")["resources"] if r["status"] != "ready"}

    def check(self, **parameters: Any) -> dict[str, dict[str, Any]]:
        """Look (and heal) now; resources by address."""
        return {resource["address"]: resource for resource in self.call("Check", **parameters)["resources"]}

    def drifts(self, *, everything: bool = False) -> list[dict[str, Any]]:
        return self.call("Drift", all=everything)["drifts"]

    def plan(self) -> list[dict[str, Any]]:
        return self.call("Plan")["platforms"]


def json_lines(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue  # the last line may be half written
