#!/usr/bin/env python3
"""The Lambda handler against a GitHub and a Secrets Manager of a few lines: what it starts, what it refuses, what it logs."""
from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import sys
import threading
import types
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

HANDLER = Path(__file__).resolve().parents[2] / "etc/blueprints/lambda/deploy_trigger.py"
TOKEN = "ghp_verysecret"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/abalone/3"
WORKFLOW = "/repos/john-doe/mlops-project/actions/workflows/deploy.yaml"


class Github(BaseHTTPRequestHandler):
    """Answers from the server's script, requests into its list."""

    def _serve(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.requests.append((self.command, self.path, self.headers["Authorization"], json.loads(body) if body else None))
        status, document = server.answers[self.command]
        text = json.dumps(document).encode() if document is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _serve

    def log_message(self, format: str, *args: Any) -> None:
        pass


def load(secret: dict[str, Any]) -> Any:
    """The handler's module, with a boto3 that knows one secret."""
    client = types.SimpleNamespace(get_secret_value=lambda SecretId: secret)
    spec = importlib.util.spec_from_file_location("deploy_trigger", HANDLER)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, {"boto3": types.SimpleNamespace(client=lambda service: client)}):
        spec.loader.exec_module(module)
    return module


def event(**detail: Any) -> dict[str, Any]:
    return {"version": "0", "id": "e-1", "detail-type": "SageMaker Model Package State Change", "source": "aws.sagemaker",
            "account": "123456789012", "time": "2026-11-22T17:00:00Z", "region": "us-east-1", "resources": [ARN],
            "detail": {"ModelPackageGroupName": "abalone", "ModelPackageVersion": 3, "ModelPackageArn": ARN,
                       "ModelPackageStatus": "Completed", "ModelApprovalStatus": "Approved", **detail}}


class Handler(unittest.TestCase):
    def setUp(self) -> None:
        self.server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Github)
        self.server.requests, self.server.answers = [], {"GET": (200, {"workflow_runs": []}), "POST": (204, None)}
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        variables = {"GITHUB_TOKEN_SECRET_ARN": "arn", "GITHUB_REPOSITORY": "john-doe/mlops-project", "GITHUB_WORKFLOW": "deploy.yaml",
                     "GITHUB_API_URL": f"http://127.0.0.1:{self.server.server_port}"}
        patch = mock.patch.dict(os.environ, variables)
        patch.start()
        self.addCleanup(patch.stop)
        os.environ.pop("GITHUB_REF", None)
        self.said = io.StringIO()

    def run_handler(self, what: dict[str, Any] | None = None, secret: str = TOKEN) -> Any:
        module = load({"SecretString": secret})
        with contextlib.redirect_stdout(self.said), contextlib.redirect_stderr(self.said):
            return module.handler(event() if what is None else what, None)

    def fails(self, *words: str, what: dict[str, Any] | None = None, secret: str = TOKEN) -> None:
        with self.assertRaises(Exception) as caught:
            self.run_handler(what, secret)
        for word in words:
            self.assertIn(word, str(caught.exception))
        self.assertNotIn(TOKEN, str(caught.exception) + self.said.getvalue())

    def posts(self) -> list[Any]:
        return [body for method, _, _, body in self.server.requests if method == "POST"]

    def test_an_approval_starts_the_workflow(self) -> None:
        answer = self.run_handler()
        inputs = {"model_package_arn": ARN, "model_package_group": "abalone", "model_package_version": "3", "dispatch_id": "e-1"}
        self.assertEqual(answer, {"dispatched": True, **inputs})
        self.assertEqual(self.server.requests, [
            ("GET", f"{WORKFLOW}/runs?event=workflow_dispatch&per_page=100", f"Bearer {TOKEN}", None),
            ("POST", f"{WORKFLOW}/dispatches", f"Bearer {TOKEN}", {"ref": "main", "inputs": inputs})])
        self.assertIn(ARN, self.said.getvalue())
        self.assertNotIn(TOKEN, self.said.getvalue())

    def test_the_token_may_be_a_member(self) -> None:
        self.run_handler(secret=json.dumps({"token": TOKEN}))
        self.assertEqual(self.server.requests[0][2], f"Bearer {TOKEN}")

    def test_another_ref(self) -> None:
        os.environ["GITHUB_REF"] = "release"
        self.run_handler()
        self.assertEqual(self.posts()[0]["ref"], "release")

    def test_the_same_event_starts_once(self) -> None:
        self.server.answers["GET"] = (200, {"workflow_runs": [{"display_title": "Deploy abalone (e-1)"}]})
        self.assertFalse(self.run_handler()["dispatched"])
        self.assertEqual(self.posts(), [])

    def test_what_is_no_approval_is_left_alone(self) -> None:
        for detail in ({"ModelApprovalStatus": "Rejected"}, {"ModelApprovalStatus": "PendingManualApproval"},
                       {"ModelPackageStatus": "Failed"}):
            with self.subTest(detail):
                self.assertFalse(self.run_handler(event(**detail))["dispatched"])
        self.assertEqual(self.server.requests, [])

    def test_failures_are_loud_and_tell_no_token(self) -> None:
        self.server.answers["POST"] = (422, {"message": f"no such input; you sent {TOKEN}"})
        self.fails("422", "no such input", "dispatches")
        self.server.answers["GET"] = (401, {"message": "Bad credentials"})
        self.fails("401", "Bad credentials")
        self.fails("holds no token", secret='{"other": "x"}')
        self.fails("should not send", what={**event(), "source": "mine"})
        self.server.shutdown()
        self.server.server_close()
        self.fails("GitHub")

    def test_a_setting_that_is_missing_is_named(self) -> None:
        for name in ("GITHUB_REPOSITORY", "GITHUB_WORKFLOW", "GITHUB_TOKEN_SECRET_ARN"):
            with self.subTest(name), mock.patch.dict(os.environ):
                del os.environ[name]
                self.fails(name)
        self.assertEqual(self.posts(), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])  # run_check hands over a tool, of which there is none
