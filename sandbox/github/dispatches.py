"""Starting workflows from outside: workflow_dispatch and repository_dispatch, recorded; nothing runs."""
from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from ..httpd import Response
from .actions import find_workflow
from .answers import Refusal, nothing
from .context import Context

INPUTS = 25  # as many as a dispatch may carry
# Files of the repository are not read here: this stands for the `run-name:` of its workflows.
RUN_NAME = "${{ inputs.model_package_group }} ${{ inputs.dispatch_id }}"


@dataclass
class Dispatch:
    """One accepted request to start something."""

    kind: str  # workflow | repository
    repository: str
    login: str
    time: float
    workflow: str = ""  # file of the workflow
    ref: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    event_type: str = ""
    client_payload: dict[str, Any] = field(default_factory=dict)

    def show(self) -> dict[str, Any]:
        return asdict(self)


def _record(context: Context, kind: str, **facts: Any) -> Response:
    login = context.token.login if context.token else ""
    context.state.dispatches.append(Dispatch(kind, context.repository.full_name, login, context.now, **facts))
    return nothing()


def dispatch_workflow(context: Context) -> Response:
    body, workflow = context.body(("ref",)), find_workflow(context)
    ref, inputs = str(body["ref"]), body.get("inputs") or {}
    if workflow["state"] != "active":
        raise Refusal(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    if ref.removeprefix("refs/heads/") != context.repository.default_branch:
        raise Refusal(422, f"No ref found for: {ref}")
    if not isinstance(inputs, dict) or len(inputs) > INPUTS:
        raise Refusal(422, f"Invalid inputs: an object of at most {INPUTS} is expected")
    return _record(context, "workflow", workflow=workflow["path"].rpartition("/")[2], ref=ref, inputs=inputs)


def dispatch_repository(context: Context) -> Response:
    body = context.body(("event_type",))
    payload = body.get("client_payload") or {}
    if not isinstance(payload, dict) or len(payload) > 10:
        raise Refusal(422, "No more than 10 properties are allowed in client_payload")
    return _record(context, "repository", event_type=str(body["event_type"]), client_payload=payload)


def _show_run(context: Context, number: int, dispatch: Dispatch) -> dict[str, Any]:
    title = re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda match: str(dispatch.inputs.get(match[1], "")), RUN_NAME)
    stamp = context.state.clock.stamp(dispatch.time)
    return {"id": number, "name": dispatch.workflow, "display_title": title, "event": "workflow_dispatch", "status": "queued",
            "conclusion": None, "head_branch": dispatch.ref.removeprefix("refs/heads/"), "run_number": number, "created_at": stamp,
            "updated_at": stamp}


def list_runs(context: Context) -> Response:
    """Newest first."""
    file, repository = find_workflow(context)["path"].rpartition("/")[2], context.repository.full_name
    mine = [dispatch for dispatch in context.state.dispatches if (dispatch.workflow, dispatch.repository) == (file, repository)]
    rows = [_show_run(context, number, dispatch) for number, dispatch in enumerate(mine, 1)]
    if context.request.query.get("event", "workflow_dispatch") != "workflow_dispatch":
        rows = []
    return context.paged("workflow_runs", rows[::-1])
