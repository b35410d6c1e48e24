"""Server-side apply: merge what one manager wants into the object, take out what it no longer wants, refuse to overrule others."""
from __future__ import annotations

import copy
from typing import Any

from . import fields, schema
from .managers import APPLY, Entry, Manager, read, write
from .status import Refusal, cause


def merged(ref: Any, live: Any, wanted: Any) -> Any:
    """`wanted` over `live` by the schema's list and map rules."""
    if schema.is_atomic(ref) or type(live) is not type(wanted):
        return copy.deepcopy(wanted)
    if isinstance(wanted, dict):
        out = dict(live)
        for key, item in wanted.items():
            out[key] = merged(schema.child(ref, key), live[key], item) if key in live else copy.deepcopy(item)
        return out
    if not isinstance(wanted, list):
        return wanted
    return _merged_list(ref, live, wanted)


def _merged_list(ref: Any, live: list[Any], wanted: list[Any]) -> list[Any]:
    ours = {schema.element_key(ref, item): item for item in wanted}
    out = []
    for item in live:
        mine = ours.pop(schema.element_key(ref, item), None)
        out.append(item if mine is None else merged(ref["of"], item, mine))
    return out + [copy.deepcopy(item) for item in ours.values()]


def apply(ref: Any, live: dict[str, Any] | None, wanted: dict[str, Any], name: str, *, force: bool, now: str) -> dict[str, Any]:
    """The object after `name` applied `wanted`; 409 when it would change what others own and `force` is not given."""
    manager = Manager(name, APPLY)
    entries = read(live) if live else {}
    before = entries.pop(manager, None)
    mine = set(fields.leaves(ref, wanted))
    out = merged(ref, copy.deepcopy(live) if live else {}, {key: value for key, value in wanted.items() if key != "status"})
    owned = fields.with_parents(mine.union(*(entry.paths for entry in entries.values())))
    gone = fields.with_parents(before.paths) - owned if before else set()
    for path in sorted(gone, key=len):
        fields.remove(ref, out, path)
    written, removed = fields.changes(ref, live or {}, out)
    disputed = {other: entry.paths & written for other, entry in entries.items() if entry.paths & written} if live else {}
    if disputed and not force:
        raise _conflict(disputed, entries)
    for other, entry in entries.items():
        entry.paths -= disputed.get(other, set()) | removed
    same = before is not None and before.paths == mine and before.api_version == wanted["apiVersion"]
    entries[manager] = Entry(manager, wanted["apiVersion"], before.time if same and not written and not removed else now, mine)
    write(out, entries)
    return out


def _conflict(disputed: dict[Manager, fields.FieldSet], entries: dict[Manager, Entry]) -> Refusal:
    causes, lines, count = [], [], 0
    for other, paths in sorted(disputed.items(), key=lambda item: item[0].name):
        who = f'conflict with "{other.name}"'
        if other.subresource:
            who += f' with subresource "{other.subresource}"'
        if other.operation != APPLY:
            who += f" using {entries[other].api_version}"
            who += f" at {entries[other].time}" if entries[other].time else ""
        shown = sorted(fields.show(path) for path in paths)
        count += len(shown)
        causes += [cause(field, who, "FieldManagerConflict") for field in shown]
        lines.append(f"{who}: {shown[0]}" if len(shown) == 1 else f"{who}:\n" + "\n".join(f"- {field}" for field in shown))
    if len(lines) == 1:
        text = lines[0].replace("conflict with", "conflicts with" if count > 1 else "conflict with", 1)
    else:
        text = "conflicts with " + "\n".join(line.replace("conflict with ", "", 1) for line in lines)
    return Refusal(409, f"Apply failed with {count} conflict{'s' if count > 1 else ''}: {text}", details={"causes": causes})
