"""What the sandbox's own tests share: one sandbox per test class, raw HTTP, GitHub calls."""
from __future__ import annotations

import base64
import http.client
import json
import sys
import unittest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TREE = Path(__file__).resolve().parents[2]
for folder in (TREE / "tests", TREE):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from lib.sandbox import GITHUB_TOKEN, REPOSITORY, Sandbox, start_sandbox  # noqa: E402

from sandbox import sodium  # noqa: E402

R = f"/repos/{REPOSITORY}"


class Answer:
    """One HTTP answer, read whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(url: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """One request on a connection of its own, with exactly these headers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        connection.putrequest(method, path, skip_host="Host" in (headers or {}), skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        return Answer(connection.getresponse())
    finally:
        connection.close()


class SandboxTest(unittest.TestCase):
    """A test class with a sandbox of its own; each test starts with a fresh cloud."""

    options: dict[str, Any] = {}
    cloud: Sandbox

    @classmethod
    def setUpClass(cls) -> None:
        cls.cloud = cls.enterClassContext(start_sandbox(**cls.options))

    def setUp(self) -> None:
        self.cloud.reset()

    def refused(self, code: str, function: Any, **arguments: Any) -> Any:
        """Call a boto3 method and expect this error code; returns the error answer."""
        from botocore.exceptions import ClientError

        with self.assertRaises(ClientError) as caught:
            function(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code, caught.exception)
        return caught.exception.response


class GithubTest(SandboxTest):
    """Adds the headers every GitHub call needs."""

    def github(self, method: str, path: str, body: Any = None, *, token: str | None = GITHUB_TOKEN, **headers: str | None) -> Answer:
        """Keyword headers replace or, when None, remove the usual ones: User_Agent=None."""
        usual: dict[str, str | None] = {
            "User-Agent": "test/1", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
            "Authorization": f"Bearer {token}" if token else None}
        usual |= {name.replace("_", "-"): value for name, value in headers.items()}
        return call(self.cloud.github, method, path, body, {name: value for name, value in usual.items() if value is not None})

    def seal(self, value: bytes, path: str = R) -> dict[str, str]:
        """The body of a PUT."""
        key = self.github("GET", f"{path}/actions/secrets/public-key").json
        box = sodium.seal(value, base64.b64decode(key["key"]))
        return {"encrypted_value": base64.b64encode(box).decode(), "key_id": key["key_id"]}

    def put(self, name: str, value: bytes = b"value", path: str = R) -> Answer:
        return self.github("PUT", f"{path}/actions/secrets/{name}", self.seal(value, path))
