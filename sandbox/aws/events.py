"""EventBridge: tags only at birth, five targets a rule."""
from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events.models import EventsBackend

from .repair import repair

TARGETS_PER_RULE = 5


def install() -> None:
    """Patch moto's EventBridge."""
    @repair(EventsBackend, "put_rule")
    def put_rule(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        bus = self.event_buses.get(self._normalize_event_bus_arn(kwargs.get("event_bus_arn")))
        if bus and name in bus.rules:
            kwargs["tags"] = None
        return original(name, *args, **kwargs)

    @repair(EventsBackend, "put_targets")
    def put_targets(original: Any, self: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> Any:
        bus = self.event_buses.get(self._normalize_event_bus_arn(event_bus_arn))
        rule = bus.rules.get(name) if bus else None
        if rule and len({t["Id"] for t in rule.targets} | {t["Id"] for t in targets}) > TARGETS_PER_RULE:
            raise JsonRESTError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        return original(name, event_bus_arn, targets)
