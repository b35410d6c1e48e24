"""Which of the platform's resources Terraform's are, and what its `import` wants to be told.

mlopsd's ids are Terraform's for nearly all kinds; what is one resource here and several there (a role and its policies, a bucket and its
settings, a route table and its associations) is written out.
"""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .sandbox import ACCOUNT, Sandbox

SAME = (
    "aws_vpc.main", "aws_internet_gateway.main", "aws_eip.nat", "aws_nat_gateway.main", "aws_route_table.public", "aws_route_table.private",
    "aws_security_group.cluster", "aws_security_group.database", "aws_security_group.studio", "aws_iam_openid_connect_provider.github",
    "aws_iam_openid_connect_provider.cluster", "aws_iam_role.github_actions", "aws_iam_role.sagemaker_execution", "aws_iam_role.cluster",
    "aws_iam_role.nodes", "aws_iam_role.mlflow", "aws_iam_role.deploy_trigger", "aws_eks_cluster.main", "aws_eks_addon.vpc_cni",
    "aws_eks_addon.kube_proxy", "aws_eks_addon.coredns", "aws_eks_node_group.default", "aws_s3_bucket.artifacts",
    "aws_db_subnet_group.mlflow", "aws_db_instance.mlflow", "aws_ecr_repository.api", "aws_ecr_repository.ui",
    "aws_sagemaker_model_package_group.models", "aws_sagemaker_domain.studio", "aws_secretsmanager_secret.github_token",
    "aws_lambda_function.deploy_trigger", "aws_cloudwatch_event_rule.model_approved",
)
OTHER_NAMES = {
    'aws_subnet.public["a"]': "aws_subnet.public_a", 'aws_subnet.public["b"]': "aws_subnet.public_b",
    'aws_subnet.private["a"]': "aws_subnet.private_a", 'aws_subnet.private["b"]': "aws_subnet.private_b",
    'aws_eks_access_entry.this["operator"]': "aws_eks_access_entry.operator",
    'aws_eks_access_entry.this["github_actions"]': "aws_eks_access_entry.github_actions",
}
INLINE = {  # Terraform's name, the role's, the policy's
    "github_actions_push_images": ("github_actions", "push-images"), "github_actions_artifacts": ("github_actions", "artifacts"),
    "github_actions_deploy": ("github_actions", "deploy"), "github_actions_pipelines": ("github_actions", "pipelines"),
    "sagemaker_artifacts": ("sagemaker_execution", "artifacts"), "mlflow_artifacts": ("mlflow", "artifacts"),
    "deploy_trigger_token": ("deploy_trigger", "token"),
}
ATTACHED = {
    "cluster": ("cluster", "AmazonEKSClusterPolicy"), "sagemaker_full_access": ("sagemaker_execution", "AmazonSageMakerFullAccess"),
    "deploy_trigger_logs": ("deploy_trigger", "service-role/AWSLambdaBasicExecutionRole"),
    **{f'nodes["{policy}"]': ("nodes", policy)
       for policy in ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly")},
}
OF_THE_BUCKET = ("versioning", "server_side_encryption_configuration", "public_access_block", "ownership_controls", "policy")
ASSOCIATED = {"operator": "AmazonEKSClusterAdminPolicy", "github_actions": "AmazonEKSEditPolicy"}


def owners(ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What is a resource on both sides."""
    yield from ((address, ids[address]) for address in SAME)
    yield from ((address, ids[ours]) for address, ours in OTHER_NAMES.items())
    domain, user = ids["aws_sagemaker_user_profile.default"].split("/")
    yield "aws_sagemaker_user_profile.default", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:user-profile/{domain}/{user}"


def parts(ids: dict[str, str], secret_version: str) -> Iterator[tuple[str, str]]:
    """What is a resource of its own for Terraform only."""
    for name, (role, policy) in INLINE.items():
        yield f"aws_iam_role_policy.{name}", f"{ids[f'aws_iam_role.{role}']}:{policy}"
    for name, (role, policy) in ATTACHED.items():
        yield f"aws_iam_role_policy_attachment.{name}", f"{ids[f'aws_iam_role.{role}']}/arn:aws:iam::aws:policy/{policy}"
    for part in OF_THE_BUCKET:
        yield f"aws_s3_bucket_{part}.artifacts", ids["aws_s3_bucket.artifacts"]
    for side in ("public", "private"):
        for zone in "ab":
            yield f'aws_route_table_association.{side}["{zone}"]', f"{ids[f'aws_subnet.{side}_{zone}']}/{ids[f'aws_route_table.{side}']}"
    for who, policy in ASSOCIATED.items():
        cluster, principal = ids[f"aws_eks_access_entry.{who}"].split(":", 1)
        yield (f'aws_eks_access_policy_association.this["{who}"]',
               f"{cluster}#{principal}#arn:aws:eks::aws:cluster-access-policy/{policy}")
    function, rule = ids["aws_lambda_function.deploy_trigger"], ids["aws_cloudwatch_event_rule.model_approved"]
    yield "aws_lambda_permission.model_approved", f"{function}/model-approved"
    yield "aws_cloudwatch_event_target.deploy_trigger", f"{rule}/deploy-trigger"
    yield "aws_secretsmanager_secret_version.github_token", f"{ids['aws_secretsmanager_secret.github_token']}|{secret_version}"


def import_blocks(cloud: Sandbox, ids: dict[str, str]) -> str:
    """`import` blocks for all of it; `ids` are mlopsd's, by address."""
    secret = cloud.client("secretsmanager").describe_secret(SecretId=ids["aws_secretsmanager_secret.github_token"])
    version = next(version for version, stages in secret["VersionIdsToStages"].items() if "AWSCURRENT" in stages)
    return "".join(f'import {{\n  to = {address}\n  id = "{id}"\n}}\n\n' for address, id in (*owners(ids), *parts(ids, version)))


# ---- the other way: what Terraform's state says, as mlopsd calls it ----

def ids_of(state: dict[str, Any]) -> dict[str, str]:
    """mlopsd's addresses and ids of all that is a resource on both sides."""
    theirs = {address: attributes for address, attributes in instances(state)}
    ids = {address: theirs[address]["id"] for address in SAME}
    ids |= {ours: theirs[address]["id"] for address, ours in OTHER_NAMES.items()}
    profile = theirs["aws_sagemaker_user_profile.default"]
    return ids | {"aws_sagemaker_user_profile.default": f"{profile['domain_id']}/{profile['user_profile_name']}",
                  "aws_db_instance.mlflow": theirs["aws_db_instance.mlflow"]["identifier"],
                  "aws_cloudwatch_event_rule.model_approved": "default/" + theirs["aws_cloudwatch_event_rule.model_approved"]["name"]}


def instances(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Address and attributes of every resource in a state file."""
    for resource in state["resources"]:
        if resource["mode"] == "managed":
            for instance in resource["instances"]:
                key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
                yield f"{resource['type']}.{resource['name']}{key}", instance["attributes"]
