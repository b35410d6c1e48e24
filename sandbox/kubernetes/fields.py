"""Who owns which field: sets of paths, their managedFields form, and what a change adds, alters and takes away.

A path is a tuple of steps as fieldsV1 writes them: "f:spec", 'k:{"name":"web"}', 'v:"x"'. A set has the path of every leaf, and of every
list element and map that is owned as such (fieldsV1's ".").
"""
from __future__ import annotations

import json
from typing import Any

from . import schema

Path = tuple[str, ...]
FieldSet = set[Path]
# Never owned: identity and what the server keeps itself.
UNOWNED = {("f:apiVersion",), ("f:kind",), ("f:metadata",)} | {
    ("f:metadata", f"f:{name}") for name in ("name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion",
                                             "managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds")}
# Parts of every object that are there even when empty: nobody owns them as such.
ALWAYS = frozenset({"metadata", "spec", "status", "strategy", "template"})
_MARK = object()


def leaves(ref: Any, value: Any, *, containers: bool = False) -> dict[Path, Any]:
    """Path -> value of everything that can be owned; `containers`: maps and lists as well, as for one who wrote them whole."""
    found: dict[Path, Any] = {}
    _collect(ref, value, (), containers, found)
    return {path: item for path, item in found.items() if path and path not in UNOWNED and path[:2] != ("f:metadata", "f:managedFields")}


def _collect(ref: Any, value: Any, path: Path, containers: bool, found: dict[Path, Any]) -> None:
    if not isinstance(value, (dict, list)) or schema.is_atomic(ref):
        found[path] = value
        return
    if not value or (containers and path and path[-1][2:] not in ALWAYS):
        found[path] = _MARK
    if isinstance(value, dict):
        for key, item in value.items():
            _collect(schema.child(ref, key), item, (*path, f"f:{key}"), containers, found)
        return
    for item in value:
        step = (*path, schema.element_key(ref, item))
        found[step] = _MARK
        if isinstance(item, dict):
            _collect(ref["of"], item, step, containers, found)
            found[step] = _MARK


def changes(ref: Any, old: Any, new: Any) -> tuple[FieldSet, FieldSet]:
    """(added or altered, removed) between two objects."""
    before, after = leaves(ref, old, containers=True), leaves(ref, new, containers=True)
    written = {path for path, value in after.items() if path not in before or before[path] != value}
    return written, set(before) - set(after)


def encode(paths: FieldSet) -> dict[str, Any]:
    """The fieldsV1 tree."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node["."] = {}
    return _trim(tree)


def _trim(node: dict[str, Any]) -> dict[str, Any]:
    if list(node) == ["."]:
        return {}
    return {step: _trim(below) if step != "." else {} for step, below in node.items()}


def decode(tree: dict[str, Any], path: Path = ()) -> FieldSet:
    found: FieldSet = set()
    for step, below in tree.items():
        if step == ".":
            found.add(path)
        elif not below:
            found.add((*path, step))
        else:
            found |= decode(below, (*path, step))
    return found


def with_parents(paths: FieldSet) -> FieldSet:
    return {path[:length] for path in paths for length in range(1, len(path) + 1)}


def show(path: Path) -> str:
    """As conflicts name a field: .spec.template.spec.containers[name="web"].image"""
    text = ""
    for step in path:
        kind, value = step[:2], step[2:]
        if kind == "f:":
            text += f".{value}"
        elif kind == "k:":
            text += "[" + ",".join(f"{key}={json.dumps(item)}" for key, item in json.loads(value).items()) + "]"
        else:
            text += f"[={value}]"
    return text


def remove(ref: Any, value: Any, path: Path) -> None:
    """Take what `path` names out of the document, in place."""
    for position, step in enumerate(path):
        last = position == len(path) - 1
        if step.startswith("f:"):
            name = step[2:]
            if not isinstance(value, dict) or name not in value:
                return
            if last:
                del value[name]
                return
            ref, value = schema.child(ref, name), value[name]
            continue
        index = next((n for n, item in enumerate(value) if schema.element_key(ref, item) == step), None) if isinstance(value, list) else None
        if index is None:
            return
        if last:
            del value[index]
            return
        ref, value = ref["of"], value[index]
