"""Averages from cumulative counters. Flows in: readings of a counter. Flows out: what it rose by, and over
how long.

A counter that falls was reset (its container restarted): what was counted across the reset is unknown, so
that stretch is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple


class Reading(NamedTuple):
    """A cumulative counter at a moment. `at`: seconds, of any one clock."""

    at: float
    value: float


class Average(NamedTuple):
    """A rise, and how many seconds of the readings' clock were measured."""

    rise: float
    seconds: float

    @property
    def rate(self) -> float:
        """Rise per second, weighted by time. Only where `seconds` > 0."""
        return self.rise / self.seconds


def average_rate(readings: Sequence[Reading]) -> Average:
    """The rise of one counter over its readings in order of time. A reading that repeats the previous one's
    moment adds nothing."""
    rise, lengths = 0.0, []
    for before, after in itertools.pairwise(readings):
        if after.at > before.at and after.value >= before.value:
            rise += after.value - before.value
            lengths.append(after.at - before.at)
    return Average(rise, sum(lengths))


def increase(values: Sequence[float]) -> float:
    """How much a cumulative counter rose over its values in order; falls (resets) add nothing."""
    return sum(max(0.0, after - before) for before, after in itertools.pairwise(values))
