"""Starts ./mlops-sandbox for a test and stops it again.

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))   # the folder tests/
    from lib.sandbox import start_sandbox

    with start_sandbox(latency_ms=5) as cloud:
        iam = cloud.client("iam")
        cloud.fault(service="iam", operation="CreateRole", kind="reply-lost", times=1)
        subprocess.run([...], env={**os.environ, **cloud.environment()})
        writes = [r["operation"] for r in cloud.log() if r["write"]]

The process is found through $MLOPS_SANDBOX, else the script at the top of the tree. It ends with the test even when that is killed.
"""
from __future__ import annotations

import contextlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[2]
ACCESS_KEY, SECRET_KEY = "AKIASANDBOX", "sandbox-secret"
OTHER_ACCESS_KEY, OTHER_SECRET_KEY = "AKIAOTHERACCOUNT", "other-secret"
ACCOUNT, OTHER_ACCOUNT = "123456789012", "210987654321"
GITHUB_TOKEN = "ghp_sandbox"
REPOSITORY = "john-doe/mlops-project"


class ControlError(Exception):
    """The control URL refused."""


class Sandbox:
    """A running sandbox, seen from a test."""

    def __init__(self, urls: dict[str, Any], process: subprocess.Popen[str] | None = None) -> None:
        self.urls = urls
        self.process = process
        self.aws: str = urls["aws"]
        self.github: str = urls["github"]
        self.kubernetes: str | None = urls["kubernetes"]
        self.control_url: str = urls["control"]

    def environment(self, access_key: str = ACCESS_KEY, secret: str = SECRET_KEY, region: str = "us-east-1") -> dict[str, str]:
        """Variables that point an AWS or GitHub client here, and away from the user's own files."""
        return {"AWS_ENDPOINT_URL": self.aws, "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
                "GITHUB_API_URL": self.github, "GITHUB_TOKEN": GITHUB_TOKEN, "NO_PROXY": "127.0.0.1,localhost"}

    def client(self, service: str, *, access_key: str = ACCESS_KEY, secret: str = SECRET_KEY, token: str | None = None,
               region: str = "us-east-1", retries: int = 0, **config: Any) -> Any:
        """A boto3 client of this cloud; it does not retry unless told to."""
        import boto3
        from botocore.config import Config

        settings = {"retries": {"total_max_attempts": retries + 1}, "read_timeout": 30, **config}
        session = boto3.session.Session(access_key, secret, token, region)
        return session.client(service, endpoint_url=self.aws, config=Config(**settings))

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control URL, see sandbox/README.md."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control_url + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ControlError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """Records of the calls made so far."""
        return self.control("GET", f"/log?since={since}")["records"]

    def mark(self) -> int:
        """A position in the log, for `log(since=...)`."""
        return self.control("GET", "/log?since=999999999")["last"]

    def counters(self) -> dict[str, Any]:
        return self.control("GET", "/counters")

    def fault(self, **rule: Any) -> int:
        """Add one fault rule; returns its id."""
        return self.control("POST", "/faults", rule)["faults"][0]["id"]

    def clear_faults(self) -> None:
        self.control("DELETE", "/faults")

    def reset(self) -> None:
        """A fresh cloud."""
        self.control("POST", "/reset", {})

    def github_secrets(self, repository: str = REPOSITORY) -> dict[str, str]:
        """Plaintexts of the repository's Actions secrets, as the sandbox opened them."""
        secrets = self.control("GET", f"/github/secrets?repository={repository}")["secrets"]
        return {name: secret["value"] for name, secret in secrets.items()}

    def overwrite_github_secret(self, name: str, value: str, repository: str = REPOSITORY) -> None:
        """Write a secret as someone else would."""
        self.control("POST", "/github/secret", {"repository": repository, "name": name, "value": value})


def script() -> str:
    """Path of the program to start."""
    return os.environ.get("MLOPS_SANDBOX") or str(TREE / "mlops-sandbox")


@contextlib.contextmanager
def start_sandbox(*, port: int = 0, latency_ms: float = 0, time_scale: float = 1, verify: bool = True, verbose: bool = False,
                  arguments: tuple[str, ...] = ()) -> Iterator[Sandbox]:
    """Start a sandbox of one's own and yield it; it is gone afterwards."""
    command = [script(), "--listen", f"127.0.0.1:{port}", "--until-eof", "--latency-ms", str(latency_ms),
               "--time-scale", str(time_scale), *arguments]
    command += [] if verify else ["--no-verify"]
    command += ["--verbose"] if verbose else []
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"{command[0]} did not start, exit status {process.wait(10)}")
        yield Sandbox(json.loads(line), process)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
