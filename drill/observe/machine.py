"""How busy this machine is: the load runs on it, and an instrument that waits for a processor measures
itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

STAT = Path("/proc/stat")
IDLE, WAITING, COUNTED = 3, 4, 8
"""Of the first line of /proc/stat: idle and waiting for a disk; user, nice, system, idle, waiting,
interrupts, stolen.
"""


class Ticks(NamedTuple):
    """Since the machine started, over all cores, in the kernel's own unit."""

    busy: int
    total: int


def ticks(text: str) -> Ticks:
    """Out of /proc/stat. What another machine on the same hardware took (steal) is busy: it was not there for
    us.
    """
    counted = [int(number) for number in text.splitlines()[0].split()[1 : COUNTED + 1]]
    total = sum(counted)
    return Ticks(total - counted[IDLE] - counted[WAITING], total)


def busy_share(before: Ticks, after: Ticks) -> float:
    """Of all cores between two looks, 0 to 1."""
    passed = after.total - before.total
    return min(1.0, max(0.0, (after.busy - before.busy) / passed)) if passed > 0 else 0.0


def look() -> Ticks:
    """One look at this machine."""
    return ticks(STAT.read_text(encoding="ascii"))
