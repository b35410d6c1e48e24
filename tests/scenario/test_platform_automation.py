"""Automation: an approved model starts the deploy workflow (every field: test_kind_aws_lambda_function, _cloudwatch_event_rule,
_secretsmanager_secret)."""
from __future__ import annotations

import json
import os
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.sandbox import ACCOUNT, GITHUB_TOKEN, REPOSITORY  # noqa: E402
from lib.whole import TAGS, WholeTest, tags_of  # noqa: E402

SECRET, ROLE = "aws_secretsmanager_secret.github_token", "aws_iam_role.deploy_trigger"
FUNCTION, RULE = "aws_lambda_function.deploy_trigger", "aws_cloudwatch_event_rule.model_approved"
SECRET_NAME, FUNCTION_NAME, RULE_NAME = "abalone-mlops/github-token", "abalone-deploy-trigger", "abalone-model-approved"
GROUP_NAME = "AbaloneModelPackageGroup"
RULE_ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{RULE_NAME}"


class Automation(WholeTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.events, cls.functions, cls.secrets = cls.oracle.events, cls.oracle.awslambda, cls.oracle.secretsmanager

    def function(self) -> dict[str, Any]:
        return self.functions.get_function_configuration(FunctionName=FUNCTION_NAME)

    def may_call(self) -> list[dict[str, Any]]:
        return json.loads(self.functions.get_policy(FunctionName=FUNCTION_NAME)["Policy"])["Statement"]

    def snapshot(self) -> dict[str, Any]:
        function, rule, role = self.function(), self.events.describe_rule(Name=RULE_NAME), self.oracle.role(FUNCTION_NAME)
        role["tags"].pop("mlopsd:intent", None)
        return {"function": {name: function[name] for name in ("CodeSha256", "Timeout", "Handler", "Environment", "Role")},
                "may_call": [s.get("Condition") for s in self.may_call()], "state": rule["State"],
                "pattern": json.loads(rule["EventPattern"]),
                "targets": self.events.list_targets_by_rule(Rule=RULE_NAME)["Targets"], "role": role,
                "secret": self.secrets.get_secret_value(SecretId=SECRET_NAME)["SecretString"]}

    def test_1_secret_function_and_rule_as_declared(self) -> None:
        function, secret = self.function(), self.secrets.describe_secret(SecretId=SECRET_NAME)
        self.assertEqual(self.secrets.get_secret_value(SecretId=SECRET_NAME)["SecretString"], GITHUB_TOKEN)
        self.assertEqual(tags_of(secret["Tags"]), TAGS)
        self.assertEqual(function["Environment"]["Variables"], {
            "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_WORKFLOW": "deploy.yaml", "GITHUB_REF": "main",
            "GITHUB_TOKEN_SECRET_ARN": secret["ARN"]})
        self.assertEqual((function["Runtime"], function["Handler"], function["State"]), ("python3.12", "deploy_trigger.handler", "Active"))
        [target] = self.events.list_targets_by_rule(Rule=RULE_NAME)["Targets"]
        self.assertEqual(target["Arn"], function["FunctionArn"])
        [permission] = self.may_call()
        self.assertEqual((permission["Principal"], permission["Condition"]), (
            {"Service": "events.amazonaws.com"}, {"ArnLike": {"AWS:SourceArn": RULE_ARN}}))
        [reads] = self.oracle.role(FUNCTION_NAME)["inline_policy"]["token"]["Statement"]
        self.assertEqual((reads["Action"], reads["Resource"]), ("secretsmanager:GetSecretValue", secret["ARN"]))

    def test_2_an_approval_becomes_a_deployment(self) -> None:
        made = self.oracle.sagemaker.create_model_package(ModelPackageGroupName=GROUP_NAME, ModelApprovalStatus="PendingManualApproval")
        self.oracle.sagemaker.update_model_package(ModelPackageArn=made["ModelPackageArn"], ModelApprovalStatus="Approved")

        def ended() -> list[dict[str, Any]]:
            seen: list[dict[str, Any]] = self.cloud.control("GET", "/lambda/invocations")["invocations"]
            return [invocation for invocation in seen if invocation["status"] != "running"]

        [invocation] = wait_for(ended, "the function to run")
        self.assertEqual(invocation["status"], "succeeded", json.dumps(invocation, indent=1))
        [dispatch] = self.cloud.control("GET", "/github/dispatches")["dispatches"]
        self.assertEqual((dispatch["repository"], dispatch["workflow"], dispatch["ref"], dispatch["inputs"]["model_package_arn"]),
                         (REPOSITORY, "deploy.yaml", "main", made["ModelPackageArn"]))
        self.assert_quiet()

    def test_3_changed_by_hand_it_is_put_right(self) -> None:
        anybody = {"FunctionName": FUNCTION_NAME, "StatementId": "anybody", "Action": "lambda:InvokeFunction",
                   "Principal": "s3.amazonaws.com"}
        admin = "arn:aws:iam::aws:policy/AdministratorAccess"
        self.heals(self.snapshot, [
            (FUNCTION, "timeout", "changed", "warning",
             lambda: self.functions.update_function_configuration(FunctionName=FUNCTION_NAME, Timeout=3)),
            (FUNCTION, 'permission["anybody"]', "extra", "critical", lambda: self.functions.add_permission(**anybody)),
            (RULE, "state", "changed", "critical", lambda: self.events.disable_rule(Name=RULE_NAME)),
            (SECRET, "secret_string", "changed", "critical",
             lambda: self.secrets.put_secret_value(SecretId=SECRET_NAME, SecretString="stolen")),
            (ROLE, f'managed_policy_arns["{admin}"]', "extra", "critical",
             lambda: self.oracle.iam.attach_role_policy(RoleName=FUNCTION_NAME, PolicyArn=admin))])

    def test_4_a_deleted_function_is_made_again_of_the_same_code(self) -> None:
        """The package depends on what the file says, not on when it was written."""
        before, source = self.snapshot(), self.daemon.folder / "blueprints/lambda/deploy_trigger.py"
        os.utime(source, (1_600_000_000, 1_600_000_000))
        self.made_again(FUNCTION, lambda: self.functions.delete_function(FunctionName=FUNCTION_NAME))
        self.assertEqual(self.snapshot(), before)

    def test_5_other_code_in_the_file_is_other_code_in_the_function(self) -> None:
        before, source = self.function()["CodeSha256"], self.daemon.folder / "blueprints/lambda/deploy_trigger.py"
        text = source.read_text()
        source.write_text(text + "# and more\n")
        self.daemon.check()
        wait_for(lambda: self.function()["CodeSha256"] != before, "the new code")
        source.write_text(text)
        self.daemon.check()
        wait_for(lambda: self.function()["CodeSha256"] == before, "the old code")
        self.daemon.converged()

    def test_9_switched_off(self) -> None:
        self.switched_off({SECRET, ROLE, FUNCTION, RULE}, with_automation=False)
        self.assertEqual((self.functions.list_functions()["Functions"], self.events.list_rules()["Rules"]), ([], []))
        self.assertIn("DeletedDate", self.secrets.describe_secret(SecretId=SECRET_NAME), "it can be brought back")


if __name__ == "__main__":
    unittest.main()
