"""labelSelector and fieldSelector of lists and watches."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .status import Refusal

Test = Callable[[dict[str, Any]], bool]
_SET = re.compile(r"(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)")
_PLAIN = re.compile(r"(?P<key>[^\s!=,()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s,()]*)")
_EXISTS = re.compile(r"(?P<no>!?)\s*(?P<key>[^\s!=,()]+)")
FIELDS = {"metadata.name", "metadata.namespace"}
MORE_FIELDS = {
    "Event": {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
              "reason", "type", "source", "reportingComponent"},
    "Pod": {"spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"},
    "Secret": {"type"}, "Namespace": {"status.phase"}, "ReplicaSet": {"status.replicas"}, "Service": {"spec.clusterIP", "spec.type"}}


def of(kind: str, query: dict[str, str]) -> Test:
    """One test for both selectors of a query."""
    labels, fields = _labels(query.get("labelSelector", "")), _fields(kind, query.get("fieldSelector", ""))
    return lambda document: labels(document.get("metadata", {}).get("labels", {})) and fields(document)


def _split(text: str) -> list[str]:
    """At commas outside parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _labels(text: str) -> Test:
    tests = [_label(part) for part in _split(text)]
    return lambda labels: all(test(labels) for test in tests)


def _label(part: str) -> Test:
    if match := _SET.fullmatch(part):
        key, values = match["key"], {value.strip() for value in match["values"].split(",")}
        return (lambda labels: labels.get(key) in values) if match["op"] == "in" else (lambda labels: labels.get(key) not in values)
    if match := _PLAIN.fullmatch(part):
        key, value = match["key"], match["value"]
        return (lambda labels: labels.get(key) != value) if match["op"] == "!=" else (lambda labels: labels.get(key) == value)
    if match := _EXISTS.fullmatch(part):
        key, absent = match["key"], bool(match["no"])
        return lambda labels: (key in labels) != absent
    raise Refusal(400, f'unable to parse requirement: found "{part}"')


def _fields(kind: str, text: str) -> Test:
    tests = []
    for part in _split(text):
        match = _PLAIN.fullmatch(part)
        if not match:
            raise Refusal(400, f"invalid selector: '{text}'; can't understand '{part}'")
        if match["key"] not in FIELDS | MORE_FIELDS.get(kind, set()):
            raise Refusal(400, f"field label not supported: {match['key']}")
        tests.append(_field(match["key"].split("."), match["value"], match["op"] == "!="))
    return lambda document: all(test(document) for test in tests)


def _field(steps: list[str], wanted: str, negated: bool) -> Test:
    def test(document: dict[str, Any]) -> bool:
        value: Any = document
        for step in steps:
            value = value.get(step, "") if isinstance(value, dict) else ""
        return (str(value) == wanted) != negated

    return test
