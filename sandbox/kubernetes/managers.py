"""The managedFields list of an object: read, changed by a writer, written back."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from . import fields

APPLY, UPDATE = "Apply", "Update"


@dataclass(frozen=True)
class Manager:
    """One who writes: `subresource` is "" or "status" or "scale"."""

    name: str
    operation: str
    subresource: str = ""


@dataclass
class Entry:
    """What a manager owns, and since when."""

    manager: Manager
    api_version: str
    time: str
    paths: fields.FieldSet

    def show(self) -> dict[str, Any]:
        shown = {"manager": self.manager.name, "operation": self.manager.operation, "apiVersion": self.api_version, "time": self.time,
                 "fieldsType": "FieldsV1", "fieldsV1": fields.encode(self.paths)}
        return {**shown, "subresource": self.manager.subresource} if self.manager.subresource else shown


Entries = dict[Manager, Entry]


def read(document: dict[str, Any]) -> Entries:
    entries: Entries = {}
    for item in document.get("metadata", {}).get("managedFields", []):
        manager = Manager(item.get("manager", ""), item["operation"], item.get("subresource", ""))
        entries[manager] = Entry(manager, item["apiVersion"], item.get("time", ""), fields.decode(item.get("fieldsV1", {})))
    return entries


def write(document: dict[str, Any], entries: Entries) -> None:
    """Put them into the object: appliers first, then by time."""
    kept = [entry for entry in entries.values() if entry.paths]
    kept.sort(key=lambda entry: (entry.manager.operation != APPLY, entry.time, entry.manager.name))
    document["metadata"]["managedFields"] = [entry.show() for entry in kept]


def updated(ref: Any, old: dict[str, Any] | None, new: dict[str, Any], manager: Manager, now: str) -> None:
    """`new` was written by `manager` over `old`: it owns what it changed, the others lose that."""
    entries = read(old) if old else {}
    written, removed = fields.changes(ref, old or {}, new)
    if manager.subresource == "status":
        written = {path for path in written if path[0] in ("f:metadata", "f:status")}
    elif not manager.subresource:
        written = {path for path in written if path[0] != "f:status"}
    for other, entry in list(entries.items()):
        left = entry.paths - removed - (written if other != manager else set())
        entries[other] = replace(entry, paths=left)
    if written:
        mine = entries.get(manager)
        entries[manager] = Entry(manager, new["apiVersion"], now, (mine.paths if mine else set()) | written)
    write(new, entries)
