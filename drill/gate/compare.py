"""Candidate against baseline. Flows in: runs that were seen, the policy. Flows out: for each criterion a
difference, or why there is none.

Only drills that every run of both sides carried out are compared, each with itself, so that which drills ran
makes no difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from drill.errors import UsageError
from drill.gate.observed import QUANTILES, Key, SeenRun, table_of
from drill.gate.spread import OVERALL, MeasuredSpread, measured_spread
from drill.settings import Gate
from drill.settings.gate import RATIO, SHARE, UNITS
from drill.statistics import (
    Counted,
    Difference,
    MeanDifference,
    mean_difference,
    rate_difference,
)

FALLING_IS_WORSE = frozenset({"throughput"})
PLANNED = frozenset({"throughput"})
"""As many requests come in every run: of what is served, runs differ by what is seen within them alone."""
OF_A_BUSY_MACHINE = frozenset({"p50", "p95", "p99", "cpu"})
"""What becomes worse by itself where other things keep the machine's cores busy."""
AS_BUSY = 0.15
"""Runs whose machines differ by more than this share of the cores are not alike in that."""
SAME_LOAD = 0.01
"""Rates of load that differ by more than this share are not compared."""


@dataclass(frozen=True)
class Sides:
    """Runs of both sides, and the drills that all of them carried out. `left_out`: the other drills."""

    candidate: Sequence[SeenRun]
    baseline: Sequence[SeenRun]
    drills: Sequence[str]
    left_out: Sequence[str]

    @property
    def candidate_seconds(self) -> float:
        """For how long one run of the candidate watched these drills, on average."""
        return self._seconds(self.candidate)

    @property
    def baseline_seconds(self) -> float:
        """Of one run of the baseline."""
        return self._seconds(self.baseline)

    def _seconds(self, runs: Sequence[SeenRun]) -> float:
        return sum(run.drills[name].seconds for run in runs for name in self.drills) / len(runs)


@dataclass(frozen=True)
class Compared:
    """One criterion. `candidate`, `baseline`: in the unit of the criterion, with logarithms undone;
    `difference`: what is judged, above 0 where worse; None where there is none, and `missing` says why.
    `known`: False where the baseline does not have it, so that there is nothing to compare with; `spread`:
    how much runs were expected to differ, in words, where the history told it and not the policy."""

    key: Key
    candidate: float | None
    baseline: float | None
    difference: Difference | None
    missing: str = ""
    known: bool = True
    spread: str = ""


def sides_of(candidate: Sequence[SeenRun], baseline: Sequence[SeenRun]) -> Sides:
    """Raises UsageError where no drill is common to all, or the load was another. A run of the baseline with
    fewer than half of the candidate's drills is not one of the same kind, and left out."""
    wanted = set.intersection(*(set(run.drills) for run in candidate))
    alike = [run for run in baseline if 2 * len(wanted & set(run.drills)) >= len(wanted) > 0]
    if not alike:
        raise UsageError(
            f"{_named(baseline)}: none has half of the {len(wanted)} drills of {_named(candidate)}. Name "
            "runs of the same selection (pytest -m)"
        )
    common = wanted.intersection(*(set(run.drills) for run in alike))
    if not common:
        raise UsageError(
            f"{_named([*candidate, *alike])}: no drill was carried out in all of these runs. Name runs "
            "of the same selection (pytest -m)"
        )
    everything = set().union(*(set(run.drills) for run in (*candidate, *alike)))
    sides = Sides(candidate, alike, sorted(common), sorted(everything - common))
    _refuse_other_load(sides)
    return sides


def _named(runs: Sequence[SeenRun]) -> str:
    return ", ".join(run.run for run in runs)


