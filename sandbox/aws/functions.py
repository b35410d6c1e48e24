"""Runs Lambda functions: Python code from its zip, in a process of its own, with the sandbox as its AWS and its GitHub.

Every invocation is asynchronous, in a thread that holds no lock, since the code calls the sandbox over HTTP. As AWS does with asynchronous
calls, a failure is tried again twice. What became of each attempt is shown at the control URL.
"""
from __future__ import annotations

import io
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..control import Handler
from ..world import AccessKey, World

CHILD = Path(__file__).with_name("lambda_child.py")
ATTEMPTS = 3
LOG_TAIL = 4096


@dataclass
class Invocation:
    """One attempt."""

    function: str
    arn: str
    rule: str
    event: dict[str, Any]
    time: float
    attempt: int = 1
    status: str = "running"  # running | succeeded | failed | timed-out | refused
    error: str = ""
    result: Any = None
    log: str = ""


@dataclass
class Job:
    """What is to be run; taken from the function when the event happened."""

    name: str
    arn: str
    rule: str
    event: dict[str, Any]
    account: str
    region: str
    handler: str
    runtime: str
    timeout: float
    code: bytes
    variables: dict[str, str]


class Functions:
    """All invocations of this cloud. A reset forgets them, and what they would still do counts for nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._invocations: list[Invocation] = []
        self._stop = threading.Event()
        self.urls: dict[str, Any] = {}  # of the sandbox: "aws", "github"

    def reset(self) -> None:
        with self._lock:
            self._stop.set()  # those that wait for their next attempt
            self._stop, self._invocations = threading.Event(), []

    def control_routes(self) -> dict[tuple[str, str], Handler]:
        return {("GET", "/lambda/invocations"): lambda query, body: {"invocations": self._show()}}

    def _show(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(invocation) for invocation in self._invocations]

    def refuse(self, arn: str, rule: str, event: dict[str, Any], why: str) -> None:
        """Record a delivery that never reached the function."""
        self._begin(Invocation(arn.split(":")[6], arn, rule, event, self._world.clock.now(), status="refused", error=why))

    def start(self, job: Job) -> None:
        threading.Thread(target=self._attempts, args=(job, self._stop), daemon=True).start()

    def _begin(self, invocation: Invocation) -> Invocation:
        with self._lock:
            self._invocations.append(invocation)
        return invocation

    def _attempts(self, job: Job, stop: threading.Event) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            invocation = self._begin(Invocation(job.name, job.arn, job.rule, job.event, self._world.clock.now(), attempt))
            if self._run(job, invocation) or stop.wait(attempt * self._world.lifecycle.seconds("lambda.function.retry")):
                return

    def _run(self, job: Job, invocation: Invocation) -> bool:
        """One attempt; whether it succeeded."""
        key = AccessKey(f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), job.account, secrets.token_hex(32))
        self._world.keys[key.access_key] = key
        try:
            with tempfile.TemporaryDirectory(prefix="mlops-sandbox-lambda-") as folder:
                answer, log, status = self._process(job, key, Path(folder))
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            answer, log, status = {"error": f"{type(error).__name__}: {error}"}, "", "failed"
        finally:
            self._world.keys.pop(key.access_key, None)
        with self._lock:
            invocation.log, invocation.result, invocation.error = log[-LOG_TAIL:], answer.get("result"), answer.get("error", "")
            invocation.status = status or ("failed" if invocation.error else "succeeded")
        return invocation.status == "succeeded"

    def _process(self, job: Job, key: AccessKey, folder: Path) -> tuple[dict[str, Any], str, str]:
        """The answer, the log, and a status where the answer does not tell."""
        if not job.runtime.startswith("python"):
            raise ValueError(f"runtime {job.runtime}: the sandbox runs Python only")
        code, answer_file = folder / "task", folder / "answer.json"
        with zipfile.ZipFile(io.BytesIO(job.code)) as archive:
            archive.extractall(code)
        command = [sys.executable, str(CHILD), str(code), job.handler, job.arn, str(answer_file)]
        try:
            done = subprocess.run(command, input=json.dumps(job.event), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace", cwd=code, env=self._environment(job, key, code), timeout=job.timeout, check=False)
        except subprocess.TimeoutExpired as late:
            log = late.stdout.decode("utf-8", "replace") if isinstance(late.stdout, bytes) else late.stdout or ""
            return {"error": f"Task timed out after {job.timeout:.2f} seconds"}, log, "timed-out"
        if not answer_file.exists():
            return {"error": f"Runtime exited with {done.returncode} without a result"}, done.stdout, "failed"
        return json.loads(answer_file.read_text(encoding="utf-8")), done.stdout, ""

    def _environment(self, job: Job, key: AccessKey, code: Path) -> dict[str, str]:
        """The function's own variables; but whatever they say, nothing leaves this machine."""
        return {**job.variables, "PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1",
                "AWS_ACCESS_KEY_ID": key.access_key, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_SESSION_TOKEN": key.session_token,
                "AWS_REGION": job.region, "AWS_DEFAULT_REGION": job.region, "AWS_LAMBDA_FUNCTION_NAME": job.name, "_HANDLER": job.handler,
                "LAMBDA_TASK_ROOT": str(code), "AWS_ENDPOINT_URL": self.urls["aws"], "GITHUB_API_URL": self.urls["github"],
                "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
