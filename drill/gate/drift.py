"""Has the service become worse over many runs, by steps that no comparison of two shows? Flows in: runs in
order of time, the candidate last. Flows out: each measure's last change, where it is recent.

Of each run one number a measure, over the drills that all runs carried out: so there are few series, and a
change in one of them is worth a look.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from drill.gate.compare import FALLING_IS_WORSE
from drill.gate.observed import ALL, Key, SeenRun
from drill.settings import Gate
from drill.settings.gate import RATIO, UNITS
from drill.statistics import change_points

SERIES = (Key("recovery"), Key("p95", ALL), Key("error_rate"))
LEAST_RUNS = 8
"""Fewer say nothing of a change."""
SIGNIFICANCE = 0.0025
"""Of one series: a permutation of 399 can be no rarer."""


@dataclass(frozen=True)
class Drifted:
    """A measure over runs. `before`, `after`: medians on both sides of the change, None where there is none;
    `effect`: as of the gate's comparison; `since`: the run that it began with; `runs`: how many were looked
    at; `told`: False where these are too few."""

    key: Key
    runs: int
    told: bool
    before: float | None = None
    after: float | None = None
    effect: float = 0.0
    since: str = ""
    probability: float = 1.0


def drifts(runs: Sequence[SeenRun], recent: int) -> list[Drifted]:
    """`recent`: a change that began more runs ago than this was decided on then."""
    found = []
    for key in SERIES:
        points = [
            (run.run, value) for run in runs if (value := _number(key, run, _common(key, runs))) is not None
        ]
        if points:
            found.append(_drifted(key, points, recent))
    return found


def is_worse(drift: Drifted, policy: Gate) -> bool:
    """The change is towards the worse, and as large as the least that counts."""
    return drift.effect >= policy.minimum_effect(drift.key.criterion)


def _drifted(key: Key, points: Sequence[tuple[str, float]], recent: int) -> Drifted:
    if len(points) < LEAST_RUNS:
        return Drifted(key, len(points), told=False)
    changes = change_points([value for _, value in points], SIGNIFICANCE)
    if not changes or changes[-1].index < len(points) - recent:
        return Drifted(key, len(points), told=True)
    last = changes[-1]
    effect = last.after - last.before
    ratio = UNITS[key.criterion] == RATIO
    if ratio:
        effect = math.expm1(effect)
    shown = [math.exp(value) if ratio else value for value in (last.before, last.after)]
    effect = -effect if key.criterion in FALLING_IS_WORSE else effect
    return Drifted(
        key, len(points), True, shown[0], shown[1], effect, points[last.index][0], last.probability
    )


def _common(key: Key, runs: Sequence[SeenRun]) -> set[str]:
    """The drills of the last run that have a number in every run that has any in common with it."""
    having = [
        {name for name, drill in run.drills.items() if key in drill.levels or key in drill.counts}
        for run in runs
    ]
    last = having[-1]
    alike = [names for names in having if 2 * len(names & last) >= len(last) > 0]
    return last.intersection(*alike) if alike else set()


def _number(key: Key, run: SeenRun, drills: set[str]) -> float | None:
    """None where the run has not all of them."""
    if not drills or not drills <= set(run.drills):
        return None
    levels = [run.drills[name].levels[key].value for name in drills if key in run.drills[name].levels]
    if len(levels) == len(drills):
        return sum(levels) / len(levels)
    counts = [run.drills[name].counts[key] for name in drills if key in run.drills[name].counts]
    if len(counts) == len(drills):
        return sum(each.events for each in counts) / sum(each.trials for each in counts)
    return None
