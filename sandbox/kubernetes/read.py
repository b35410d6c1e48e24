"""Reads: one object, lists in pages, watches."""
from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from . import selectors, tables
from .call import Call
from .cluster import Cluster
from .status import Refusal, not_found
from .store import Document, Gone

TICK = 0.2  # how often a watch looks whether a state has passed
BOOKMARK = 15.0
LONGEST_WATCH = 1800.0
Show = Callable[[list[Document]], Any]


def get(cluster: Cluster, call: Call) -> Document:
    resource = call.kind
    found = cluster.store.get(resource.plural, call.namespace, call.name)
    if found is None:
        raise not_found(resource.plural, resource.group, call.name)
    return tables.table(resource, [found], cluster) if tables.wanted(call.request) else found


def listed(cluster: Cluster, call: Call) -> Document:
    """A List, or a Table of it."""
    resource = call.kind
    test = selectors.of(resource.kind, call.query)
    found = [item for item in cluster.store.all(resource.plural, call.namespace) if test(item)]
    if call.name:
        found = [item for item in found if item["metadata"]["name"] == call.name]
    metadata: dict[str, Any] = {"resourceVersion": str(cluster.store.version)}
    found = _page(cluster, call, found, metadata)
    if tables.wanted(call.request):
        return {**tables.table(resource, found, cluster), "metadata": metadata}
    items = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in found]
    return {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": metadata, "items": items}


def _page(cluster: Cluster, call: Call, found: list[Document], metadata: dict[str, Any]) -> list[Document]:
    """The part that `limit` and `continue` ask for."""
    if call.query.get("continue"):
        version, last = _continue(call.query["continue"])
        try:
            cluster.store.since(version, call.kind.plural)
        except Gone:
            raise Refusal(410, "The provided continue parameter is too old to display a consistent list result. You can start a new list "
                               "without the continue parameter.") from None
        metadata["resourceVersion"] = str(version)
        found = [item for item in found if _position(item) > last]
    limit = int(call.query["limit"]) if call.query.get("limit", "").isdigit() else 0
    if limit and len(found) > limit:
        token = {"rv": int(metadata["resourceVersion"]), "start": _position(found[limit - 1])}
        metadata["continue"] = base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")
        metadata["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    return found


def _position(document: Document) -> list[str]:
    return [document["metadata"].get("namespace", ""), document["metadata"]["name"]]


def _continue(text: str) -> tuple[int, list[str]]:
    try:
        token = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return int(token["rv"]), list(token["start"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise Refusal(400, "continue key is not valid") from None


def watch(cluster: Cluster, call: Call) -> Iterator[bytes]:
    """Events from the asked version on; checks what can be refused at once, then yields lines until the time is over."""
    test = selectors.of(call.kind.kind, call.query)
    with cluster.store.changed:
        start = int(call.query.get("resourceVersion") or 0)
        first = [] if start else [item for item in cluster.store.all(call.kind.plural, call.namespace) if test(item)]
        version = start or cluster.store.version
        try:
            cluster.store.since(version, call.kind.plural)
        except Gone:
            raise Refusal(410, f"too old resource version: {version} ({cluster.store.version})") from None
    return _watch(cluster, call, test, version, first)


def _watch(cluster: Cluster, call: Call, test: selectors.Test, version: int, first: list[Document]) -> Iterator[bytes]:
    asked = call.query.get("timeoutSeconds", "")
    end = time.monotonic() + min(float(asked) if asked.isdigit() and int(asked) else LONGEST_WATCH, LONGEST_WATCH)
    bookmark = time.monotonic() + BOOKMARK
    show = _shower(cluster, call)
    for item in first:
        yield _line("ADDED", show(item))
    seen = {_key(item) for item in first}
    while time.monotonic() < end and not cluster.closed and not call.request.client_gone():
        with cluster.store.changed:
            cluster.settle()
            try:
                news = cluster.store.since(version, call.kind.plural)
            except Gone:
                expired = Refusal(410, f"too old resource version: {version} ({cluster.store.version})")
                yield _line("ERROR", expired.status())
                return
            if not news:
                cluster.store.changed.wait(min(TICK, max(0.0, end - time.monotonic())))
            version = max(version, cluster.store.version) if not news else news[-1][0]
        for _, kind, item in news:
            if call.namespace in ("", item["metadata"].get("namespace", "")):
                yield from _events(kind, item, test, seen, show)
        if call.flag("allowWatchBookmarks") and time.monotonic() >= bookmark:
            bookmark = time.monotonic() + BOOKMARK
            yield _line("BOOKMARK", _mark(call, version))
    if call.flag("allowWatchBookmarks") and not cluster.closed:
        yield _line("BOOKMARK", _mark(call, version))


def _mark(call: Call, version: int) -> Document:
    return {"kind": call.kind.kind, "apiVersion": call.kind.api_version, "metadata": {"resourceVersion": str(version), "creationTimestamp": None}}


def _key(document: Document) -> tuple[str, str]:
    return document["metadata"].get("namespace", ""), document["metadata"]["name"]


def _events(kind: str, item: Document, test: selectors.Test, seen: set[Any], show: Callable[[Document], Any]) -> Iterator[bytes]:
    """What a change means to somebody who sees only part of the objects: leaving the part is a deletion."""
    if test(item):
        seen.add(_key(item))
        yield _line(kind, show(item))
    elif _key(item) in seen:
        seen.discard(_key(item))
        yield _line("DELETED", show(item))


def _shower(cluster: Cluster, call: Call) -> Callable[[Document], Any]:
    if tables.wanted(call.request):
        return lambda item: tables.table(call.kind, [item], cluster)
    return lambda item: item


def _line(kind: str, document: Any) -> bytes:
    return (json.dumps({"type": kind, "object": document}, separators=(",", ":"), ensure_ascii=False) + "\n").encode()
