"""A function with its code and its permissions: the package is made from a folder, drift of every field is found and healed."""
from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.kinds import KindTest  # noqa: E402
from lib.scenario import ACCOUNT, head  # noqa: E402

FUNCTION, NAME = "aws_lambda_function.deploy", "deploy"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{NAME}"
RULE_ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/approved"
SOURCE = "def handler(event, context):\n    return {'ok': True}\n"


def archive(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        zipped.writestr("index.py", text)
    return content.getvalue()


class Function(KindTest):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = Path(folder.name)
        (self.source / "index.py").write_text(SOURCE)

    def platform(self) -> dict[str, Any]:
        document = head()
        document["resources"] = {
            "aws_iam_role.deploy": {"name": "deploy", "assume_role_policy": {"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}},
            FUNCTION: {"function_name": NAME, "role": "${aws_iam_role.deploy.arn}", "source_dir": str(self.source),
                       "handler": "index.handler", "runtime": "python3.12", "description": "deploys", "timeout": 30,
                       "memory_size": 256, "environment": {"variables": {"STAGE": "prod"}}, "tracing_config": {"mode": "PassThrough"},
                       "permission": [{"statement_id": "events", "principal": "events.amazonaws.com", "source_arn": RULE_ARN}],
                       "tags": {"team": "ml"}}}
        return document

    def snapshot(self) -> dict[str, Any]:
        client = self.oracle.awslambda
        found = client.get_function(FunctionName=NAME)
        configuration = {k: found["Configuration"].get(k) for k in (
            "Role", "Handler", "Runtime", "Description", "Timeout", "MemorySize", "CodeSha256", "Environment", "TracingConfig",
            "Architectures", "Layers")}
        tags = dict(found["Tags"])
        tags.pop("mlopsd:intent", None)
        policy = json.loads(client.get_policy(FunctionName=NAME)["Policy"])["Statement"]
        return {"configuration": configuration, "tags": tags, "concurrency": found.get("Concurrency"),
                "policy": sorted(policy, key=lambda s: s["Sid"]),
                "all": [f["FunctionName"] for f in client.list_functions()["Functions"]]}

    def settled(self) -> bool:
        found = self.oracle.awslambda.get_function(FunctionName=NAME)["Configuration"]
        return (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")

    def update(self, **changes: Any) -> None:
        wait_for(self.settled, "the function to settle")
        self.oracle.awslambda.update_function_configuration(FunctionName=NAME, **changes)
        wait_for(self.settled, "the function to settle")

    def upload(self, text: str) -> None:
        wait_for(self.settled, "the function to settle")
        self.oracle.awslambda.update_function_code(FunctionName=NAME, ZipFile=archive(text))
        wait_for(self.settled, "the function to settle")

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        o = self.oracle.awslambda
        allow = {"FunctionName": NAME, "Action": "lambda:InvokeFunction"}
        rounds = [
            [("description", "changed", "warning", lambda: self.update(
                Description="x", Timeout=3, MemorySize=128, Handler="evil.handler", Runtime="python3.11",
                Environment={"Variables": {"STAGE": "hunter2", "EVIL": "hunter2"}}, TracingConfig={"Mode": "Active"})),
             ("timeout", "changed", "warning", lambda: None), ("memory_size", "changed", "warning", lambda: None),
             ("handler", "changed", "critical", lambda: None), ("runtime", "changed", "warning", lambda: None),
             ('environment.variables["STAGE"]', "changed", "critical", lambda: None),
             ('environment.variables["EVIL"]', "extra", "critical", lambda: None),
             ("tracing_config.mode", "changed", "warning", lambda: None),
             ("reserved_concurrent_executions", "changed", "critical",
              lambda: o.put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=0)),
             ('permission["spy"]', "extra", "critical", lambda: o.add_permission(StatementId="spy", Principal="*", **allow)),
             ('tags["team"]', "changed", "notice", lambda: o.tag_resource(Resource=ARN, Tags={"team": "x"}))],
            [("source_dir", "changed", "critical", lambda: self.upload("def handler(event, context): steal()\n")),
             ('permission["events"]', "missing", "critical", lambda: o.remove_permission(FunctionName=NAME, StatementId="events")),
             ('tags["team"]', "missing", "notice", lambda: o.untag_resource(Resource=ARN, TagKeys=["team"]))],
            [("", "missing", "critical", lambda: o.delete_function(FunctionName=NAME))],
        ]
        document = self.platform()
        daemon = self.heals(document, FUNCTION, self.snapshot, rounds)
        self.assertNotIn("hunter2", daemon.all_stderr())
        for path in daemon.state.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"hunter2", path.read_bytes(), path)
        (self.source / "index.py").unlink()  # a function goes without its source too
        self.undeclared_is_deleted(daemon, document, FUNCTION)
        self.assertEqual(o.list_functions()["Functions"], [])

    def test_a_quiet_pass_takes_two_calls(self) -> None:
        daemon = self.running(self.platform())
        mark = self.cloud.mark()
        daemon.check()
        self.assertEqual(sorted(r["operation"] for r in self.cloud.log(mark) if r["service"] == "lambda"), ["GetFunction", "GetPolicy"])

    def test_edited_source_is_uploaded_and_is_no_drift(self) -> None:
        daemon = self.running(self.platform())
        before = self.snapshot()["configuration"]["CodeSha256"]
        (self.source / "index.py").write_text(SOURCE + "# edited\n")
        daemon.check()
        wait_for(lambda: self.snapshot()["configuration"]["CodeSha256"] != before, "the upload")
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_without_its_state_the_daemon_knows_its_package_again(self) -> None:
        daemon = self.running(self.platform())
        before = self.snapshot()
        daemon.stop()
        for path in daemon.state.iterdir():
            if path.is_file():
                path.unlink()
        mark = self.cloud.mark()
        daemon.start().converged()
        self.assert_no_write(mark)
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(len(base64.b64decode(before["configuration"]["CodeSha256"])), 32)


if __name__ == "__main__":
    unittest.main()
