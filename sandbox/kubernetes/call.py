"""One call: what its path and query say, before anybody looks at objects."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ..httpd import Request
from .authn import ANONYMOUS, User
from .resources import Resource, find
from .status import Refusal

PATCHES = {"application/apply-patch+yaml": "apply", "application/json-patch+json": "json", "application/merge-patch+json": "merge",
           "application/strategic-merge-patch+json": "strategic"}
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
MANAGER_LENGTH = 128


@dataclass
class Call:
    """A request for objects (`resource`) or for something else (None)."""

    request: Request
    query: dict[str, str]
    resource: Resource | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    verb: str = "get"
    user: User = ANONYMOUS
    warnings: list[str] = field(default_factory=list)

    @property
    def kind(self) -> Resource:
        if self.resource is None:
            raise TypeError("this call names no kind")
        return self.resource

    @property
    def dry_run(self) -> bool:
        return self.query.get("dryRun") == "All"

    @property
    def patch(self) -> str:
        return PATCHES.get(self.request.header("Content-Type").partition(";")[0].strip(), "")

    @property
    def plural(self) -> str:
        """With the subresource, as authorization names it."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural

    @property
    def operation(self) -> str:
        """For the log: "apply deployments", "dry-run deployments", "get /version"."""
        if self.resource is None:
            return f"{self.verb} {self.request.path}"
        if self.dry_run and self.verb in ("create", "update", "patch", "delete"):
            return f"dry-run {self.plural}"
        return f"{'apply' if self.verb == 'patch' and self.patch == 'apply' else self.verb} {self.plural}"

    @property
    def writes(self) -> bool:
        review = self.resource is not None and self.resource.kind == "SelfSubjectAccessReview"
        return self.request.method not in ("GET", "HEAD") and not self.dry_run and not review

    @property
    def manager(self) -> str:
        """fieldManager, else the client's name."""
        agent = self.request.header("User-Agent").partition("/")[0]
        return self.query.get("fieldManager") or agent[:MANAGER_LENGTH] or "unknown"

    def names(self) -> list[str]:
        """What the call speaks of, for faults and the log."""
        full = f"{self.namespace}/{self.name}" if self.namespace and self.name else ""
        return [text for text in (full, self.name, self.namespace) if text]

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")


def parse(request: Request, path: str) -> Call:
    """`path`: raw, without a prefix. A path that is no kind's leaves `resource` None."""
    steps = [unquote(step) for step in path.split("/") if step]
    call = Call(request, request.query)
    call.verb = VERBS.get(request.method, "get")
    group, version, rest = _split(steps)
    if not rest:
        return call
    if rest[0] == "namespaces" and len(rest) > 2 and find(group, version, rest[2]):
        call.namespace, rest = rest[1], rest[2:]
        call.resource = find(group, version, rest[0])
        if call.resource and not call.resource.namespaced:
            call.resource = None
    else:
        call.resource = find(group, version, rest[0])
    if call.resource is None or len(rest) > 3:
        call.resource = None
        return call
    call.name = rest[1] if len(rest) > 1 else ""
    call.subresource = rest[2] if len(rest) > 2 else ""
    if call.subresource and call.subresource not in call.resource.subresources:
        call.resource = None
        return call
    if request.method in ("GET", "HEAD"):
        call.verb = _reading(call)
    elif request.method == "DELETE" and not call.name:
        call.verb = "deletecollection"
    return call


def _split(steps: list[str]) -> tuple[str, str, list[str]]:
    if steps[:1] == ["api"] and len(steps) > 2:
        return "", steps[1], steps[2:]
    if steps[:1] == ["apis"] and len(steps) > 3:
        return steps[1], steps[2], steps[3:]
    return "", "", []


def _reading(call: Call) -> str:
    if call.flag("watch"):
        return "watch"
    return "get" if call.name else "list"


def check_form(call: Call) -> None:
    """Refusals that need no object: method, options, content type."""
    resource = call.kind
    verb = "delete" if call.verb == "deletecollection" else call.verb
    below = call.subresource in ("status", "scale") and verb in ("get", "patch", "update")
    if (verb not in resource.verbs and not below) or (verb in ("get", "update", "patch", "delete") and not call.name) \
            or call.verb == "deletecollection" or (verb == "create" and call.name):
        raise Refusal(405, "the server does not allow this method on the requested resource",
                      details={"group": resource.group, "kind": resource.plural} if resource.group else {"kind": resource.plural})
    if verb == "create" and resource.namespaced and not call.namespace:
        raise Refusal(405, "the server does not allow this method on the requested resource")
    if verb == "patch":
        _check_patch(call)
    if call.query.get("dryRun", "All") != "All":
        raise _bad_option(f'dryRun: Unsupported value: "{call.query["dryRun"]}": supported values: "All"', "dryRun")
    if call.query.get("fieldValidation", "Warn") not in ("Ignore", "Warn", "Strict"):
        raise _bad_option(f'fieldValidation: Unsupported value: "{call.query["fieldValidation"]}": supported values: "Ignore", "Strict", "Warn"',
                          "fieldValidation")


def _check_patch(call: Call) -> None:
    if not call.patch:
        raise Refusal(415, "the body of the request was in an unknown format - accepted media types include: " + ", ".join(PATCHES))
    manager = call.query.get("fieldManager", "")
    if call.patch == "apply" and not manager:
        raise _bad_option("fieldManager: Required value: is required for apply patch", "fieldManager")
    if len(manager) > MANAGER_LENGTH or not manager.isprintable():
        raise _bad_option(f"fieldManager: Invalid value: {manager!r}: may not be more than 128 printable characters", "fieldManager")
    if call.patch != "apply" and "force" in call.query:
        raise _bad_option("force: Forbidden: may not be specified for non-apply patch", "force")


def _bad_option(text: str, option: str) -> Refusal:
    causes: list[dict[str, Any]] = [{"reason": "FieldValueInvalid", "message": text.partition(": ")[2], "field": option}]
    return Refusal(422, f'PatchOptions.meta.k8s.io "" is invalid: {text}',
                   details={"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes})
