"""Bucket policies: which are public, which are malformed, and the status calls moto does not know."""
from __future__ import annotations

import json
from typing import Any

from ..httpd import Request, Response
from . import errors
from .names import Call

# Condition keys that, with a fixed value, keep a wildcard principal from being public.
NARROWING = frozenset({
    "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:principalorgid",
    "aws:principalaccount", "aws:principalarn", "aws:userid", "s3:dataaccesspointarn", "s3:dataaccesspointaccount"})
XML = [("Content-Type", "application/xml")]
SPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def without_conditions(policy: bytes) -> bytes:
    """The policy as moto should judge it: it ignores conditions, so a conditional Deny would always strike.

    The usual one refuses plain HTTP; the sandbox stands in for a TLS endpoint.
    """
    document = json.loads(policy)
    kept = [statement for statement in _list(document["Statement"]) if not (statement.get("Effect") == "Deny" and statement.get("Condition"))]
    return json.dumps({**document, "Statement": kept}).encode()


def is_public(policy: bytes | str) -> bool:
    """Whether some Allow statement admits everybody."""
    return any(_admits_all(statement) for statement in _list(json.loads(policy)["Statement"]))


def _admits_all(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    wildcard = principal == "*" or (isinstance(principal, dict) and "*" in _list(principal.get("AWS", [])))
    if statement.get("Effect") != "Allow" or not (wildcard or "NotPrincipal" in statement):
        return False
    for tests in statement.get("Condition", {}).values():
        for key, values in tests.items():
            if key.lower() in NARROWING and not any("*" == value or value == "0.0.0.0/0" for value in _list(values)):
                return False
    return True


def _fault(policy: bytes, bucket: str) -> str:
    """Why the document is no bucket policy; empty when it is one."""
    try:
        document = json.loads(policy)
    except ValueError:
        return "Policies must be valid JSON and the first byte must be '{'"
    if not isinstance(document, dict) or "Statement" not in document:
        return "Missing required field Statement"
    for statement in _list(document["Statement"]):
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            return "Invalid effect"
        if not {"Principal", "NotPrincipal"} & statement.keys():
            return "Missing required field Principal"
        if not {"Action", "NotAction"} & statement.keys():
            return "Missing required field Action"
        for resource in _list(statement.get("Resource", statement.get("NotResource", []))):
            name = str(resource).partition(":::")[2].partition("/")[0]
            if name != bucket and "*" not in name:
                return "Policy has invalid resource"
    return ""


def front(request: Request, call: Call, bucket: Any) -> Response | None:
    """Refusals for PutBucketPolicy; answers for GetBucketPolicyStatus and GetBucketAbac."""
    if bucket is None:
        return None
    if call.operation == "PutBucketPolicy":
        problem = _fault(request.body, bucket.name)
        if problem:
            return errors.answer(call, 400, "MalformedPolicy", problem)
        block = bucket.public_access_block
        if block and block.block_public_policy and is_public(request.body):
            return errors.answer(call, 403, "AccessDenied", f"User is not authorized to perform: s3:PutBucketPolicy on resource: "
                                 f'"arn:aws:s3:::{bucket.name}" because public policies are prevented by the BlockPublicPolicy setting in S3 '
                                 "Block Public Access.")
    if call.operation == "GetBucketPolicyStatus":
        if not bucket.policy:
            return errors.answer(call, 404, "NoSuchBucketPolicy", "The bucket policy does not exist")
        block = bucket.public_access_block
        public = is_public(bucket.policy) and not (block and block.restrict_public_buckets)
        return Response(200, list(XML), f"<PolicyStatus {SPACE}><IsPublic>{str(public).lower()}</IsPublic></PolicyStatus>".encode())
    if call.operation == "GetBucketAbac":
        return Response(200, list(XML), f"<AbacStatus {SPACE}><Status>Disabled</Status></AbacStatus>".encode())
    return None
