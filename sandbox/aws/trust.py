"""Trust policies as IAM judges them: every principal must exist, and a shared issuer must be pinned to a subject."""
from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from moto.iam import exceptions

GITHUB_ISSUER = "token.actions.githubusercontent.com"
IAM_ARN = re.compile(r"arn:[\w-]+:iam::(?P<account>\d{12}):(?P<kind>root|role/.+|user/.+|oidc-provider/.+|saml-provider/.+)")
SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?|[a-z0-9.-]+\.amazon\.com")
DOMAINS = frozenset({"cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com"})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def check(document: str, backend_of: Callable[[str], Any], account: str) -> None:
    """Raise MalformedPolicyDocument for a principal that does not exist or a GitHub trust without a subject."""
    for statement in _list(json.loads(document)["Statement"]):
        principal = statement.get("Principal", {})
        if principal == "*":
            continue
        for kind, values in principal.items():
            for value in _list(values):
                if not _exists(kind, value, backend_of):
                    raise exceptions.MalformedPolicyDocument(f'Invalid principal in policy: "{kind.upper()}":"{value}"')
        if statement.get("Effect") == "Allow" and any(GITHUB_ISSUER in str(value) for value in _list(principal.get("Federated", []))):
            _need_subject(statement)


def _exists(kind: str, value: str, backend_of: Callable[[str], Any]) -> bool:
    if kind == "Service":
        return bool(SERVICE.fullmatch(value))
    if kind == "Federated" and value in DOMAINS:
        return True
    if kind == "AWS" and (value == "*" or re.fullmatch(r"\d{12}", value) or re.match(r"arn:[\w-]+:sts::\d{12}:assumed-role/", value)):
        return True
    match = IAM_ARN.fullmatch(value)
    if not match:
        return kind == "CanonicalUser"
    what, _, name = match["kind"].partition("/")
    if what == "root":
        return kind == "AWS"
    backend = backend_of(match["account"])
    if what == "role":
        return kind == "AWS" and any(role.arn == value for role in backend.get_roles())
    if what == "user":
        return kind == "AWS" and any(user.arn == value for user in backend.users.values())
    if what == "oidc-provider":
        return kind == "Federated" and value in backend.open_id_providers
    return kind == "Federated" and any(provider.arn == value for provider in backend.saml_providers.values())


def _need_subject(statement: dict[str, Any]) -> None:
    """AWS insists on the claim that tells one GitHub repository from all others."""
    for operator, tests in statement.get("Condition", {}).items():
        if operator == "Null":
            continue
        for key, values in tests.items():
            if key.lower() == f"{GITHUB_ISSUER}:sub" and all(value not in ("", "*") for value in _list(values)):
                return
    raise exceptions.MalformedPolicyDocument(
        f"Trust policy for the OIDC provider {GITHUB_ISSUER} must evaluate the condition key {GITHUB_ISSUER}:sub and it must not be a wildcard")
