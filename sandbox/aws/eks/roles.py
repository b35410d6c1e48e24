"""What EKS wants of IAM: roles it may assume, and principals that exist."""
from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from .state import invalid_parameter

PRINCIPAL = re.compile(r"arn:(?P<partition>[\w-]+):iam::(?P<account>\d{12}):(?P<kind>role|user)/.+")
ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<name>[^/]+)/(?P<session>.+)")


def find(arn: str) -> Any:
    """The role with this ARN, in whichever account; None when there is none."""
    match = PRINCIPAL.fullmatch(arn)
    if not match or match["kind"] != "role":
        return None
    return next((role for role in iam_backends[match["account"]][match["partition"]].get_roles() if role.arn == arn), None)


def trusts(role: Any, service: str) -> bool:
    """Does the trust policy let the service in?"""
    document = role.assume_role_policy_document
    statements = json.loads(unquote(document) if isinstance(document, str) else json.dumps(document))["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and service in ([services] if isinstance(services, str) else services):
            return True
    return False


def policies(role: Any) -> set[str]:
    return set(role.managed_policies)


def check_cluster_role(arn: str) -> None:
    role = find(arn)
    if role is None:
        raise invalid_parameter(f"roleArn, {arn}, does not exist")
    if not trusts(role, "eks.amazonaws.com"):
        raise invalid_parameter("Role could not be assumed because the trusted entity is not correct")
    if not policies(role) and not role.policies:
        raise invalid_parameter("The provided role doesn't have the Amazon EKS Managed Policies associated with it. Please ensure the "
                                "following policy is attached: AmazonEKSClusterPolicy")


def check_node_role(arn: str, cluster: str) -> None:
    role = find(arn)
    if role is None:
        raise invalid_parameter(f"The role with name {arn.rpartition('/')[2]} cannot be found: nodeRole {arn} does not exist",
                                clusterName=cluster)
    if not trusts(role, "ec2.amazonaws.com"):
        raise invalid_parameter("Following required service principals [ec2.amazonaws.com] were not found in the trust relationships "
                                f"of nodeRole {arn}", clusterName=cluster)


def hidden_id(arn: str) -> str:
    """IAM's unique id behind an ARN, empty when there is no such principal. A role made anew under its name has another one."""
    match = PRINCIPAL.fullmatch(arn)
    if not match:
        return ""
    backend = iam_backends[match["account"]][match["partition"]]
    if match["kind"] == "role":
        role = find(arn)
        return role.id if role else ""
    if arn.endswith(":user/sandbox"):  # whom GetCallerIdentity names for the sandbox's own keys
        return f"AIDASANDBOX{match['account']}"
    return next((user.id for user in backend.users.values() if user.arn == arn), "")


def caller(account: str, partition: str, region: str, access_key: str) -> str:
    """The IAM principal behind an access key."""
    _, arn, _ = sts_backends[account][partition].get_caller_identity(access_key, region)
    return canonical(arn)


def canonical(arn: str) -> str:
    """The role of an assumed role, path included; any other ARN as it is."""
    match = ASSUMED.fullmatch(arn)
    if not match:
        return arn
    roles = iam_backends[match["account"]][match["partition"]].get_roles()
    return next((role.arn for role in roles if role.name == match["name"]), arn)


def session(arn: str) -> str:
    match = ASSUMED.fullmatch(arn)
    return match["session"] if match else ""
