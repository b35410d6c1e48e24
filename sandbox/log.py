"""The request log: one record per call, counters over them, never a body.

Tests ask it what the daemon did (how many reads a quiet pass costs, whether check mode wrote, which call followed which).
"""
from __future__ import annotations

import sys
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

KEEP = 100_000  # records; the oldest go first

READ_PREFIXES = ("Get", "List", "Describe", "Head", "BatchGet", "BatchCheck", "Lookup", "Search", "Simulate", "Filter", "Decode",
                 "Assume", "Select", "Query", "Scan", "Test", "Validate")


def is_write(operation: str) -> bool:
    """Whether an AWS operation changes something, by its verb (as CloudTrail's readOnly does)."""
    return not operation.startswith(READ_PREFIXES)


@dataclass
class Record:
    """What one call was and how it ended."""

    server: str  # aws | github
    time: float = 0.0
    connection: int = 0
    service: str = ""
    operation: str = ""
    account: str = ""
    region: str = ""
    access_key: str = ""
    status: int = 0
    error: str = ""
    write: bool = False
    ms: float = 0.0  # inside the simulated service
    wait_ms: float = 0.0  # injected latency, hangs and waiting for the lock
    request_id: str = ""
    fault: str = ""
    resources: list[str] = field(default_factory=list)
    seq: int = 0


class Log:
    """All records of this process, thread-safe."""

    def __init__(self, verbose: bool = False) -> None:
        self._lock = threading.Lock()
        self._records: deque[Record] = deque(maxlen=KEEP)
        self._seq = 0
        self._counters: dict[tuple[str, str, str], dict[str, int]] = {}
        self.verbose = verbose

    def add(self, record: Record) -> None:
        with self._lock:
            self._seq += 1
            record.seq = self._seq
            self._records.append(record)
            key = (record.server, record.service, record.operation)
            counter = self._counters.setdefault(key, {"calls": 0, "errors": 0, "faults": 0, "write": int(record.write)})
            counter["calls"] += 1
            counter["errors"] += record.status >= 400 or record.status == 0
            counter["faults"] += bool(record.fault)
        if self.verbose:
            print(f"{record.server} {record.service}.{record.operation} {record.status} {record.error} {record.ms:.1f} ms"
                  f" {','.join(record.resources)} {record.fault}".rstrip(), file=sys.stderr, flush=True)

    def since(self, seq: int) -> list[dict[str, Any]]:
        """Records with a greater sequence number; the number survives `clear`."""
        with self._lock:
            return [asdict(record) for record in self._records if record.seq > seq]

    @property
    def last(self) -> int:
        with self._lock:
            return self._seq

    def clear(self) -> None:
        with self._lock:
            self._records.clear()
            self._counters.clear()

    def counters(self) -> dict[str, Any]:
        """Totals, and calls per server, service and operation."""
        with self._lock:
            totals = {"calls": 0, "reads": 0, "writes": 0, "errors": 0, "faults": 0}
            servers: dict[str, Any] = {}
            for (server, service, operation), counter in sorted(self._counters.items()):
                part = servers.setdefault(server, {"reads": 0, "writes": 0, "services": {}})
                kind = "writes" if counter["write"] else "reads"
                part[kind] += counter["calls"]
                totals[kind] += counter["calls"]
                for name in ("calls", "errors", "faults"):
                    totals[name] += counter[name]
                part["services"].setdefault(service, {})[operation] = {
                    "calls": counter["calls"], "errors": counter["errors"], "faults": counter["faults"],
                    "write": bool(counter["write"])}
            return {"totals": totals, "servers": servers}
