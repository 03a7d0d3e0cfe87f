"""Averages from cumulative counters. Flows in: readings of a counter. Flows out: what it rose by, and over
how long.

A counter that falls was reset (its container restarted): what was counted across the reset is unknown, so
that stretch is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Reading(NamedTuple):
    """A cumulative counter at a moment. `at`: seconds, of any one clock."""

    at: float
    value: float


class Average(NamedTuple):
    """A rise, how long it took, and the stretches (start, end) of time that were measured, all in seconds of
    the readings' clock."""

    rise: float
    seconds: float
    stretches: list[tuple[float, float]]

    @property
    def rate(self) -> float:
        """Rise per second, weighted by time. Only where `seconds` > 0."""
        return self.rise / self.seconds


def average_rate(readings: Sequence[Reading]) -> Average:
    """The rise of one counter over its readings in order of time. A reading that repeats the previous one's
    moment adds nothing."""
    rise, stretches = 0.0, []
    for before, after in itertools.pairwise(readings):
        if after.at > before.at and after.value >= before.value:
            rise += after.value - before.value
            stretches.append((before.at, after.at))
    return Average(rise, sum(end - start for start, end in stretches), stretches)


def increase(values: Sequence[float]) -> float:
    """How much a cumulative counter rose over its values in order; falls (resets) add nothing."""
    return sum(max(0.0, after - before) for before, after in itertools.pairwise(values))


def covered_seconds(stretches: Iterable[tuple[float, float]]) -> float:
    """How many seconds lie in at least one of the stretches."""
    covered, reached = 0.0, float("-inf")
    for start, end in sorted(stretches):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered
