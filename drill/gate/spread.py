"""How much runs of one image differ by themselves, as the history has shown it. Flows in: runs that are on
neither side. Flows out: their standard deviation, which is expected of the sides where it is clearly
above the stated one.

What the sides' own runs tell of it is counted there: taken here too, it would count twice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from drill.gate.observed import ALL, Key, SeenRun, table_of
from drill.settings.gate import RATIO, UNITS
from drill.statistics import RunSpread, run_spread
from drill.statistics.two_sides import EXPECTED_RUNS

OVERALL = Key("p95", ALL)
"""What the history keeps of how fast the service was."""


@dataclass(frozen=True)
class MeasuredSpread:
    """`spread`: in the unit that is compared; `runs`: so many have shown it."""

    spread: RunSpread
    runs: int

    def told(self, criterion: str) -> str:
        """For people."""
        deviation = self.spread.deviation
        shown = f"{math.expm1(deviation):.0%}" if UNITS[criterion] == RATIO else f"{deviation:.1f} s"
        return f"runs of one image differ by {shown}, as {self.runs} of the history have shown"


def measured_spread(
    key: Key, runs: Sequence[SeenRun], drills: Sequence[str], most: int
) -> MeasuredSpread | None:
    """Of the last `most` runs that have the number in all of these drills, each against those of the same
    images; None where so few tell it that it would count as more than it is (EXPECTED_RUNS)."""
    having = [run for run in runs if run.images and _has(key, run, drills)][-most:]
    groups: dict[frozenset[tuple[str, str]], list[SeenRun]] = defaultdict(list)
    for run in having:
        groups[run.images].append(run)
    alike = [group for group in groups.values() if len(group) > 1]
    runs_alike = sum(len(group) for group in alike)
    if runs_alike - len(alike) < EXPECTED_RUNS:
        return None
    return MeasuredSpread(run_spread([table_of(key, group, drills) for group in alike]), runs_alike)


def _has(key: Key, run: SeenRun, drills: Sequence[str]) -> bool:
    return all(name in run.drills and key in run.drills[name].levels for name in drills)
