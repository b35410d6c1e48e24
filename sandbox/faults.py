"""Fault rules: which call is to fail, how, and how often. What a kind does to an answer is each server's business."""
from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

AWS_KINDS = frozenset({
    "latency", "throttle", "500", "503", "access-denied", "expired-token", "hang", "reset", "reply-lost", "reply-hangs", "stale", "empty",
    "truncated", "garbage", "html", "wrong-length", "not-yet", "error"})
GITHUB_KINDS = frozenset({
    "latency", "401", "403", "404", "429", "500", "502", "503", "rate-limit", "secondary-limit", "html", "empty", "truncated", "garbage",
    "wrong-length", "hang", "reset", "reply-lost", "reply-hangs", "stale", "not-yet", "error"})
KUBERNETES_KINDS = frozenset({
    "latency", "401", "403", "404", "409", "410", "429", "500", "502", "503", "504", "html", "empty", "truncated", "garbage", "wrong-length",
    "hang", "reset", "reply-lost", "reply-hangs", "stale", "error"})
ALIASES = {"rate-limit-primary": "rate-limit", "rate-limit-secondary": "secondary-limit"}
KINDS = {"aws": AWS_KINDS, "github": GITHUB_KINDS, "kubernetes": KUBERNETES_KINDS}
NUMBERS = ("times", "after", "probability", "seconds", "ms", "jitter_ms", "status", "retry_after")
TEXTS = ("code", "message")


class BadRule(ValueError):
    """A rule that says nothing sensible."""


@dataclass
class Rule:
    """One fault rule; `times` and `after` count down as calls match."""

    id: int
    server: str
    kind: str
    service: str
    operation: str
    resource: str
    numbers: dict[str, float]
    texts: dict[str, str]
    matched: int = 0
    fired: int = 0
    patterns: tuple[re.Pattern[str], ...] = field(default=(), repr=False)

    def number(self, name: str, default: float) -> float:
        return self.numbers.get(name, default)

    def text(self, name: str, default: str = "") -> str:
        return self.texts.get(name, default)

    def fits(self, server: str, service: str, operation: str, resources: Iterable[str]) -> bool:
        if server != self.server or (self.service and self.service != service):
            return False
        operation_pattern, resource_pattern = self.patterns
        if self.operation and not operation_pattern.fullmatch(operation):
            return False
        return not self.resource or any(resource_pattern.fullmatch(name) for name in resources)

    def show(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": self.id, "server": self.server, "kind": self.kind}
        for name in ("service", "operation", "resource"):
            if getattr(self, name):
                shown[name] = getattr(self, name)
        return {**shown, **self.numbers, **self.texts, "matched": self.matched, "fired": self.fired}


def _compile(pattern: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise BadRule(f"{where}: {error}") from None


class Faults:
    """The list of rules; the first that fits wins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._next = 1
        self._random = random.Random(1)  # a test that asks for probability gets the same sequence each time

    def add(self, given: dict[str, Any]) -> dict[str, Any]:
        """Check and append one rule; returns it as shown."""
        known = {"server", "kind", "service", "operation", "resource", *NUMBERS, *TEXTS}
        if unknown := set(given) - known:
            raise BadRule(f"unknown field {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")
        server = given.get("server", given.get("service") if given.get("service") in KINDS else "aws")
        if server not in KINDS:
            raise BadRule(f"server must be one of {', '.join(sorted(KINDS))}")
        kind = str(given.get("kind", ""))
        kind = ALIASES.get(kind, kind)
        if kind not in KINDS[server]:
            raise BadRule(f"kind must be one of {', '.join(sorted(KINDS[server]))}")
        try:
            numbers = {name: float(given[name]) for name in NUMBERS if name in given}
        except (TypeError, ValueError):
            raise BadRule(f"{', '.join(NUMBERS)} must be numbers") from None
        service = "" if server != "aws" else str(given.get("service", ""))
        operation, resource = str(given.get("operation", "")), str(given.get("resource", ""))
        patterns = (_compile(operation, "operation"), _compile(resource, "resource"))
        with self._lock:
            rule = Rule(self._next, server, kind, service, operation, resource,
                        {n: int(v) if v == int(v) else v for n, v in numbers.items()},
                        {name: str(given[name]) for name in TEXTS if name in given}, patterns=patterns)
            self._next += 1
            self._rules.append(rule)
            return rule.show()

    def pick(self, server: str, service: str, operation: str, resources: Iterable[str],
             applies: Callable[[Rule], bool] = lambda rule: True) -> Rule | None:
        """The rule that strikes this call, counted down, or None. `applies` is asked last: not-yet rules look at ages."""
        with self._lock:
            for rule in self._rules:
                if not rule.fits(server, service, operation, resources) or not applies(rule):
                    continue
                rule.matched += 1
                if rule.matched <= rule.number("after", 0):
                    continue
                if "times" in rule.numbers and rule.fired >= rule.numbers["times"]:
                    continue
                if self._random.random() >= rule.number("probability", 1.0):
                    continue
                rule.fired += 1
                return rule
        return None

    def jitter(self, rule: Rule) -> float:
        """A random part of a latency rule, in milliseconds."""
        spread = rule.number("jitter_ms", 0)
        return self._random.uniform(-spread, spread) if spread else 0.0

    def show(self) -> list[dict[str, Any]]:
        with self._lock:
            return [rule.show() for rule in self._rules]

    def clear(self, id_: int | None = None) -> int:
        """Remove one rule or all; returns how many went."""
        with self._lock:
            before = len(self._rules)
            self._rules = [] if id_ is None else [rule for rule in self._rules if rule.id != id_]
            return before - len(self._rules)

    def active(self, rule: Rule) -> bool:
        """False once the rule has been removed: ends its hangs."""
        with self._lock:
            return any(other is rule for other in self._rules)
