"""A drill as a small picture, all drills on one time axis: when users were served, out, and back. Flows in:
verdicts. Flows out: stretches in percent of the axis' width, and the same in words.

The axis is logarithmic from some ten seconds on, so that a recovery of four seconds and one of fifteen
minutes both show.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from drill.judge.verdict import DrillVerdict
from drill.report.units import seconds_text

BEFORE_PERCENT = 6.0
"""Of the width, for the time before the injection."""
LINEAR_SECONDS = 10.0
TICK_SECONDS = (0.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
LEAST_BETWEEN_TICKS = 11.0
"""Percent; nearer ones would collide."""
WRITTEN_TO_THE_LEFT = 88
"""A tick beyond this percent has its words on its left, where those before it end (rows.html.j2)."""


@dataclass(frozen=True)
class StripPart:
    """A part of a strip, in percent of the width. `kind`: served, out, slow, unmeasured or back."""

    kind: str
    left: float
    width: float


@dataclass(frozen=True)
class Strip:
    """One drill on the axis. `words`: the same for who does not see it."""

    stretches: list[StripPart]
    words: str


@dataclass(frozen=True)
class Axis:
    """Seconds since the injection -> percent of the width. `end`: the last second that is shown."""

    end: float

    def at(self, seconds: float) -> float:
        """Where a moment is; what lies outside is at the edge."""
        if seconds <= 0:
            return 0.0 if seconds < 0 else BEFORE_PERCENT
        share = math.log1p(seconds / LINEAR_SECONDS) / math.log1p(self.end / LINEAR_SECONDS)
        return round(BEFORE_PERCENT + (100 - BEFORE_PERCENT) * min(1.0, share), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Moments that are named above the strips, with their places."""
        shown: list[tuple[float, str]] = []
        for seconds in TICK_SECONDS:
            place = self.at(seconds)
            least = LEAST_BETWEEN_TICKS * (2.5 if place > WRITTEN_TO_THE_LEFT else 1)
            if seconds < self.end and (not shown or place - shown[-1][0] >= least):
                shown.append((place, seconds_text(seconds) if seconds else "0"))
        return shown


def common_axis(verdicts: Iterable[DrillVerdict]) -> Axis:
    """The axis on which all of them fit."""
    return Axis(max([LINEAR_SECONDS, *(_end(verdict) for verdict in verdicts)]))


def strip(verdict: DrillVerdict, axis: Axis) -> Strip | None:
    """A drill on the axis; None where nothing was watched."""
    end = _end(verdict)
    if end <= 0:
        return None
    stretches = [StripPart("served", 0.0, axis.at(end))]
    words = []
    for out in verdict.outages:
        until = end if out.end_seconds is None else out.end_seconds
        kind = "out" if out.felt == "failed" else "slow"
        stretches.append(_stretch(kind, axis, out.start_seconds, until))
        to = "the end" if out.end_seconds is None else seconds_text(until)
        words.append(f"users {kind} from {seconds_text(out.start_seconds)} to {to}")
    for gap in verdict.unmeasured:
        stretches.append(_stretch("unmeasured", axis, gap.start_seconds, gap.end_seconds))
        words.append(
            f"not measured from {seconds_text(gap.start_seconds)} to {seconds_text(gap.end_seconds)}"
        )
    if verdict.recovered_seconds is not None:
        stretches.append(StripPart("back", axis.at(verdict.recovered_seconds), 0.0))
        words.append(f"recovered at {seconds_text(verdict.recovered_seconds)}")
    if not verdict.outages:
        words.append("users served throughout" if not verdict.unmeasured else "users never seen out")
    return Strip(stretches, f"{'; '.join(words)}; watched for {seconds_text(end)}".capitalize())


def _stretch(kind: str, axis: Axis, start: float, end: float) -> StripPart:
    left = axis.at(start)
    return StripPart(kind, left, round(axis.at(max(start, end)) - left, 2))


def _end(verdict: DrillVerdict) -> float:
    ends = [out.end_seconds for out in verdict.outages if out.end_seconds is not None]
    return max([verdict.watched_seconds, verdict.recovered_seconds or 0.0, *ends])
