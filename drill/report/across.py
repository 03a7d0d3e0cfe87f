"""Time across a picture. Flows in: where a stretch of time begins and ends, in seconds and in units of the
picture. Flows out: positions, and the ticks of an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

TICK_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
MOST_TICKS = 14


@dataclass(frozen=True)
class Tick:
    position: float
    text: str


@dataclass(frozen=True)
class Across:
    """From `left` to `right` in the picture, `start` to `end` in seconds."""

    left: float
    right: float
    start: float
    end: float

    def x(self, seconds: float) -> float:
        """The position of a moment; within the picture, whatever the moment."""
        share = (seconds - self.start) / (self.end - self.start)
        return round(self.left + min(1.0, max(0.0, share)) * (self.right - self.left), 2)

    def ticks(self) -> list[Tick]:
        """Round seconds, at most so many."""
        whole = self.end - self.start
        step = next((s for s in TICK_SECONDS if whole / s <= MOST_TICKS), TICK_SECONDS[-1])
        first = math.ceil(self.start / step)
        return [
            Tick(self.x(n * step), f"{n * step:+d} s" if n else "0")
            for n in range(first, math.floor(self.end / step) + 1)
        ]
