"""A small Varlink client for the control socket: NUL-terminated JSON, one object per message."""
from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any


class VarlinkError(Exception):
    """The service answered with an error; `name` without its interface, and its parameters."""

    def __init__(self, name: str, parameters: dict[str, Any]) -> None:
        super().__init__(f"{name} {json.dumps(parameters)}")
        self.full_name = name
        self.name = name.rpartition(".")[2]
        self.parameters = parameters


class Closed(Exception):
    """The service closed the connection."""


class Varlink:
    """One connection. Use as a context manager."""

    def __init__(self, path: str, timeout: float = 20) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.socket.settimeout(timeout)
        self._input = b""
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise

    def __enter__(self) -> Varlink:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send_raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, method: str, parameters: dict[str, Any] | None = None, **flags: bool) -> None:
        """`method` without a dot is one of io.mlopsd; flags: more=True, oneway=True."""
        full = method if "." in method else f"io.mlopsd.{method}"
        message = {"method": full, **({"parameters": parameters} if parameters is not None else {}), **flags}
        self.send_raw(json.dumps(message).encode() + b"\0")

    def receive(self) -> dict[str, Any]:
        """The next whole message; raises Closed at the end."""
        while b"\0" not in self._input:
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                raise Closed("closed by the service")
            self._input += data
        message, _, self._input = self._input.partition(b"\0")
        return json.loads(message)

    def reply(self) -> dict[str, Any]:
        """The next message's parameters; raises VarlinkError when it is one."""
        message = self.receive()
        if "error" in message:
            raise VarlinkError(message["error"], message.get("parameters") or {})
        return message["parameters"]

    def call(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        self.send(method, parameters)
        return self.reply()

    def stream(self, method: str, parameters: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Replies of a call with `more`, the last one included."""
        self.send(method, parameters, more=True)
        while True:
            message = self.receive()
            if "error" in message:
                raise VarlinkError(message["error"], message.get("parameters") or {})
            yield message["parameters"]
            if not message.get("continues"):
                return

    def at_end(self) -> bool:
        """Whether the service has closed; waits for it, and fails on a message instead."""
        try:
            self.receive()
        except Closed:
            return True
        return False
