"""What each fault kind does to an AWS call."""
from __future__ import annotations

import json
import re
import threading
import time
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from ..faults import Rule
from ..httpd import Request, Response
from ..log import is_write
from ..spoil import Ask, Past, hang, wire_fault
from ..world import World
from . import errors
from .names import Call

PRINCIPAL_OPERATIONS = frozenset({"CreateRole", "UpdateAssumeRolePolicy"})
# What a service says about something too young to be seen everywhere.
NOT_YET = {
    "iam": (404, "NoSuchEntity", "The resource cannot be found."),
    "s3": (404, "NoSuchBucket", "The specified bucket does not exist"),
    "ecr": (400, "RepositoryNotFoundException", "The repository does not exist in the registry"),
    "lambda": (400, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."),
    "eks": (400, "InvalidParameterException", "The provided role doesn't have the Amazon EKS Managed Policies associated with it."),
    "sagemaker": (400, "ValidationException", "Could not assume the role. Please ensure that the role exists."),
    "rds": (404, "DBInstanceNotFound", "DBInstance not found."),
}


class Spoiler:
    """Applies one rule to one call; remembers births (not-yet) and old answers (stale)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._past = Past()
        self._lock = threading.Lock()
        self._births: dict[tuple[str, str], float] = {}

    def reset(self) -> None:
        self._past.clear()
        with self._lock:
            self._births.clear()

    def applies(self, rule: Rule, request: Request, call: Call) -> bool:
        """A not-yet rule strikes only calls that speak of something young."""
        return rule.kind != "not-yet" or self._speaks_of_young(request, call, rule.number("seconds", 10))

    def serve(self, request: Request, call: Call, rule: Rule | None, ask: Ask) -> Response:
        """The answer to the call, spoilt as the rule says."""
        def remembered() -> Response:
            response = ask()
            self._remember(request, call, response)
            return response

        if rule is None:
            return remembered()
        response = wire_fault(self._world, request, rule, remembered)
        if response is not None:
            return response
        if rule.kind == "hang":
            return hang(self._world, request, rule, errors.error(call, "500"))
        if rule.kind == "stale":
            return self._stale(request, call, rule) or remembered()
        if rule.kind == "empty":
            return emptied(call, remembered())
        if rule.kind == "not-yet":
            return self._not_yet(call, rule)
        if rule.kind == "error":
            return errors.answer(call, int(rule.number("status", 400)), rule.text("code", "SandboxFault"),
                                 rule.text("message", "injected by the sandbox"))
        response = errors.error(call, rule.kind)
        if "retry_after" in rule.numbers:
            response.set_header("Retry-After", str(int(rule.numbers["retry_after"])))
        return response

    def _key(self, request: Request, call: Call) -> tuple[object, ...]:
        return call.account, call.region, call.service, call.operation, request.target, request.body

    def _remember(self, request: Request, call: Call, response: Response) -> None:
        if not is_write(call.operation):
            self._past.keep(self._key(request, call), response)
        elif call.operation.startswith("Create") and response.status < 300:
            with self._lock:
                for name in call.resources:
                    self._births[call.account, name.removeprefix("https://")] = time.monotonic()

    def _stale(self, request: Request, call: Call, rule: Rule) -> Response | None:
        if is_write(call.operation):
            return None
        return self._past.recall(self._key(request, call), rule.number("seconds", 10))

    def _speaks_of_young(self, request: Request, call: Call, seconds: float) -> bool:
        limit = time.monotonic() - seconds
        with self._lock:
            young = [name for (account, name), born in self._births.items() if account == call.account and born > limit]
        if not young:
            return False
        if call.operation.startswith("Create") or call.operation in PRINCIPAL_OPERATIONS:
            text = unquote_plus(request.body.decode("utf-8", "replace"))
            return any(re.search(rf"[/:]{re.escape(name)}[\"\s]", text) for name in young)
        return any(name == resource or resource.endswith(("/" + name, ":" + name)) for name in young for resource in call.resources)

    def _not_yet(self, call: Call, rule: Rule) -> Response:
        status, code, message = NOT_YET.get(call.service, (400, "ResourceNotFoundException", "The resource does not exist."))
        if call.service == "iam" and call.operation in PRINCIPAL_OPERATIONS:
            status, code, message = 400, "MalformedPolicyDocument", "Invalid principal in policy"
        return errors.answer(call, int(rule.number("status", status)), rule.text("code", code), rule.text("message", message))


def emptied(call: Call, response: Response) -> Response:
    """A well-formed answer with nothing in it: lists without elements, no next page."""
    if response.status >= 300 or not response.body:
        return response
    if call.protocol in ("json", "rest-json") or response.body.lstrip().startswith(b"{"):  # S3's GetBucketPolicy speaks JSON
        document = json.loads(response.body)
        kept = {key: [] if isinstance(value, list) else {} if isinstance(value, dict) else value
                for key, value in document.items() if "token" not in key.lower()}
        response.body = json.dumps(kept).encode()
        return response
    space = re.match(rb"(?:<\?xml[^>]*>\s*)?<\w+[^>]*?xmlns=\"([^\"]+)\"", response.body)
    if space:
        ElementTree.register_namespace("", space.group(1).decode())
    root = ElementTree.fromstring(response.body)
    for page in [child for child in root if child.tag.endswith("Result")] or [root]:
        for child in list(page):
            name = child.tag.rpartition("}")[2]
            if len(child) and name != "ResponseMetadata":
                child[:] = []
                child.text = None
            elif name == "IsTruncated":
                child.text = "false"
            elif name in ("Marker", "NextToken", "nextToken", "ContinuationToken", "NextMarker"):
                page.remove(child)
    response.body = ElementTree.tostring(root)
    return response
