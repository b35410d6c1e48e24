"""The objects of one cluster, their versions, and the last changes for those who watch."""
from __future__ import annotations

import copy
import threading
import uuid
from collections import deque
from collections.abc import Iterator
from typing import Any

from .resources import BY_KIND, Resource

Document = dict[str, Any]
Key = tuple[str, str, str]  # plural, namespace, name
HISTORY = 2000


class Gone(Exception):
    """The history does not reach back that far."""


class Store:
    """Not locked by itself: whoever calls holds `changed`, whose waiters are the watches."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._objects: dict[Key, Document] = {}
        self._history: deque[tuple[int, str, str, Document]] = deque(maxlen=HISTORY)
        self.version = 1000
        self._oldest = self.version

    def get(self, plural: str, namespace: str, name: str) -> Document | None:
        """The stored object itself: change it only through `put`."""
        return self._objects.get((plural, namespace, name))

    def of(self, kind: str, namespace: str, name: str) -> Document | None:
        return self.get(BY_KIND[kind].plural, namespace, name)

    def all(self, plural: str, namespace: str = "") -> list[Document]:
        found = [key for key in self._objects if key[0] == plural and (not namespace or key[1] == namespace)]
        return [self._objects[key] for key in sorted(found)]

    def everything(self) -> Iterator[tuple[Key, Document]]:
        yield from sorted(self._objects.items(), key=lambda item: item[0])

    def put(self, resource: Resource, document: Document, now: str) -> Document:
        """Store; new objects get their identity here. An equal object changes nothing."""
        metadata = document["metadata"]
        key = (resource.plural, metadata.get("namespace", ""), metadata["name"])
        old = self._objects.get(key)
        if old is not None:
            metadata["resourceVersion"] = old["metadata"]["resourceVersion"]
            if old == document:
                return old
        else:
            metadata["uid"] = str(uuid.uuid4())
            metadata.setdefault("creationTimestamp", now)
        self._stamp(metadata)
        self._objects[key] = document
        self._tell("MODIFIED" if old else "ADDED", resource.plural, document)
        return document

    def delete(self, resource: Resource, document: Document) -> Document:
        metadata = document["metadata"]
        self._objects.pop((resource.plural, metadata.get("namespace", ""), metadata["name"]), None)
        last = copy.deepcopy(document)
        self._stamp(last["metadata"])
        self._tell("DELETED", resource.plural, last)
        return last

    def _stamp(self, metadata: Document) -> None:
        self.version += 1
        metadata["resourceVersion"] = str(self.version)

    def _tell(self, kind: str, plural: str, document: Document) -> None:
        if len(self._history) == HISTORY:
            self._oldest = self._history[0][0]
        self._history.append((self.version, kind, plural, copy.deepcopy(document)))
        self.changed.notify_all()

    def forget(self) -> None:
        """As if etcd had been compacted: older watches end with 410."""
        self._history.clear()
        self._oldest = self.version

    def since(self, version: int, plural: str) -> list[tuple[int, str, Document]]:
        """Changes after `version`; Gone when some of them are forgotten."""
        if version < self._oldest:
            raise Gone
        return [(at, kind, document) for at, kind, what, document in self._history if at > version and what == plural]