def _refuse_other_load(sides: Sides) -> None:
    for name in sides.drills:
        rates = {
            run.run: run.drills[name].per_second
            for run in (*sides.candidate, *sides.baseline)
            if run.drills[name].per_second is not None
        }
        known = [rate for rate in rates.values() if rate is not None]
        if known and max(known) > min(known) * (1 + SAME_LOAD):
            said = ", ".join(f"{run}: {rate:g}/s" for run, rate in rates.items())
            raise UsageError(f"{name}: the load differs, so nothing can be compared ({said})")


def compared(sides: Sides, past: Sequence[SeenRun], policy: Gate) -> list[Compared]:
    """Every criterion that the candidate or the baseline measured and the policy asks for, in the order of
    the policy. `past`: earlier runs, for how much runs differ by themselves."""
    on_a_side = {run.identity for run in (*sides.candidate, *sides.baseline)}
    others = [run for run in past if run.identity not in on_a_side]
    wanted = [name for name in (*policy.block, *policy.warn) if name in UNITS]
    found = []
    for criterion in wanted:
        keys = sorted(
            {
                key
                for run in (*sides.candidate, *sides.baseline)
                for drill in sides.drills
                for key in (*run.drills[drill].levels, *run.drills[drill].counts)
                if key.criterion == criterion
            }
        )
        found += [
            _rates(key, sides) if UNITS[criterion] == SHARE else _means(key, sides, others, policy)
            for key in keys or [Key(criterion)]
        ]
    return found


def _means(key: Key, sides: Sides, others: Sequence[SeenRun], policy: Gate) -> Compared:
    """Each drill's number against its own in the baseline, over the drills in which all runs have it that
    have any."""
    with_any = [run for run in sides.baseline if _has(key, run, sides.drills)]
    if not with_any:
        return _absent(key, sides)
    alike = [run for run in with_any if _as_busy(run, sides.candidate)]
    if key.criterion in OF_A_BUSY_MACHINE and not alike:
        return Compared(key, None, None, None, _other_machine(sides.candidate, with_any))
    told = replace(sides, baseline=alike if key.criterion in OF_A_BUSY_MACHINE else with_any)
    drills = _told_by_all(key, told)
    if not drills or _lost(key, told):
        return _absent(key, told)
    candidate, baseline = (table_of(key, runs, drills) for runs in (told.candidate, told.baseline))
    ratio = UNITS[key.criterion] == RATIO
    stated = policy.run_spread * (1.0 if ratio else max(0.0, float(baseline.mean())))
    spread, words = _expected(key, stated, _measured(key, told, others, drills, policy.runs))
    difference = mean_difference(candidate, baseline, _within(key, told, drills), spread)
    values = [float(side.mean()) for side in (candidate, baseline)]
    if key.criterion in FALLING_IS_WORSE:
        difference = MeanDifference(
            -difference.estimate,
            difference.variance,
            difference.freedom,
            difference.candidate,
            difference.baseline,
        )
    shown = [math.exp(value) if ratio else value for value in values]
    return Compared(key, shown[0], shown[1], difference, spread=words)


def _expected(key: Key, stated: float, measured: MeasuredSpread | None) -> tuple[float, str]:
    """How much runs differ beside what is seen within them; in words, where that is not what is stated."""
    if key.criterion in PLANNED:
        return 0.0, ""
    if measured is None or not measured.spread.is_above(stated):
        return stated, ""
    return measured.spread.deviation, measured.told(key.criterion)


def _measured(
    key: Key, sides: Sides, others: Sequence[SeenRun], drills: Sequence[str], most: int
) -> MeasuredSpread | None:
    """How much runs of one image differ beside; where the history does not keep it of a latency or of CPU, as
    its p95 over all requests does."""
    if key.criterion not in OF_A_BUSY_MACHINE:
        return measured_spread(key, others, drills, most)
    alike = [run for run in others if _as_busy(run, sides.candidate)]
    own = measured_spread(key, alike, drills, most)
    return own or measured_spread(OVERALL, alike, drills, most)


