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
    for path in sorted((path for path in gone if path[-1][2:] not in fields.ALWAYS), key=len):
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
    """409 that names every field and its owner."""
    by_owner = {_owner(entries[manager]): sorted(fields.show(path) for path in paths) for manager, paths in disputed.items()}
    causes = [cause(field, f"conflict with {owner}", "FieldManagerConflict") for owner in sorted(by_owner) for field in by_owner[owner]]
    if len(causes) == 1:
        text = f"1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        lines = [line for owner in sorted(by_owner)
                 for line in (f"conflicts with {owner}:", *(f"- {field}" for field in by_owner[owner]))]
        text = f"{len(causes)} conflicts: " + "\n".join(lines)
    return Refusal(409, f"Apply failed with {text}", details={"causes": causes})


def _owner(entry: Entry) -> str:
    """As conflicts name a manager."""
    manager = entry.manager
    shown = f'"{manager.name}"' + (f' with subresource "{manager.subresource}"' if manager.subresource else "")
    if manager.operation == APPLY:
        return shown
    return f"{shown} using {entry.api_version}" + (f" at {entry.time}" if entry.time else "")
