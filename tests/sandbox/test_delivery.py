"""From an approved model to a started workflow: EventBridge delivers, the function runs, GitHub records; and how it may not."""
from __future__ import annotations

import io
import json
import time
import unittest
import zipfile
from pathlib import Path
from typing import Any

from support import GITHUB_TOKEN, GithubTest, R

ACCOUNT = "123456789012"
RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/approved"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:trigger"
PATTERN = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"],
           "detail": {"ModelPackageGroupName": ["abalone"], "ModelApprovalStatus": ["Approved"]}}
TRIGGER = (Path(__file__).resolve().parents[2] / "etc/blueprints/lambda/deploy_trigger.py").read_text(encoding="utf-8")
ECHO = "import os\ndef handler(event, context):\n    print('said', os.environ['WORD'])\n    return {'detail': event['detail']}\n"
BROKEN = "def handler(event, context):\n    raise ValueError('no luck')\n"


class Delivery(GithubTest):
    maxDiff = None

    def setUp(self) -> None:
        super().setUp()
        self.cloud.control("POST", "/durations", {"lambda.function.retry": 0.01})
        self.sagemaker, self.events, self.awslambda = (self.cloud.client(name) for name in ("sagemaker", "events", "lambda"))
        self.sagemaker.create_model_package_group(ModelPackageGroupName="abalone")

    def function(self, code: str, timeout: int = 20, **variables: str) -> None:
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                         "Principal": {"Service": "lambda.amazonaws.com"}}]}
        role = self.cloud.client("iam").create_role(RoleName="trigger", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("code.py", code)
        self.awslambda.create_function(
            FunctionName="trigger", Role=role, Runtime="python3.12", Handler="code.handler", Timeout=timeout,
            Code={"ZipFile": archive.getvalue()}, Environment={"Variables": variables})

    def rule(self, pattern: dict[str, Any] = PATTERN, *, permission_for: str | None = RULE, **target: Any) -> None:
        self.events.put_rule(Name="approved", EventPattern=json.dumps(pattern))
        self.events.put_targets(Rule="approved", Targets=[{"Id": "one", "Arn": FUNCTION, **target}])
        if permission_for:
            self.awslambda.add_permission(FunctionName="trigger", StatementId="rule", Action="lambda:InvokeFunction",
                                          Principal="events.amazonaws.com", SourceArn=permission_for)

    def approve(self) -> str:
        made = self.sagemaker.create_model_package(ModelPackageGroupName="abalone", ModelApprovalStatus="PendingManualApproval")
        arn: str = made["ModelPackageArn"]
        self.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
        return arn

    def invocations(self, count: int = 1) -> list[dict[str, Any]]:
        """So many, ended."""
        for _ in range(500):
            seen: list[dict[str, Any]] = self.cloud.control("GET", "/lambda/invocations")["invocations"]
            if len(seen) >= count and all(invocation["status"] != "running" for invocation in seen):
                return seen
            time.sleep(0.02)
        self.fail(f"not {count} invocations: {seen}")

    def dispatches(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cloud.control("GET", "/github/dispatches")["dispatches"]
        return found

    def put(self, source: str = "mine", **detail: Any) -> dict[str, Any]:  # type: ignore[override]
        answer: dict[str, Any] = self.events.put_events(Entries=[{"Source": source, "DetailType": "x", "Detail": json.dumps(detail)}])
        return answer

    # ---- the whole way ----

    def trigger(self, token: str = GITHUB_TOKEN) -> None:
        secret = self.cloud.client("secretsmanager").create_secret(Name="token", SecretString=token)["ARN"]
        self.function(TRIGGER, GITHUB_TOKEN_SECRET_ARN=secret, GITHUB_REPOSITORY="john-doe/mlops-project", GITHUB_WORKFLOW="deploy.yaml",
                      GITHUB_API_URL="https://api.github.com")
        self.rule()

    def test_an_approved_model_starts_the_workflow(self) -> None:
        self.trigger()
        arn = self.approve()
        [invocation] = self.invocations()
        self.assertEqual(invocation["status"], "succeeded", invocation)
        self.assertEqual((invocation["function"], invocation["rule"]), ("trigger", RULE))
        self.assertIn(f"started: deploy.yaml of john-doe/mlops-project at main for {arn}", invocation["log"])
        self.assertNotIn(GITHUB_TOKEN, json.dumps(invocation))
        detail, event = invocation["event"]["detail"], invocation["event"]
        self.assertEqual((event["source"], event["detail-type"], event["resources"]),
                         ("aws.sagemaker", "SageMaker Model Package State Change", [arn]))
        self.assertEqual((detail["ModelPackageArn"], detail["ModelPackageVersion"], detail["ModelApprovalStatus"]), (arn, 1, "Approved"))
        [dispatch] = self.dispatches()
        self.assertEqual((dispatch["kind"], dispatch["repository"], dispatch["workflow"], dispatch["ref"], dispatch["inputs"]), (
            "workflow", "john-doe/mlops-project", "deploy.yaml", "main",
            {"model_package_arn": arn, "model_package_group": "abalone", "model_package_version": "1", "dispatch_id": event["id"]}))

    def test_a_lost_answer_starts_nothing_twice(self) -> None:
        """GitHub started the workflow and its answer was lost: the function fails, is tried again, and finds the run."""
        self.trigger()
        self.cloud.fault(server="github", operation="actions/create-workflow-dispatch", kind="reply-lost", times=1)
        self.approve()
        self.assertEqual([i["status"] for i in self.invocations(2)], ["failed", "succeeded"])
        self.assertIn("already started", self.invocations(2)[1]["log"])
        self.assertEqual(len(self.dispatches()), 1)

    def test_a_token_that_may_not_fails_loudly_each_time(self) -> None:
        self.trigger("github_pat_sandboxreadonly")
        self.approve()
        seen = self.invocations(3)
        self.assertEqual([(i["status"], i["attempt"]) for i in seen], [("failed", 1), ("failed", 2), ("failed", 3)])
        self.assertIn("403", seen[0]["error"])
        self.assertNotIn("github_pat_sandboxreadonly", json.dumps(seen))
        self.assertEqual(self.dispatches(), [])

    # ---- delivery ----

    def test_events_of_ones_own(self) -> None:
        self.function(ECHO, WORD="hello")
        self.rule({"source": ["mine"], "detail": {"n": [1]}})
        self.assertEqual([self.put(n=n)["FailedEntryCount"] for n in (1, 2)], [0, 0])
        [invocation] = self.invocations()
        self.assertEqual((invocation["status"], invocation["result"], invocation["log"]),
                         ("succeeded", {"detail": {"n": 1}}, "said hello\n"))

    def test_a_target_may_have_input_of_its_own(self) -> None:
        self.function(ECHO, WORD="x")
        self.rule({"source": ["mine"]}, Input=json.dumps({"detail": "fixed"}))
        self.put()
        self.assertEqual(self.invocations()[0]["result"], {"detail": "fixed"})

    def test_sources_of_aws_are_not_for_everybody(self) -> None:
        self.function(ECHO, WORD="x")
        self.rule({"source": ["aws.sagemaker", "mine"]})
        entries = [{"Source": source, "DetailType": "x", "Detail": "{}"} for source in ("aws.sagemaker", "mine")]
        answer = self.events.put_events(Entries=entries)
        self.assertEqual((answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"]), (1, "NotAuthorizedForSourceException"))
        self.assertIn("EventId", answer["Entries"][1])
        self.assertEqual([i["event"]["source"] for i in self.invocations()], ["mine"])

    def test_the_function_must_let_the_rule_in(self) -> None:
        self.function(ECHO, WORD="x")
        for permission in (None, RULE + "-of-others"):
            self.rule(permission_for=permission)
            self.approve()
            self.assertEqual({i["status"] for i in self.invocations()}, {"refused"})

    def test_what_does_not_match_is_not_delivered(self) -> None:
        self.function(ECHO, WORD="x")
        self.rule()
        self.sagemaker.create_model_package_group(ModelPackageGroupName="other")
        self.sagemaker.create_model_package(ModelPackageGroupName="other", ModelApprovalStatus="Approved")
        self.sagemaker.create_model_package(ModelPackageGroupName="abalone", ModelApprovalStatus="Rejected")
        self.events.disable_rule(Name="approved")
        self.sagemaker.create_model_package(ModelPackageGroupName="abalone", ModelApprovalStatus="Approved")
        self.events.enable_rule(Name="approved")
        self.sagemaker.create_model_package(ModelPackageGroupName="abalone", ModelApprovalStatus="Approved")
        self.assertEqual([i["event"]["detail"]["ModelPackageVersion"] for i in self.invocations()], [3])

    def test_functions_that_fail(self) -> None:
        self.function(BROKEN)
        self.rule()
        self.approve()
        seen = self.invocations(3)
        self.assertEqual([(i["status"], i["error"]) for i in seen], [("failed", "ValueError: no luck")] * 3)
        self.assertIn("Traceback", seen[0]["log"])

    def test_functions_that_take_too_long(self) -> None:
        self.function("import time\ndef handler(event, context):\n    time.sleep(30)\n", timeout=1)
        self.rule()
        self.approve()
        self.assertEqual(self.invocations()[0]["status"], "timed-out")

    # ---- GitHub ----

    def test_dispatches_of_a_repository(self) -> None:
        sent = self.github("POST", f"{R}/dispatches", {"event_type": "model-approved", "client_payload": {"a": 1}})
        self.assertEqual((sent.status, [(d["kind"], d["event_type"], d["client_payload"]) for d in self.dispatches()]),
                         (204, [("repository", "model-approved", {"a": 1})]))

    def test_dispatches_that_are_refused(self) -> None:
        path = f"{R}/actions/workflows/deploy.yaml/dispatches"
        for status, where, body, token in ((422, path, {}, GITHUB_TOKEN), (422, path, {"ref": "nowhere"}, GITHUB_TOKEN),
                                           (404, path.replace("deploy", "none"), {"ref": "main"}, GITHUB_TOKEN),
                                           (403, path, {"ref": "main"}, "github_pat_sandboxreadonly")):
            with self.subTest(status=status, where=where, body=body):
                self.assertEqual(self.github("POST", where, body, token=token).status, status)
        self.assertEqual(self.dispatches(), [])


if __name__ == "__main__":
    unittest.main()
