"""What a process has used so far, from /proc: its own word, no sampling."""
from __future__ import annotations

from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads that live, in nanosecond steps."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory(pid: int) -> dict[str, int]:
    """KiB by name: VmRSS, RssAnon, and VmHWM, the most there was since the start or since forget_peak()."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "RssAnon", "VmHWM"):
            found[name] = int(value.split()[0])
    return found


def forget_peak(pid: int) -> None:
    """VmHWM begins again at what is used now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
