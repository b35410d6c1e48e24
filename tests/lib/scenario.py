"""What the scenario and fault tests share: one sandbox for the whole run, a fresh cloud and a daemon per test, and the platform that
most of them declare: all kinds, every field."""
from __future__ import annotations

import atexit
import contextlib
import copy
import unittest
from typing import Any

from .cloud import PROVIDER_ARN, Oracle
from .daemon import Daemon, missing
from .sandbox import ACCOUNT, REPOSITORY, Sandbox, start_sandbox

PROVIDER, ROLE, BUCKET, ECR = ("aws_iam_openid_connect_provider.github", "aws_iam_role.ga", "aws_s3_bucket.artifacts",
                               "aws_ecr_repository.api")
PASSWORD, DB_SECRET, ROLE_SECRET = "random_password.db", "github_actions_secret.db", "github_actions_secret.role"
ROLE_NAME, BUCKET_NAME, ECR_NAME = "GitHubActionRole", "jd-artifacts", "abalone-api"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
ATTACHED = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
SUBJECT = f"repo:{REPOSITORY}:ref:refs/heads/main"

_sandboxes: dict[float, Sandbox] = {}


def shared_sandbox(time_scale: float = 1) -> Sandbox:
    """The sandbox of this Python process whose life-cycle states pass so much faster, started when first asked for."""
    if time_scale not in _sandboxes:
        stack = contextlib.ExitStack()
        atexit.register(stack.close)
        _sandboxes[time_scale] = stack.enter_context(start_sandbox(time_scale=time_scale))
    return _sandboxes[time_scale]


def statement(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [action], "Resource": resource, **more}]}


def head(platform: str = "small") -> dict[str, Any]:
    """A platform without resources."""
    return {"platform": platform, "aws": {"account_id": ACCOUNT, "region": "us-east-1"},
            "github": {"repository": REPOSITORY, "token": {"credential": "github-token"}, "write_interval": "10ms"},
            "resources": {}}


def trust() -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": "${aws_iam_openid_connect_provider.github.arn}"},
        "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                                       "token.actions.githubusercontent.com:sub": "${github.oidc_subject_prefix}:ref:refs/heads/main"}}}]}


def full() -> dict[str, Any]:
    """All six kinds with every field declared."""
    platform = head()
    platform["resources"] = {
        PROVIDER: {"url": "https://token.actions.githubusercontent.com", "client_id_list": ["sts.amazonaws.com"],
                   "tags": {"team": "ml"}},
        ROLE: {"name": ROLE_NAME, "path": "/mlops/", "description": "pushes images", "max_session_duration": 7200,
               "permissions_boundary": BOUNDARY, "assume_role_policy": trust(),
               "inline_policy": [{"name": "artifacts", "policy": statement("s3:GetObject", "${aws_s3_bucket.artifacts.arn}/*")}],
               "managed_policy_arns": [ATTACHED], "tags": {"team": "ml"}},
        BUCKET: {"bucket": BUCKET_NAME, "versioning": {"enabled": True},
                 "server_side_encryption_configuration": {"sse_algorithm": "AES256", "bucket_key_enabled": True},
                 "public_access_block": {"block_public_acls": True, "block_public_policy": True, "ignore_public_acls": True,
                                         "restrict_public_buckets": True},
                 "object_ownership": "BucketOwnerEnforced",
                 "policy": {"Version": "2012-10-17", "Statement": [{
                     "Sid": "OnlyTls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                     "Resource": [f"arn:aws:s3:::{BUCKET_NAME}", f"arn:aws:s3:::{BUCKET_NAME}/*"],
                     "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]},
                 "tags": {"team": "ml"}},
        ECR: {"name": ECR_NAME, "image_tag_mutability": "IMMUTABLE", "image_scanning_configuration": {"scan_on_push": True},
              "encryption_configuration": {"encryption_type": "AES256"},
              "policy": {"Version": "2012-10-17", "Statement": [{
                  "Sid": "Pull", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                  "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]},
              "lifecycle_policy": {"rules": [{"rulePriority": 1, "description": "keep ten", "selection": {
                  "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}, "action": {"type": "expire"}}]},
              "tags": {"team": "ml"}},
        PASSWORD: {"length": 24, "special": False},
        DB_SECRET: {"secret_name": "DB_PASSWORD", "plaintext_value": "${random_password.db.result}"},
        ROLE_SECRET: {"secret_name": "ROLE_ARN", "plaintext_value": "${aws_iam_role.ga.arn}"},
    }
    platform["outputs"] = {"role_arn": {"value": "${aws_iam_role.ga.arn}"},
                           "db_password": {"value": "${random_password.db.result}", "sensitive": True},
                           "registry": {"value": "${aws_ecr_repository.api.repository_url}"}}
    return platform


def small() -> dict[str, Any]:
    """A role, a bucket, a repository and a secret: enough for most stories."""
    platform, everything = head(), full()["resources"]
    platform["resources"] = {
        PROVIDER: {"url": everything[PROVIDER]["url"], "client_id_list": ["sts.amazonaws.com"]},
        ROLE: {"name": ROLE_NAME, "assume_role_policy": trust(), "max_session_duration": 7200},
        BUCKET: {"bucket": BUCKET_NAME, "versioning": {"enabled": True}},
        ECR: {"name": ECR_NAME, "image_scanning_configuration": {"scan_on_push": True}},
        ROLE_SECRET: copy.deepcopy(everything[ROLE_SECRET]),
    }
    return platform


class ScenarioTest(unittest.TestCase):
    """A test with a fresh cloud. `self.daemon` is made, not started, by `self.given(...)`."""

    cloud: Sandbox
    oracle: Oracle

    @classmethod
    def setUpClass(cls) -> None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = shared_sandbox()
        cls.oracle = Oracle(cls.cloud)

    def setUp(self) -> None:
        self.cloud.reset()

    def given(self, *platforms: dict[str, Any] | str, **options: Any) -> Daemon:
        """A daemon with these platform files, not started yet; closed with the test."""
        daemon = Daemon(self.cloud, **options)
        self.addCleanup(daemon.close)
        for platform in platforms:
            daemon.write_platform(platform)
        self.daemon = daemon
        return daemon

    def running(self, *platforms: dict[str, Any] | str, **options: Any) -> Daemon:
        """The same, started and converged."""
        daemon = self.given(*platforms, **options).start()
        for platform in daemon.call("Status")["platforms"]:
            daemon.converged(platform["name"])
        return daemon

    def writes(self, since: int = 0) -> list[str]:
        """Names of the writes in the request log, in order: "iam.CreateRole", "github.actions/create-or-update-repo-secret"."""
        return [f"{r['service'] or r['server']}.{r['operation']}" for r in self.cloud.log(since) if r["write"]]

    def assert_no_write(self, since: int = 0) -> None:
        self.assertEqual(self.writes(since), [])


__all__ = ["ATTACHED", "BOUNDARY", "BUCKET", "BUCKET_NAME", "DB_SECRET", "ECR", "ECR_NAME", "PASSWORD", "PROVIDER", "PROVIDER_ARN", "ROLE",
           "ROLE_NAME", "ROLE_SECRET", "SUBJECT", "ScenarioTest", "full", "head", "shared_sandbox", "small", "statement", "trust"]
