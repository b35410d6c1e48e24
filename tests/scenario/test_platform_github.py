"""GitHub and the outputs: what the workflows and people are told is what is really there (every field: test_drift)."""
from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.sandbox import ACCOUNT, GITHUB_TOKEN, REPOSITORY  # noqa: E402
from lib.whole import BUCKET_NAME, CLUSTER_NAME, RESOURCES, WholeTest  # noqa: E402

REPO = "github_repository.main"
SECRETS = {"AWS_ACCOUNT_ID", "AWS_REGION", "S3_BUCKET_NAME", "GH_REPO", "OIDC_PROVIDER_ARN", "GH_PAT", "DB_ENDPOINT", "DB_PASSWORD",
           "SAGEMAKER_ROLE_ARN", "EKS_CLUSTER_NAME", "MLFLOW_TRACKING_URI"}


class Github(WholeTest):
    def repository(self, **settings: object) -> None:
        self.cloud.control("POST", "/github/repository", {"repository": REPOSITORY, **settings})

    def database_endpoint(self) -> str:
        endpoint = self.cloud.client("rds").describe_db_instances()["DBInstances"][0]["Endpoint"]
        return f"{endpoint['Address']}:{endpoint['Port']}"

    def provider(self) -> str:
        listed = self.oracle.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        return next(p["Arn"] for p in listed if p["Arn"].endswith("token.actions.githubusercontent.com"))

    def test_1_thirteen_outputs_are_what_the_cloud_says(self) -> None:
        self.assertEqual(len(self.ids()), RESOURCES)
        role = {name: self.oracle.iam.get_role(RoleName=name)["Role"]["Arn"] for name in ("GitHubActionRole", "SageMakerExecutionRole")}
        images = {r["repositoryName"]: r["repositoryUri"] for r in self.oracle.ecr.describe_repositories()["repositories"]}
        [domain], [vpc] = self.oracle.sagemaker.list_domains()["Domains"], self.cloud.client("ec2").describe_vpcs(
            Filters=[{"Name": "tag:ManagedBy", "Values": ["mlopsd"]}])["Vpcs"]
        told = self.outputs(reveal=True)
        self.assertRegex(told["mlflow_url"], r"^http://127\.0\.0\.1:\d+$")  # it answers there: test_platform_mlflow
        self.assertEqual(told, {
            "api_ecr_repository_url": images["abalone-prediction-api"], "ui_ecr_repository_url": images["abalone-prediction-ui"],
            "db_password": self.cloud.github_secrets()["DB_PASSWORD"],
            "eks_cluster_name": self.cloud.client("eks").list_clusters()["clusters"][0],
            "github_actions_role_arn": role["GitHubActionRole"], "oidc_provider_arn": self.provider(),
            "mlflow_db_endpoint": self.database_endpoint(), "mlflow_url": told["mlflow_url"],
            "s3_bucket_name": self.oracle.names()["buckets"][0], "sagemaker_role_arn": role["SageMakerExecutionRole"],
            "sagemaker_domain_url": domain["Url"],
            "lambda_function_name": self.oracle.awslambda.list_functions()["Functions"][0]["FunctionName"],
            "vpc_id": vpc["VpcId"]})
        self.assertEqual(set(told) - set(self.outputs()), {"db_password"})

    def test_2_eleven_secrets_hold_what_the_workflows_need(self) -> None:
        told, outputs = self.cloud.github_secrets(), self.outputs(reveal=True)
        self.assertEqual(told, {
            "AWS_ACCOUNT_ID": ACCOUNT, "AWS_REGION": "us-east-1", "S3_BUCKET_NAME": BUCKET_NAME, "GH_REPO": REPOSITORY,
            "OIDC_PROVIDER_ARN": self.provider(), "GH_PAT": GITHUB_TOKEN, "DB_ENDPOINT": self.database_endpoint(),
            "DB_PASSWORD": outputs["db_password"], "SAGEMAKER_ROLE_ARN": outputs["sagemaker_role_arn"],
            "EKS_CLUSTER_NAME": CLUSTER_NAME, "MLFLOW_TRACKING_URI": outputs["mlflow_url"]})
        self.assertEqual(set(told), SECRETS)

    def test_3_overwritten_by_hand_they_are_written_again(self) -> None:
        self.heals(self.cloud.github_secrets, [
            (f"github_actions_secret.{name.lower()}", "plaintext_value", "changed", "critical",
             lambda name=name: self.cloud.overwrite_github_secret(name, "mine")) for name in ("AWS_REGION", "DB_PASSWORD", "GH_PAT")])

    def test_4_a_deleted_one_is_made_again(self) -> None:
        before = self.cloud.github_secrets()
        self.made_again("github_actions_secret.eks_cluster_name", lambda: self.cloud.control(
            "DELETE", f"/github/secret?name=EKS_CLUSTER_NAME&repository={REPOSITORY}"))
        self.assertEqual(self.cloud.github_secrets(), before)

    def test_5_an_archived_repository_and_switched_off_workflows_are_told_and_left(self) -> None:
        for settings, undo, field in (({"archived": True}, {"archived": False}, "archived"),
                                      ({"permissions": {"enabled": False}}, {"permissions": {"enabled": True}}, "actions_enabled")):
            self.addCleanup(self.repository, **undo)
            self.repository(**settings)
            self.daemon.check()
            [drift] = self.daemon.drifts()
            self.assertEqual((drift["address"], drift["field"], drift["kind"]), (REPO, field, "changed"))
            self.assertFalse(self.daemon.platform()["converged"])
            self.assertIn("put it right where it is made", self.why(REPO))
            self.repository(**undo)
            self.daemon.check()
            wait_for(lambda: not self.daemon.drifts(), "the all-clear")
            self.daemon.converged()

    def test_9_switched_off(self) -> None:
        self.switched_off({f"github_actions_secret.{name.lower()}" for name in SECRETS}, with_github_secrets=False)
        self.assertEqual(self.cloud.github_secrets(), {})


if __name__ == "__main__":
    unittest.main()
