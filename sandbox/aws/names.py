"""Names a call: service, operation, region, and the resources it speaks of, from the request alone.

Needed before moto sees the call (faults) and for the log. REST services are matched against botocore's own models.
"""
from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from ..httpd import Request

# Signing name (credential scope) to the service's name in botocore, where they differ.
SIGNING_NAMES = {"tagging": "resourcegroupstaggingapi", "monitoring": "cloudwatch", "eventbridge": "events"}
REST_SERVICES = ("s3", "eks", "lambda")
TARGET_PREFIXES = {
    "AmazonEC2ContainerRegistry_V20150921": "ecr", "secretsmanager": "secretsmanager", "AWSEvents": "events", "SageMaker": "sagemaker",
    "AmazonSSM": "ssm", "ResourceGroupsTaggingAPI_20170126": "resourcegroupstaggingapi",
    "CloudTrail_20131101": "cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101": "cloudtrail"}
# Operations AWS serves without a signature.
UNSIGNED = frozenset({"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})
_ID_PARAMETER = re.compile(r"(Name|Names|Arn|ARN|ARNs|Arns|ArnList|ARNList|Id|Ids|Identifier|Url|Bucket|Principal)$", re.IGNORECASE)
_NOT_ID = re.compile(r"Token|ClientRequest|KeyId|ClientID|SessionName", re.IGNORECASE)


@dataclass
class Call:
    """What a request asks for."""

    service: str = "s3"
    operation: str = "Unknown"
    region: str = "us-east-1"
    protocol: str = "rest-xml"
    access_key: str = ""
    account: str = ""
    resources: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)  # REST: what the path names


def authorization(request: Request) -> tuple[str, list[str]]:
    """Access key and scope [date, region, service, "aws4_request"] as claimed in header or query; ("", []) when unsigned."""
    match = re.search(r"Credential=([^,\s]+)", request.header("Authorization"))
    credential = match.group(1) if match else request.query.get("X-Amz-Credential", "")
    key, *scope = credential.rsplit("/", 4)
    return (key, scope) if len(scope) == 4 else ("", [])


def name_call(request: Request) -> Call:
    """Name the service and operation; an operation that fits nothing is "Unknown"."""
    call = Call()
    call.access_key, scope = authorization(request)
    target = request.header("X-Amz-Target")
    form = _form(request)
    if scope:
        call.region, call.service = scope[1], SIGNING_NAMES.get(scope[2], scope[2])
    elif target:
        call.service = TARGET_PREFIXES.get(target.rpartition(".")[0], "unknown")
    elif form.get("Action"):
        call.service = "sts" if form.get("Version") == "2011-06-15" else "iam" if form.get("Version") == "2010-05-08" else "ec2"
    if call.service == "elasticloadbalancing":
        call.service = "elbv2" if form.get("Version") == "2015-12-01" else "elb"
    if target:
        call.protocol, call.operation = "json", target.rpartition(".")[2]
        call.resources = _json_resources(request.body)
    elif form.get("Action"):
        call.protocol = "ec2" if call.service == "ec2" else "query"
        call.operation = form["Action"]
        call.resources = _form_resources(form)
    else:
        call.protocol = "rest-xml" if call.service == "s3" else "rest-json"
        if call.service in REST_SERVICES:
            call.operation, call.labels = _match_rest(call.service, request)
            call.resources = list(call.labels.values())
    return call


def _form(request: Request) -> dict[str, str]:
    """Parameters of the query protocol, from body or query."""
    if request.header("Content-Type").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if "Action" in form:
            return form
    query = request.query
    return query if "Action" in query and request.raw_path == "/" else {}


def _form_resources(form: dict[str, str]) -> list[str]:
    """Values of Name, Arn, Id parameters, `VpcId.1` and `Names.member.1` included, nested structures not."""
    found = []
    for key, value in form.items():
        plain = re.sub(r"(\.member|\.\w*(Identifier|Id))?\.\d+$", "", key)
        if "." not in plain and value and _ID_PARAMETER.search(plain) and not _NOT_ID.search(plain):
            found.append(value)
    return found[:20]


def _json_resources(body: bytes) -> list[str]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return []
    found: list[str] = []
    for key, value in document.items() if isinstance(document, dict) else ():
        if _ID_PARAMETER.search(key) and not _NOT_ID.search(key):
            found += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
    return found[:20]


@dataclass(frozen=True)
class _Template:
    """How botocore would send one REST operation."""

    operation: str
    method: str
    path: re.Pattern[str]
    constants: tuple[tuple[str, str], ...]
    required_headers: frozenset[str]
    required_query: frozenset[str]
    weight: tuple[int, int, int, int]

    def fits(self, method: str, path: str, query: dict[str, str], headers: set[str]) -> re.Match[str] | None:
        if method != self.method or not self.required_headers <= headers or not self.required_query <= query.keys():
            return None
        if any(key not in query or (value and query[key] != value) for key, value in self.constants):
            return None
        return self.path.fullmatch(path)


def _path_pattern(uri: str) -> re.Pattern[str]:
    """'/{Bucket}/{Key+}' to a pattern over the raw path."""
    parts = []
    for piece in re.split(r"(\{[^}]+\})", uri.rstrip("/") or "/"):
        if piece.startswith("{"):
            label = piece[1:-1]
            parts.append(f"(?P<{label.rstrip('+')}>{'.+' if label.endswith('+') else '[^/]+'})")
        else:
            parts.append(re.escape(piece))
    return re.compile("".join(parts) + "/?")


@functools.lru_cache(maxsize=None)
def _templates(service: str) -> tuple[_Template, ...]:
    """All operations of a REST service, most specific first.

    Built from the raw model: parsing it into botocore's classes costs ten times as much. Deprecated operations are skipped, else
    PutBucketLifecycle would hide PutBucketLifecycleConfiguration.
    """
    import botocore.loaders

    model = botocore.loaders.create_loader().load_service_model(service, "service-2")
    shapes: dict[str, Any] = model["shapes"]
    found = []
    for name, operation in model["operations"].items():
        if operation.get("deprecated"):
            continue
        path, _, query = operation["http"]["requestUri"].partition("?")
        members: dict[str, Any] = {}
        required: list[str] = []
        if "input" in operation:
            shape = shapes[operation["input"]["shape"]]
            members, required = shape.get("members", {}), shape.get("required", [])
        at = {place: frozenset(str(members[m].get("locationName", m)) for m in required if members[m].get("location") == place)
              for place in ("header", "querystring")}
        constants = tuple(parse_qsl(query, keep_blank_values=True))
        headers = frozenset(name.lower() for name in at["header"])
        weight = (len(constants), len(headers), len(at["querystring"]), len(re.sub(r"\{[^}]+\}", "", path)) + path.count("/"))
        found.append(_Template(name, operation["http"]["method"], _path_pattern(path), constants, headers, at["querystring"], weight))
    return tuple(sorted(found, key=lambda template: template.weight, reverse=True))


def _match_rest(service: str, request: Request) -> tuple[str, dict[str, str]]:
    """Operation and the labels of its path."""
    query = request.query
    headers = {name.lower() for name, _ in request.headers}
    for template in _templates(service):
        match = template.fits(request.method, request.raw_path, query, headers)
        if match:
            return template.operation, {name: unquote(value) for name, value in match.groupdict().items() if value}
    return "Unknown", {}


def preload() -> None:
    """Build the tables of the service every platform uses; the others are built on first use."""
    _templates("s3")
