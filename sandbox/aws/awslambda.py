"""Lambda: functions are pending at first and busy after a write, statement ids are unique, all of a configuration is kept."""
from __future__ import annotations

import json
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction

from ..world import World
from .repair import repair


class Busy(LambdaClientError):
    code = 409

    def __init__(self, message: str) -> None:
        super().__init__("ResourceConflictException", message)


def install(world: World) -> None:
    """Patch moto's Lambda."""
    _repair_states(world)
    _repair_configuration()

    @repair(LambdaBackend, "add_permission")
    def add_permission(original: Any, self: Any, function_name: str, qualifier: str, raw: str) -> Any:
        sid = json.loads(raw).get("StatementId")
        function = self.get_function(function_name, qualifier)
        if any(statement.get("Sid") == sid for statement in function.policy.statements):
            raise Busy(f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement.")
        return original(function_name, qualifier, raw)


def _repair_states(world: World) -> None:
    @repair(LambdaFunction, "__init__")
    def born(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        self.pending_until = self.busy_until = 0.0
        original(*args, **kwargs)

    @repair(LambdaBackend, "create_function")
    def create_function(original: Any, self: Any, spec: dict[str, Any]) -> Any:
        function = original(spec)
        function.pending_until = world.lifecycle.after("lambda.function.create")
        return function

    @repair(LambdaFunction, "get_configuration")
    def get_configuration(original: Any, self: Any, on_create: bool = False) -> dict[str, Any]:
        configuration = original(on_create)
        if not world.lifecycle.reached(self.pending_until):
            configuration |= {"State": "Pending", "StateReasonCode": "Creating", "StateReason": "The function is being created."}
        elif not world.lifecycle.reached(self.busy_until):
            configuration["LastUpdateStatus"] = "InProgress"
        return configuration

    for name in ("update_function_configuration", "update_function_code"):
        @repair(LambdaBackend, name)
        def update(original: Any, self: Any, function_name: str, qualifier: str, body: dict[str, Any]) -> dict[str, Any]:
            function = self.get_function(function_name, qualifier)
            if not world.lifecycle.reached(max(function.pending_until, function.busy_until)):
                raise Busy("The operation cannot be performed at this time. An update is in progress for resource: "
                           + function.function_arn)
            original(function_name, qualifier, body)
            function.busy_until = world.lifecycle.after("lambda.function.update")
            return function.get_configuration()


def _repair_configuration() -> None:
    @repair(LambdaFunction, "update_configuration")
    def update_configuration(original: Any, self: Any, updates: dict[str, Any]) -> dict[str, Any]:
        if "TracingConfig" in updates:
            self.tracing_config = updates["TracingConfig"]
        if "EphemeralStorage" in updates:
            self.ephemeral_storage = updates["EphemeralStorage"]["Size"]
        return original(updates)

    @repair(LambdaFunction, "update_function_code")
    def update_function_code(original: Any, self: Any, spec: dict[str, Any]) -> dict[str, Any]:
        answer = original(spec)
        if spec.get("Architectures"):
            self.architectures = spec["Architectures"]
        return answer | {"Architectures": self.architectures}

    @repair(LambdaFunction, "get_code")
    def get_code(original: Any, self: Any) -> dict[str, Any]:
        code = original()
        if self.reserved_concurrency is not None:  # 0 counts
            code["Concurrency"] = {"ReservedConcurrentExecutions": self.reserved_concurrency}
        return code
