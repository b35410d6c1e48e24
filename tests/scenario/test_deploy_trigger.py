"""All of the automation as a platform file declares it: a model is approved, and the daemon's function starts the deploy workflow."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.scenario import ACCOUNT, ScenarioTest, head  # noqa: E402

TRIGGER = Path(__file__).resolve().parents[2] / "etc/blueprints/lambda/deploy_trigger.py"
RULE_ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/model-approved"


def platform() -> dict[str, Any]:
    document = head()
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                     "Principal": {"Service": "lambda.amazonaws.com"}}]}
    document["resources"] = {
        "aws_sagemaker_model_package_group.models": {"model_package_group_name": "abalone"},
        "aws_secretsmanager_secret.token": {"name": "github-token", "secret_string": "${credential.github-token}"},
        "aws_iam_role.trigger": {"name": "trigger", "assume_role_policy": trust},
        "aws_lambda_function.trigger": {
            "function_name": "trigger", "role": "${aws_iam_role.trigger.arn}", "runtime": "python3.12", "handler": "deploy_trigger.handler",
            "source_file": str(TRIGGER), "timeout": 30, "environment": {"variables": {
                "GITHUB_REPOSITORY": "${github.repository}", "GITHUB_WORKFLOW": "deploy.yaml",
                "GITHUB_TOKEN_SECRET_ARN": "${aws_secretsmanager_secret.token.arn}"}},
            "permission": [{"statement_id": "rule", "principal": "events.amazonaws.com", "source_arn": RULE_ARN}]},
        "aws_cloudwatch_event_rule.approved": {
            "name": "model-approved", "event_pattern": {
                "source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"],
                "detail": {"ModelPackageGroupName": ["abalone"], "ModelApprovalStatus": ["Approved"]}},
            "target": [{"target_id": "trigger", "arn": "${aws_lambda_function.trigger.arn}"}]}}
    return document


class DeployTrigger(ScenarioTest):
    def test_an_approval_becomes_a_deployment(self) -> None:
        self.running(platform())
        sagemaker = self.oracle.sagemaker
        made = sagemaker.create_model_package(ModelPackageGroupName="abalone", ModelApprovalStatus="PendingManualApproval")
        arn = made["ModelPackageArn"]
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

        def ended() -> list[dict[str, Any]]:
            seen: list[dict[str, Any]] = self.cloud.control("GET", "/lambda/invocations")["invocations"]
            return [invocation for invocation in seen if invocation["status"] != "running"]

        [invocation] = wait_for(ended, "the function to run")
        self.assertEqual(invocation["status"], "succeeded", json.dumps(invocation, indent=1))
        [dispatch] = self.cloud.control("GET", "/github/dispatches")["dispatches"]
        self.assertEqual((dispatch["workflow"], dispatch["inputs"]["model_package_arn"]), ("deploy.yaml", arn))


if __name__ == "__main__":
    unittest.main()