def _as_busy(run: SeenRun, candidate: Sequence[SeenRun]) -> bool:
    """True where the machine did as much beside as for the candidate, or one of the two does not know."""
    known = [each.elsewhere for each in candidate if each.elsewhere is not None]
    return run.elsewhere is None or not known or abs(run.elsewhere - sum(known) / len(known)) <= AS_BUSY


def _other_machine(candidate: Sequence[SeenRun], baseline: Sequence[SeenRun]) -> str:
    def told(runs: Sequence[SeenRun]) -> str:
        shares = sorted({f"{run.elsewhere:.0%}" for run in runs if run.elsewhere is not None})
        return shares[0] if len(shares) == 1 else f"{shares[0]} to {shares[-1]}"

    return (
        f"the machine was busy with other things: {told(candidate)} of its cores, in the baseline "
        f"{told(baseline)}; drill again when both are alike"
    )


def _within(key: Key, sides: Sides, drills: Sequence[str]) -> float:
    """The variance of a run's mean over these drills, as blocks of time tell it; of the noisier side."""
    means = []
    for runs in (sides.candidate, sides.baseline):
        told = [run.drills[name].levels[key].variance for run in runs for name in drills]
        known = [each for each in told if each is not None]
        means.append(sum(known) / len(known) / len(drills) if known else 0.0)
    return max(means)


def _rates(key: Key, sides: Sides) -> Compared:
    with_any = [run for run in sides.baseline if _has(key, run, sides.drills)]
    sides = replace(sides, baseline=with_any)
    drills = _told_by_all(key, sides)
    if not with_any or not drills or _lost(key, sides):
        return _absent(key, sides)
    candidate, baseline = (_counted(key, runs, drills) for runs in (sides.candidate, sides.baseline))
    told = [run.drills[name].dispersion for run in (*sides.candidate, *sides.baseline) for name in drills]
    difference = rate_difference(candidate, baseline, float(np.mean(told)))
    rates = [side.events / side.trials for side in (difference.candidate, difference.baseline)]
    return Compared(key, rates[0], rates[1], difference)


def _counted(key: Key, runs: Sequence[SeenRun], drills: Sequence[str]) -> list[Counted]:
    """Of each run, over the drills, in all of which it is counted."""
    counts = [[run.drills[name].counts[key] for name in drills] for run in runs]
    return [Counted(sum(each.events for each in own), sum(each.trials for each in own)) for own in counts]


def _has(key: Key, run: SeenRun, drills: Sequence[str]) -> bool:
    """True where the run has it in any of these drills."""
    return any(key in run.drills[name].levels or key in run.drills[name].counts for name in drills)


def _told_by_all(key: Key, sides: Sides) -> list[str]:
    """The drills in which all runs have it."""
    runs = (*sides.candidate, *sides.baseline)
    return [name for name in sides.drills if all(_has(key, run, [name]) for run in runs)]


def _lost(key: Key, sides: Sides) -> list[str]:
    """The drills in which all runs of the baseline have it and one of the candidate does not, such as a time
    to recovery where users stayed out: what the other drills say does not make up for it. Of a request that
    was only sent too seldom for its quantile, nothing is lost."""
    wanted = OVERALL if key.criterion in QUANTILES else key
    return [
        name
        for name in sides.drills
        if all(_has(key, run, [name]) for run in sides.baseline)
        and not all(_has(wanted, run, [name]) for run in sides.candidate)
    ]


def _absent(key: Key, sides: Sides) -> Compared:
    """Which side has no number."""

    def has(runs: Sequence[SeenRun]) -> bool:
        return any(_has(key, run, sides.drills) for run in runs)

    lost = _lost(key, sides)
    lacking = [
        side
        for side, runs in (("the candidate", sides.candidate), ("the baseline", sides.baseline))
        if not has(runs)
    ]
    why = "no drill has it in all of the runs"
    if lacking:
        why = f"not measured by {' and '.join(lacking)}"
    elif lost:
        why = f"not measured by each run of the candidate, as the baseline did, in {', '.join(lost)}"
    return Compared(key, None, None, None, why, known=has(sides.baseline))
