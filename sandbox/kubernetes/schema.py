"""The types of the served kinds: what a field is called, what it may hold, how its lists merge.

The table, schema.json, is made from Kubernetes' own OpenAPI description by sandbox/tools/kubernetes_schema.py, which tells its form.
"""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

TYPES: dict[str, Any] = json.loads((Path(__file__).parent / "schema.json").read_text(encoding="utf-8"))
QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
KEY_DEFAULTS = {"protocol": "TCP"}  # a key left out stands for its default


def struct(ref: Any) -> dict[str, Any] | None:
    """The type behind "@NAME", else None."""
    return TYPES[ref[1:]] if isinstance(ref, str) and ref.startswith("@") else None


def is_list(ref: Any) -> bool:
    return isinstance(ref, dict) and "list" in ref


def is_atomic(ref: Any) -> bool:
    """One value for merges and ownership, whatever is in it."""
    known = struct(ref)
    if known is not None:
        return bool(known.get("atomic"))
    return not isinstance(ref, dict) or ref.get("list") == "atomic" or bool(ref.get("atomic"))


def child(ref: Any, name: str) -> Any:
    """What field or key `name` holds; None when the type has no such field."""
    known = struct(ref)
    if known is not None:
        return known["fields"].get(name)
    return ref.get("map") if isinstance(ref, dict) else "any"


def element_key(ref: dict[str, Any], item: Any) -> str:
    """How ownership names an element of a list: k:{...} or v:..."""
    if ref["list"] == "set":
        return "v:" + json.dumps(item, ensure_ascii=False)
    values = {key: item.get(key, KEY_DEFAULTS.get(key)) for key in sorted(ref["keys"])}
    return "k:" + json.dumps({key: value for key, value in values.items() if value is not None}, separators=(",", ":"), ensure_ascii=False)


def drop_nulls(value: Any) -> Any:
    """A null is a field left out."""
    if isinstance(value, dict):
        return {key: drop_nulls(item) for key, item in value.items() if item is not None}
    return [drop_nulls(item) for item in value] if isinstance(value, list) else value


def _name_of(value: Any) -> str:
    names = {bool: "bool", int: "number", float: "number", str: "string", dict: "map", list: "list"}
    return names.get(type(value), type(value).__name__)


def _scalar_problem(ref: str, value: Any) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if ref in ("string", "bytes", "time"):
        if not isinstance(value, str):
            return f"expected string, got {_name_of(value)}"
        if ref == "bytes" and (not BASE64.fullmatch(value) or len(value) % 4):
            return "illegal base64 data"
        return "" if ref != "time" or STAMP.fullmatch(value) else f"cannot parse {value!r} as a time"
    if ref == "boolean":
        return "" if isinstance(value, bool) else f"expected boolean, got {_name_of(value)}"
    if ref == "integer":
        return "" if number and int(value) == value else f"expected numeric (int or float), got {_name_of(value)}"
    if ref == "int-or-string":
        return "" if number or isinstance(value, str) else f"expected string or number, got {_name_of(value)}"
    if ref == "quantity":
        good = number or (isinstance(value, str) and QUANTITY.fullmatch(value))
        return "" if good else "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    return ""


def problems(ref: Any, value: Any, path: str = "") -> tuple[list[str], list[str]]:
    """(unknown fields, values of the wrong type) of a document, as dotted paths."""
    unknown: list[str] = []
    wrong: list[str] = []
    _walk(ref, value, path, unknown, wrong)
    return unknown, wrong


def _walk(ref: Any, value: Any, path: str, unknown: list[str], wrong: list[str]) -> None:
    if value is None or ref == "any":
        return
    if is_list(ref):
        if not isinstance(value, list):
            wrong.append(f"{path}: expected list, got {_name_of(value)}")
            return
        for number, item in enumerate(value):
            _walk(ref["of"], item, f"{path}[{number}]", unknown, wrong)
        if not is_atomic(ref):
            _duplicates(ref, value, path, wrong)
    elif struct(ref) is not None or isinstance(ref, dict):
        if not isinstance(value, dict):
            wrong.append(f"{path}: expected map, got {_name_of(value)}")
            return
        for key, item in value.items():
            below = child(ref, key)
            if below is None:
                unknown.append(f"{path}.{key}")
            else:
                _walk(below, item, f"{path}.{key}", unknown, wrong)
    elif problem := _scalar_problem(ref, value):
        wrong.append(f"{path}: {problem}")


def _duplicates(ref: dict[str, Any], value: list[Any], path: str, wrong: list[str]) -> None:
    seen: set[str] = set()
    for item in value:
        if ref["list"] == "map" and not isinstance(item, dict):
            continue  # already told
        key = element_key(ref, item)
        if key in seen:
            wrong.append(f"{path}: duplicate entries for key [{key[2:]}]")
        seen.add(key)


def without_unknown(ref: Any, value: Any) -> Any:
    """The document as the server keeps it: unknown fields are dropped."""
    if isinstance(value, dict) and ref != "any":
        return {key: without_unknown(child(ref, key), item) for key, item in value.items() if child(ref, key) is not None}
    if isinstance(value, list) and is_list(ref):
        return [without_unknown(ref["of"], item) for item in value]
    return value
