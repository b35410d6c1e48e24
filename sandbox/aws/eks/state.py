"""What every resource of EKS has in common: a document, a state that passes by itself, updates, and the errors of the service."""
from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from ...lifecycle import Lifecycle
from ...world import World

Document = dict[str, Any]


class EksError(Exception):
    """An error answer. `names` go beside the message, as EKS does: clusterName, nodegroupName, addonName."""

    def __init__(self, status: int, code: str, message: str, **names: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.names = status, code, message, names


def invalid_parameter(message: str, **names: Any) -> EksError:
    return EksError(400, "InvalidParameterException", message, **names)


def invalid_request(message: str, **names: Any) -> EksError:
    return EksError(400, "InvalidRequestException", message, **names)


def in_use(message: str, **names: Any) -> EksError:
    return EksError(409, "ResourceInUseException", message, **names)


def not_found(message: str, **names: Any) -> EksError:
    return EksError(404, "ResourceNotFoundException", message, **names)


class Thing:
    """One resource. Nothing ticks: `settle()` does what has become due since somebody last looked."""

    def __init__(self, world: World, document: Document, request: Document) -> None:
        self.world = world
        self.document = document
        self.request = request  # what it was made of, for repeated creates
        self.updates: dict[str, Document] = {}
        self._due = 0.0
        self._finish: Callable[[], None] | None = None

    @property
    def status(self) -> str:
        return self.document["status"]

    @property
    def busy(self) -> bool:
        return self._finish is not None

    def begin(self, status: str, what: str, finish: Callable[[], None]) -> None:
        """Enter a passing state; after the duration `what` of the life cycle `finish` gives the next one."""
        self.document["status"] = status
        self._due, self._finish = self.world.lifecycle.after(what), finish

    def settle(self) -> None:
        finish = self._finish
        if finish and Lifecycle.reached(self._due):
            self._finish = None
            finish()

    def update(self, kind: str, what: str, parameters: Document, change: Callable[[], None]) -> Document:
        """Begin an asynchronous change; answers with the update. Until it is over, reads show the old values."""
        update = {"id": str(uuid.uuid4()), "status": "InProgress", "type": kind, "createdAt": self.world.clock.now(), "errors": [],
                  "params": [{"type": name, "value": value} for name, value in parameters.items()]}
        self.updates[update["id"]] = update

        def finish() -> None:
            change()
            self.document["status"] = "ACTIVE"
            if "modifiedAt" in self.document:
                self.document["modifiedAt"] = self.world.clock.now()
            update["status"] = "Successful"

        self.begin("UPDATING", what, finish)
        return update

    def running_update(self) -> str:
        return next((update["id"] for update in self.updates.values() if update["status"] == "InProgress"), "")


class Ask:
    """One request: who asks, where, and what, with path labels, query and body already taken apart."""

    def __init__(self, world: World, account: str, region: str, access_key: str, labels: dict[str, str], query: dict[str, list[str]],
                 body: Document) -> None:
        self.world, self.account, self.region, self.access_key = world, account, region, access_key
        self.labels, self.lists, self.body = labels, query, body
        self.query = {name: values[-1] for name, values in query.items()}

    @property
    def partition(self) -> str:
        from moto.utilities.utils import get_partition

        return get_partition(self.region)

    def arn(self, rest: str) -> str:
        return f"arn:{self.partition}:eks:{self.region}:{self.account}:{rest}"

    def need(self, *names: str) -> None:
        """Refuse a body without these members."""
        for name in names:
            if not self.body.get(name):
                raise invalid_parameter(f"{name} can't be null or empty.")

    def repeated(self, things: dict[str, Any]) -> Any:
        """What an earlier create with the same token made, if any."""
        token = self.body.get("clientRequestToken")
        for thing in things.values():
            if token and thing.request.get("clientRequestToken") == token:
                if thing.request != self.body:
                    raise invalid_parameter("The client request token is already in use with other parameters.")
                return thing
        return None

    def page(self, key: str, rows: list[Any]) -> Document:
        """One page of a list."""
        token, size = self.query.get("nextToken") or "0", self.query.get("maxResults") or "100"
        if not token.isdigit() or not size.isdigit() or not 1 <= int(size) <= 100:
            raise invalid_parameter("Invalid pagination token or page size.")
        end = int(token) + int(size)
        return {key: rows[int(token):end]} | ({"nextToken": str(end)} if end < len(rows) else {})


Operation = Callable[[Ask], Document]
OPERATIONS: dict[str, Operation] = {}


def operation(name: str) -> Callable[[Operation], Operation]:
    """Put a function into the table of operations."""

    def register(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return register
