"""The three patches besides apply: JSON patch, merge patch, strategic merge patch."""
from __future__ import annotations

import copy
from typing import Any

from . import schema
from .status import Refusal


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge(out.get(key), value)
    return out


def strategic(ref: Any, target: Any, patch: Any) -> Any:
    """Kubernetes' own merge patch: lists with a merge key are merged, `$patch` and `$deleteFromPrimitiveList` obeyed."""
    if isinstance(patch, dict):
        if patch.get("$patch") == "replace":
            return {key: value for key, value in patch.items() if key != "$patch"}
        return _strategic_map(ref, dict(target) if isinstance(target, dict) else {}, patch)
    if isinstance(patch, list) and schema.is_list(ref) and "merge" in ref:
        return _strategic_list(ref, list(target) if isinstance(target, list) else [], patch)
    return patch


def _strategic_map(ref: Any, out: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    if "$retainKeys" in patch:
        out = {key: value for key, value in out.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            out[name] = [item for item in out.get(name, []) if item not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            out.pop(key, None)
        else:
            out[key] = strategic(schema.child(ref, key), out.get(key), value)
    return out


def _strategic_list(ref: dict[str, Any], out: list[Any], patch: list[Any]) -> list[Any]:
    key = ref["merge"]
    if not key:
        return out + [item for item in patch if item not in out]
    if {"$patch": "replace"} in patch:
        return [item for item in patch if item != {"$patch": "replace"}]
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise Refusal(400, f"map: {item} does not contain declared merge key: {key}")
        index = next((n for n, other in enumerate(out) if other.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            out = [other for other in out if other.get(key) != item[key]]
        elif index is None:
            out.append(strategic(ref["of"], {}, item))
        else:
            out[index] = strategic(ref["of"], out[index], item)
    return out


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902; a failed test or a missing path is 422."""
    if not isinstance(operations, list):
        raise Refusal(400, "cannot unmarshal object into Go value of type jsonpatch.Patch")
    out = copy.deepcopy(target)
    for operation in operations:
        try:
            out = _step(out, operation)
        except (KeyError, IndexError, ValueError, TypeError):
            what, path = operation.get("op"), operation.get("path")
            raise Refusal(422, f"the server rejected our request due to an error in our request: {what} operation does not apply: doc is "
                               f"missing path: {path}", reason="Invalid") from None
    return out


def _steps(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(pointer)
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _find(node: Any, steps: list[str]) -> Any:
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node[step]
    return node


def _step(document: Any, operation: dict[str, Any]) -> Any:
    what, steps = operation["op"], _steps(operation["path"])
    if what == "test":
        if _find(document, steps) != operation.get("value"):
            raise ValueError
        return document
    if what in ("copy", "move"):
        source = _steps(operation["from"])
        value = copy.deepcopy(_find(document, source))
        if what == "move":
            document = _take(document, source)
        return _add(document, steps, value)
    if what == "remove":
        return _take(document, steps)
    if what == "replace":
        _find(document, steps)
        return _add(_take(document, steps), steps, operation["value"]) if steps else operation["value"]
    if what == "add":
        return _add(document, steps, operation["value"])
    raise ValueError(what)


def _add(document: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    parent, last = _find(document, steps[:-1]), steps[-1]
    if isinstance(parent, list):
        index = len(parent) if last == "-" else int(last)
        if not 0 <= index <= len(parent):
            raise IndexError(index)
        parent.insert(index, value)
    else:
        parent[last] = value
    return document


def _take(document: Any, steps: list[str]) -> Any:
    parent, last = _find(document, steps[:-1]), steps[-1]
    if isinstance(parent, list):
        del parent[int(last)]
    else:
        del parent[last]
    return document
