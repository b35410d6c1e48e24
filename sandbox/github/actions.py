"""Settings of GitHub Actions in a repository: permissions, OIDC subject, workflows."""
from __future__ import annotations

import re
from typing import Any

from ..httpd import Response
from .answers import Refusal, answer, invalid, not_found, nothing
from .context import Context

CLAIM = re.compile(r"[A-Za-z0-9_]+")


def get_permissions(context: Context) -> Response:
    shown = dict(context.repository.permissions)
    if not shown["enabled"]:
        shown = {"enabled": False, "sha_pinning_required": shown["sha_pinning_required"]}
    elif shown["allowed_actions"] == "selected":
        shown["selected_actions_url"] = f"{context.base_url}/repositories/{context.repository.id}/actions/permissions/selected-actions"
    return answer(shown)


def put_permissions(context: Context) -> Response:
    body = context.body(("enabled",))
    _need(body, "enabled", bool)
    if body.get("allowed_actions", "all") not in ("all", "local_only", "selected"):
        raise invalid("Repository", "allowed_actions", "invalid")
    _merge(context.repository.permissions, body)
    return nothing()


def get_selected_actions(context: Context) -> Response:
    _need_selected(context)
    return answer(context.repository.selected_actions)


def put_selected_actions(context: Context) -> Response:
    _need_selected(context)
    _merge(context.repository.selected_actions, context.body())
    return nothing()


def _need_selected(context: Context) -> None:
    if context.repository.permissions["allowed_actions"] != "selected":
        raise Refusal(409, "Conflict: allowed_actions is not 'selected'")


def get_workflow_permissions(context: Context) -> Response:
    return answer(context.repository.workflow_permissions)


def put_workflow_permissions(context: Context) -> Response:
    body = context.body()
    if body.get("default_workflow_permissions", "read") not in ("read", "write"):
        raise invalid("Repository", "default_workflow_permissions", "invalid")
    _merge(context.repository.workflow_permissions, body)
    return nothing()


def _merge(target: dict[str, Any], body: dict[str, Any]) -> None:
    """Take the fields we know; GitHub ignores others."""
    target.update({name: value for name, value in body.items() if name in target})


def _need(body: dict[str, Any], name: str, kind: type) -> None:
    if not isinstance(body[name], kind):
        raise Refusal(422, f"Invalid request.\n\nFor '{name}', {body[name]!r} is not a {kind.__name__}.")


def get_oidc(context: Context) -> Response:
    """`sub_claim_prefix` is the one thing a trust policy may be built from."""
    repository = context.repository
    shown = dict(repository.oidc)
    shown.setdefault("use_immutable_subject", repository.immutable_subject)
    return answer({**shown, "sub_claim_prefix": repository.sub_claim_prefix})


def put_oidc(context: Context) -> Response:
    body = context.body(("use_default",))
    _need(body, "use_default", bool)
    keys = body.get("include_claim_keys")
    if keys is not None and not (isinstance(keys, list) and len(set(keys)) == len(keys) and all(CLAIM.fullmatch(str(key)) for key in keys)):
        raise invalid("OIDC", "include_claim_keys", "invalid")
    kept = {"use_default": body["use_default"]}
    if keys is not None and not body["use_default"]:
        kept["include_claim_keys"] = keys
    if "use_immutable_subject" in body:
        _need(body, "use_immutable_subject", bool)
        kept["use_immutable_subject"] = body["use_immutable_subject"]
    elif "use_immutable_subject" in context.repository.oidc:
        kept["use_immutable_subject"] = context.repository.oidc["use_immutable_subject"]
    context.repository.oidc = kept
    return answer({}, 201)


def _show_workflow(context: Context, workflow: dict[str, Any]) -> dict[str, Any]:
    repository, stamp = context.repository, context.state.clock.stamp(context.repository.created)
    return {**workflow, "node_id": f"W_{workflow['id']}", "created_at": stamp, "updated_at": stamp,
            "url": f"{context.base_url}/repos/{repository.full_name}/actions/workflows/{workflow['id']}",
            "html_url": f"https://github.com/{repository.full_name}/blob/{repository.default_branch}/{workflow['path']}",
            "badge_url": f"https://github.com/{repository.full_name}/workflows/{workflow['name']}/badge.svg"}


def find_workflow(context: Context) -> dict[str, Any]:
    wanted = context.parameters["workflow_id"]
    for workflow in context.repository.workflows:
        if wanted in (str(workflow["id"]), workflow["path"].rpartition("/")[2]):
            return workflow
    raise not_found()


def list_workflows(context: Context) -> Response:
    return context.paged("workflows", [_show_workflow(context, workflow) for workflow in context.repository.workflows])


def get_workflow(context: Context) -> Response:
    return answer(_show_workflow(context, find_workflow(context)))


def enable_workflow(context: Context) -> Response:
    find_workflow(context)["state"] = "active"
    return nothing()
