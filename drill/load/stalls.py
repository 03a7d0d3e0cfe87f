"""Stretches in which the load itself was late: written by the load's process beside its request stream, read
by the drill while it runs. What is planned or under way in one is neither a failure nor a success of the
target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from drill.recording.appended import AppendedLines

BEAT_SECONDS = 0.05
"""How often the load's process looks at the clock."""
LATE_SECONDS = 0.1
"""A look that comes later than this is a stall."""
SILENT_SECONDS = 0.5
"""A load whose last look is older than this is stopped, starved or gone now."""


class Stall(msgspec.Struct, frozen=True):
    """In [start, end), monotonic seconds, the load's loop did not run; `worked`: seconds of processor time
    that its process had meanwhile, which tells a starved or stopped process from one that was busy with
    itself."""

    start: float
    end: float
    worked: float = 0.0

    @property
    def what(self) -> str:
        """For people."""
        return (
            f"the load's own loop stood still for {self.end - self.start:.2f} s, in which its process had "
            f"{self.worked:.2f} s of processor time"
        )


class Stalls:
    """The stalls of a load, as far as they are known. Follows the file beside `stream`, which need not exist
    yet.
    """

    def __init__(self, stream: Path) -> None:
        self._lines = AppendedLines(stalls_beside(stream))
        self._decoder = msgspec.json.Decoder(Stall)
        self.known: list[Stall] = []

    def poll(self) -> list[Stall]:
        """Read what was written since the last call; returns it."""
        new: list[Stall] = self._decoder.decode_lines(self._lines.new())
        self.known.extend(new)
        return new


def touched(planned: float, finished: float, stalls: Sequence[Stall]) -> bool:
    """Was a request that was planned and finished then under way in a stall?"""
    return any(planned < stall.end and finished >= stall.start for stall in stalls)


def stalls_beside(stream: Path) -> Path:
    """The file of the stalls of the load that writes `stream`."""
    return stream.with_name("load-stalls.jsonl")


def beat_beside(stream: Path) -> Path:
    """The file in which the load shows when it last looked at the clock."""
    return stream.with_name("load-beat.txt")


def last_beat(stream: Path) -> float | None:
    """When the load last looked at the clock, monotonic seconds; None while it has not yet."""
    try:
        return float(beat_beside(stream).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
