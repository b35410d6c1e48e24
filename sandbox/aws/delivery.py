"""EventBridge to Lambda: which function an event goes to, in which form, and whether the function's policy lets it in.

moto raises NotImplementedError for such a target; its other targets stay its own business.
"""
from __future__ import annotations

import datetime
import fnmatch
import json
import uuid
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.events.models import EventsBackend, Rule, events_backends
from moto.events.utils import EventTemplateParser

from ..world import World
from .functions import Functions, Job
from .repair import repair

PRINCIPAL = "events.amazonaws.com"


def install(world: World, functions: Functions) -> None:
    """Patch moto's EventBridge."""
    @repair(EventsBackend, "put_events")
    def put_events(original: Any, self: Any, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # Sources of AWS are its own.
        allowed = iter(original([event for event in events if not str(event.get("Source", "")).startswith("aws.")]))
        refused = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
        return [dict(refused) if str(event.get("Source", "")).startswith("aws.") else next(allowed) for event in events]

    @repair(Rule, "send_to_targets")
    def send_to_targets(original: Any, self: Any, event: dict[str, Any], transform_input: bool = True) -> None:
        if self.state == "DISABLED" or not self.event_pattern.get_pattern():
            return  # an empty pattern is that of a schedule
        every = self.targets
        if self.event_pattern.matches_event(event):
            for target in every:
                if ":lambda:" in target["Arn"]:
                    _deliver(functions, self, target, _message(event))
        self.targets = [target for target in every if ":lambda:" not in target["Arn"]]
        try:
            original(event, transform_input)
        finally:
            self.targets = every


def emit(world: World, account: str, region: str, source: str, kind: str, resources: list[str], detail: dict[str, Any]) -> None:
    """An event of AWS itself, on the default bus."""
    now = world.clock.now()
    event = {"version": "0", "id": str(uuid.uuid4()), "detail-type": kind, "source": source, "account": account, "time": now,
             "ingestion-time": now, "region": region, "resources": resources, "detail": detail}
    for rule in list(events_backends[account][region].event_buses["default"].rules.values()):
        rule.send_to_targets(event)


def stamp(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _message(event: dict[str, Any]) -> dict[str, Any]:
    """As a target gets to see it."""
    names = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
    message = json.loads(json.dumps({name: event[name] for name in names}))
    if not isinstance(message["time"], str):
        message["time"] = stamp(message["time"])
    return message  # type: ignore[no-any-return]


def _input(target: dict[str, Any], message: dict[str, Any]) -> Any:
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        value: Any = message
        for name in target["InputPath"].removeprefix("$").strip(".").split("."):
            value = value[name] if name else value
        return value
    transformer = target.get("InputTransformer")
    if not transformer:
        return message
    return EventTemplateParser.parse(input_template=transformer["InputTemplate"], input_paths_map=transformer.get("InputPathsMap", {}),
                                     event=message)  # type: ignore[arg-type]


def _deliver(functions: Functions, rule: Any, target: dict[str, Any], message: dict[str, Any]) -> None:
    arn, event = target["Arn"], _input(target, message)
    _, _, _, region, account, _, name = arn.split(":")[:7]
    function = next((f for f in lambda_backends[account][region].list_functions() if f.function_name == name), None)
    if function is None:
        functions.refuse(arn, rule.arn, event, "the function does not exist")
    elif not _permits(function, rule):
        functions.refuse(arn, rule.arn, event, f"the function's policy does not let {PRINCIPAL} invoke it for this rule")
    else:
        functions.start(Job(name, function.function_arn, rule.arn, event, account, region, function.handler, function.run_time or "",
                            float(function.timeout), function.code_bytes, dict(function.environment_vars or {})))


def _permits(function: Any, rule: Any) -> bool:
    return any(_statement_permits(statement, rule) for statement in function.policy.statements)


def _statement_permits(statement: dict[str, Any], rule: Any) -> bool:
    principal = statement.get("Principal")
    service = principal.get("Service") if isinstance(principal, dict) else principal
    if statement.get("Effect") != "Allow" or statement.get("Action") not in ("lambda:InvokeFunction", "lambda:*") or service != PRINCIPAL:
        return False
    known = {"aws:sourcearn": rule.arn, "aws:sourceaccount": rule.arn.split(":")[4]}
    for tests in (statement.get("Condition") or {}).values():
        for key, pattern in tests.items():
            if not fnmatch.fnmatchcase(known.get(key.lower(), ""), str(pattern)):
                return False
    return True
