"""What the servers share: clock, log, faults, latency and access keys. One process is one cloud."""
from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import Any

from .clock import Clock
from .faults import Faults
from .lifecycle import Lifecycle
from .log import Log

DEFAULT_ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"


@dataclass
class AccessKey:
    """A long-lived (or hand-made temporary) AWS key."""

    access_key: str
    secret: str
    account: str
    session_token: str = ""
    expires: float = 0.0  # seconds since the epoch by the cloud's clock; 0 = never

    def show(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"secret": self.secret, "account": self.account}
        if self.session_token:
            shown["session_token"] = self.session_token
        if self.expires:
            shown["expires"] = self.expires
        return shown


def default_keys() -> dict[str, AccessKey]:
    """Not in the shape of a real key id, so that no secret scanner stumbles over them."""
    keys = (AccessKey("AKIASANDBOX", "sandbox-secret", DEFAULT_ACCOUNT),
            AccessKey("AKIAOTHERACCOUNT", "other-secret", OTHER_ACCOUNT))
    return {key.access_key: key for key in keys}


class Latency:
    """Milliseconds to sleep before a call, per server or per AWS service, with optional jitter."""

    def __init__(self, ms: float = 0.0) -> None:
        self._initial = ms
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._default = (self._initial, 0.0)
            self._named: dict[str, tuple[float, float]] = {}

    def set(self, ms: float, jitter_ms: float, name: str = "") -> None:
        """Set for one server ("github") or AWS service ("iam"); without a name for all, forgetting the named ones."""
        with self._lock:
            if name:
                self._named[name] = (ms, jitter_ms)
            else:
                self._default, self._named = (ms, jitter_ms), {}

    def seconds(self, *names: str) -> float:
        with self._lock:
            ms, jitter = next((self._named[name] for name in names if name in self._named), self._default)
        return max(0.0, ms + random.uniform(-jitter, jitter)) / 1000

    def show(self) -> dict[str, Any]:
        with self._lock:
            return {"ms": self._default[0], "jitter_ms": self._default[1],
                    "named": {name: {"ms": ms, "jitter_ms": jitter} for name, (ms, jitter) in self._named.items()}}


class World:
    """Everything that is not a resource of the simulated cloud."""

    def __init__(self, *, time_scale: float = 1.0, latency_ms: float = 0.0, verify: bool = True, verbose: bool = False) -> None:
        self.clock = Clock(time_scale)
        self.lifecycle = Lifecycle(self.clock)
        self.log = Log(verbose)
        self.faults = Faults()
        self.latency = Latency(latency_ms)
        self._verify_at_start = self.verify = verify
        self.keys = default_keys()
        self.kubernetes: Any = None  # kubernetes.clusters.Kubernetes, once it is built

    def reset(self) -> None:
        """Back to the first second, but for the log's sequence number and the connections."""
        self.clock.offset = 0.0
        self.lifecycle.reset()
        self.log.clear()
        self.faults.clear()
        self.latency.reset()
        self.verify = self._verify_at_start
        self.keys = default_keys()
