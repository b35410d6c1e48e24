"""The independent oracle: what is really there, read with boto3 and the sandbox's view of GitHub, in a form that can be compared."""
from __future__ import annotations

import functools
import json
from typing import Any
from urllib.parse import unquote

from .sandbox import ACCESS_KEY, SECRET_KEY, Sandbox

ISSUER = "token.actions.githubusercontent.com"
PROVIDER_ARN = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"


class Oracle:
    """boto3 clients of one account, and readers on top of them."""

    def __init__(self, sandbox: Sandbox, access_key: str = ACCESS_KEY, secret: str = SECRET_KEY) -> None:
        self.sandbox = sandbox
        self._keys = {"access_key": access_key, "secret": secret}

    @functools.cached_property
    def iam(self) -> Any:
        return self.sandbox.client("iam", **self._keys)

    @functools.cached_property
    def s3(self) -> Any:
        return self.sandbox.client("s3", **self._keys, s3={"addressing_style": "path"})

    @functools.cached_property
    def ecr(self) -> Any:
        return self.sandbox.client("ecr", **self._keys)

    @functools.cached_property
    def secretsmanager(self) -> Any:
        return self.sandbox.client("secretsmanager", **self._keys)

    @functools.cached_property
    def events(self) -> Any:
        return self.sandbox.client("events", **self._keys)

    @functools.cached_property
    def awslambda(self) -> Any:
        return self.sandbox.client("lambda", **self._keys)

    @functools.cached_property
    def sagemaker(self) -> Any:
        return self.sandbox.client("sagemaker", **self._keys)

    # ---- one thing, every field that a file can declare ----

    def provider(self, arn: str = PROVIDER_ARN) -> dict[str, Any]:
        found = self.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        return {"url": found["Url"], "client_id_list": sorted(found["ClientIDList"]),
                "tags": _tags(self.iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"])}

    def role(self, name: str) -> dict[str, Any]:
        role = self.iam.get_role(RoleName=name)["Role"]
        inline = {policy: self.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                  for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]}
        attached = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        return {"name": role["RoleName"], "path": role["Path"], "description": role.get("Description"),
                "max_session_duration": role["MaxSessionDuration"],
                "permissions_boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
                "assume_role_policy": _document(role["AssumeRolePolicyDocument"]),
                "inline_policy": {policy: _document(text) for policy, text in inline.items()},
                "managed_policy_arns": sorted(policy["PolicyArn"] for policy in attached),
                "tags": _tags(self.iam.list_role_tags(RoleName=name)["Tags"])}

    def bucket(self, name: str) -> dict[str, Any]:
        s3 = self.s3
        rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        return {"versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
                "encryption": rules,
                "public_access_block": s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
                "object_ownership": s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
                "policy": _or_none(lambda: json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]), "NoSuchBucketPolicy"),
                "tags": _tags(_or_none(lambda: s3.get_bucket_tagging(Bucket=name)["TagSet"], "NoSuchTagSet") or [])}

    def repository(self, name: str) -> dict[str, Any]:
        found = self.ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
        return {"image_tag_mutability": found["imageTagMutability"],
                "scan_on_push": found["imageScanningConfiguration"]["scanOnPush"],
                "encryption": found["encryptionConfiguration"]["encryptionType"],
                "policy": _or_none(lambda: json.loads(self.ecr.get_repository_policy(repositoryName=name)["policyText"]),
                                   "RepositoryPolicyNotFoundException"),
                "lifecycle_policy": _or_none(
                    lambda: json.loads(self.ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]),
                    "LifecyclePolicyNotFoundException"),
                "tags": _tags(self.ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"])}

    # ---- all of it ----

    def names(self) -> dict[str, list[str]]:
        """Everything there is of every kind: what was made twice shows here."""
        return {"providers": sorted(p["Arn"] for p in self.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]),
                "roles": sorted(r["RoleName"] for r in self.iam.list_roles()["Roles"]),
                "buckets": sorted(b["Name"] for b in self.s3.list_buckets()["Buckets"]),
                "repositories": sorted(r["repositoryName"] for r in self.ecr.describe_repositories()["repositories"]),
                "secrets": sorted(self.sandbox.github_secrets())}

    def snapshot(self) -> dict[str, Any]:
        """The whole cloud without what is new at every making: intents and times."""
        names = self.names()
        whole = {"names": names, "providers": {arn: self.provider(arn) for arn in names["providers"]},
                 "roles": {name: self.role(name) for name in names["roles"]},
                 "buckets": {name: self.bucket(name) for name in names["buckets"]},
                 "repositories": {name: self.repository(name) for name in names["repositories"]}}
        for group in ("providers", "roles", "buckets", "repositories"):
            for thing in whole[group].values():
                thing["tags"].pop("mlopsd:intent", None)
        return whole


def _document(value: Any) -> Any:
    return json.loads(unquote(value)) if isinstance(value, str) else value


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _or_none(read: Any, code: str) -> Any:
    """What `read` answers; None when the service says that there is none."""
    from botocore.exceptions import ClientError

    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return None
