"""Ways to spoil an answer that do not depend on who gives it."""
from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .faults import Rule
from .httpd import Request, Response
from .world import World

GARBAGE = b"\x00\xff\xfe{<\x80\x81not an answer\x1b[31m\xc3\x28]]>" + bytes(range(256))
HTML = (b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
        b"<hr><center>proxy</center>\r\n</body>\r\n</html>\r\n")
Ask = Callable[[], Response]


class Past:
    """Answers to reads, kept so that a stale replica can be played."""

    KEYS = 5000
    COPIES = 32

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copies: OrderedDict[Any, deque[tuple[float, Response]]] = OrderedDict()

    def keep(self, key: Any, response: Response) -> None:
        with self._lock:
            copies = self._copies.setdefault(key, deque(maxlen=self.COPIES))
            copies.append((time.monotonic(), replace(response, headers=list(response.headers))))
            self._copies.move_to_end(key)
            if len(self._copies) > self.KEYS:
                self._copies.popitem(last=False)

    def recall(self, key: Any, seconds: float) -> Response | None:
        """The newest copy at least that old, else the oldest there is; None when this was never read."""
        with self._lock:
            copies = self._copies.get(key)
            if not copies:
                return None
            limit = time.monotonic() - seconds
            old = [response for at, response in copies if at <= limit]
            chosen = old[-1] if old else copies[0][1]
            return replace(chosen, headers=list(chosen.headers))

    def clear(self) -> None:
        with self._lock:
            self._copies.clear()


def hang(world: World, request: Request, rule: Rule, answer: Response) -> Response:
    """Say nothing for a while, then fail; ends early when the client leaves or the rule is removed."""
    end = time.monotonic() + rule.number("seconds", 30)
    while time.monotonic() < end and world.faults.active(rule) and not request.client_gone():
        time.sleep(0.05)
    return answer


def wire_fault(world: World, request: Request, rule: Rule, ask: Ask) -> Response | None:
    """Kinds that are the same for every server; None for the others."""
    if rule.kind == "latency":
        time.sleep(max(0.0, rule.number("ms", 1000) + world.faults.jitter(rule)) / 1000)
        return ask()
    if rule.kind == "reset":
        return Response(reset=True)
    if rule.kind == "reply-lost":
        ask()
        return Response(reset=True)
    if rule.kind == "reply-hangs":
        ask()
        return hang(world, request, rule, Response(reset=True))
    if rule.kind == "html":
        return Response(int(rule.number("status", 502)), [("Content-Type", "text/html")], HTML)
    if rule.kind in ("truncated", "garbage", "wrong-length"):
        response = ask()
        if rule.kind == "wrong-length":
            response.claim_length = len(response.body) + 100
        else:
            response.body = GARBAGE if rule.kind == "garbage" else response.body[:len(response.body) // 2]
        return response
    return None
