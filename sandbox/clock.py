"""The cloud's own clock: real time plus an offset that tests set, so that the daemon's skew correction can be tried."""
from __future__ import annotations

import datetime
import time
from email.utils import formatdate


class Clock:
    """Wall time of the simulated cloud. `time_scale` shortens the life-cycle states of resources, never this clock."""

    def __init__(self, time_scale: float = 1.0) -> None:
        self.offset = 0.0
        self.time_scale = time_scale

    def now(self) -> float:
        """Seconds since the epoch as the cloud sees them."""
        return time.time() + self.offset

    def utcnow(self) -> datetime.datetime:
        """Naive UTC, the form moto works with."""
        return datetime.datetime.fromtimestamp(self.now(), datetime.timezone.utc).replace(tzinfo=None)

    def http_date(self) -> str:
        """The value of a Date header."""
        return formatdate(self.now(), usegmt=True)

    def stamp(self, at: float | None = None) -> str:
        """RFC 3339 with whole seconds, the form GitHub shows."""
        at = self.now() if at is None else at
        return datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
