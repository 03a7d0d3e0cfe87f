"""One decision of many comparisons. Flows in: what was compared, the policy, the day. Flows out: a decision.

A difference is a *regression* where its interval is separate from zero, at a level that pays for how many
comparisons there are, and it is nearer to the minimum effect than to nothing. It is a *pass* where the
minimum effect lies outside its interval. Everything else is inconclusive; once the interval reaches no
farther than half the minimum effect, nothing is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from drill.gate.compare import Compared, Sides, compared
from drill.gate.drift import Drifted, drifts, is_worse
from drill.gate.observed import SeenDrill, SeenRun
from drill.judge.verdict import Criterion
from drill.run.outcome import FAIL, INCONCLUSIVE, PASS
from drill.settings import Gate, Waiver
from drill.settings.gate import RATIO, UNITS
from drill.statistics import Difference, holm_levels

GateOutcome = Literal["pass", "regression", "inconclusive", "not compared"]
Needed = Callable[[Difference, float, float], float | None]
DRILLS = "drills"
LONGEST = 1024.0
"""So many times as long is not looked at."""


@dataclass(frozen=True)
class Row:
    """One comparison. `effect`, `interval`: of the difference, in `unit` (ratio: 0.2 is by a fifth more; s;
    share); `more_seconds`: of drilling that would decide, None where it is decided, or nothing would;
    `source`: the runbook's line, where it is known; `waived`: by whom, empty where nobody did."""

    name: str
    outcome: GateOutcome
    blocks: bool
    why: str
    unit: str = ""
    candidate: float | None = None
    baseline: float | None = None
    effect: float | None = None
    interval: tuple[float, float] | None = None
    minimum_effect: float | None = None
    probability: float | None = None
    more_seconds: float | None = None
    source: str = ""
    waived: str = ""

    @property
    def decides(self) -> bool:
        """It counts for the outcome."""
        return self.blocks and not self.waived


@dataclass(frozen=True)
class Decision:
    """`candidate`, `baseline`: names of runs; `drills`: that were compared, `left_out`: that were not;
    `expired`: waivers whose day is over; `unused`: those that nothing needed; `by`: what was compared, drills
    or rounds of load."""

    candidate: tuple[str, ...]
    baseline: tuple[str, ...]
    drills: tuple[str, ...]
    left_out: tuple[str, ...]
    rows: tuple[Row, ...]
    expired: tuple[Waiver, ...] = ()
    unused: tuple[Waiver, ...] = ()
    by: str = DRILLS

    @property
    def outcome(self) -> GateOutcome:
        """Of all that blocks."""
        found = {row.outcome for row in self.rows if row.decides}
        if "regression" in found or self.expired:
            return "regression"
        # a policy that blocks by comparisons, and none could be made
        asked = [row for row in self.rows if row.blocks and row.name.split(" ")[0] in UNITS]
        nothing = bool(asked) and all(row.outcome == "not compared" for row in asked)
        return "inconclusive" if "inconclusive" in found or nothing or not self.rows else "pass"

    @property
    def exit_status(self) -> int:
        """0 pass, 1 regression, 2 inconclusive."""
        return {"pass": PASS, "regression": FAIL}.get(self.outcome, INCONCLUSIVE)

    @property
    def more_seconds(self) -> float | None:
        """Of drilling, after which nothing that blocks would be inconclusive for want of it."""
        needed = [row.more_seconds for row in self.rows if row.decides and row.more_seconds is not None]
        return max(needed, default=None)


def decide(sides: Sides, past: Sequence[SeenRun], policy: Gate, today: date) -> Decision:
    """`past`: the runs before the candidate, oldest first, for what changed slowly, and for how much runs of
    one image differ by themselves."""
    rows = [*_limits(sides, policy), *_differences(sides, past, policy)]
    if "drift" in (*policy.block, *policy.warn):
        found = drifts([*past, *sides.candidate], policy.runs)
        rows += [_drift(each, policy) for each in found]
    decision = Decision(
        candidate=tuple(run.run for run in sides.candidate),
        baseline=tuple(run.run for run in sides.baseline),
        drills=tuple(sides.drills),
        left_out=tuple(sides.left_out),
        rows=tuple(rows),
    )
    return with_waivers(decision, policy, today)


def with_waivers(decision: Decision, policy: Gate, today: date) -> Decision:
    """What somebody lets pass until a day that is not over."""
    alive = [waiver for waiver in policy.waivers if waiver.expires >= today]
    rows = [replace(row, waived=_waived(row, alive)) for row in decision.rows]
    return replace(
        decision,
        rows=tuple(rows),
        expired=tuple(waiver for waiver in policy.waivers if waiver.expires < today),
        unused=tuple(
            waiver for waiver in alive if not any(_covers(waiver, row) for row in rows if _needs(row))
        ),
    )


def _waived(row: Row, alive: Sequence[Waiver]) -> str:
    """Who lets it pass, until when and why; empty where nobody does, or nothing is to be let pass."""
    covering = [each for each in alive if _needs(row) and _covers(each, row)]
    return f"{covering[0].owner} until {covering[0].expires}: {covering[0].reason}" if covering else ""


def _needs(row: Row) -> bool:
    return row.outcome in ("regression", "inconclusive")


def _covers(waiver: Waiver, row: Row) -> bool:
    return waiver.criterion in (row.name, row.name.split(" ")[0])


def _limits(sides: Sides, policy: Gate) -> Iterator[Row]:
    """The runbook's own limits, held by each drill of the candidate as its scenario states, and the drills
    of the baseline that the candidate should have carried out: all but those that its command line left out.
    """
    if "limits" not in (*policy.block, *policy.warn):
        return
    blocks = "limits" in policy.block
    for run in sides.candidate:
        for drill in run.drills.values():
            yield from _of_limits(drill, blocks)
    runs = (*sides.candidate, *sides.baseline)
    title = {name: each.scenario for run in runs for name, each in run.drills.items()}
    for name in sides.left_out:
        lacking = [run for run in sides.candidate if name not in run.drills]
        if any(title[name] not in run.not_selected for run in lacking):
            yield Row(f"limits {name}", "inconclusive", blocks, "not drilled by each run of the candidate")


def _of_limits(drill: SeenDrill, blocks: bool) -> Iterator[Row]:
    if drill.as_expected:
        yield Row(f"limits {drill.scenario}", "pass", blocks, "ended as its scenario states")
        return
    outcome: GateOutcome = "regression" if drill.outcome in ("pass", "fail") else "inconclusive"
    wanted = "fail" if outcome == "regression" else "inconclusive"
    broken = [each for each in drill.limits if each.verdict == wanted]
    if not broken:
        yield Row(f"limits {drill.scenario}", outcome, blocks, f"{drill.outcome}: {drill.why}")
        return
    others = f" (and {', '.join(each.title or each.name for each in broken[1:])})" if broken[1:] else ""
    yield _broken(drill, broken[0], outcome, blocks, others)


def _broken(drill: SeenDrill, criterion: Criterion, outcome: GateOutcome, blocks: bool, others: str) -> Row:
    return Row(
        f"limits {drill.scenario}",
        outcome,
        blocks,
        f"{criterion.title or criterion.name}: {criterion.why}{others}",
        unit=criterion.unit,
        candidate=criterion.value,
        baseline=criterion.limit,
        source=criterion.source,
    )


def _differences(sides: Sides, past: Sequence[SeenRun], policy: Gate) -> Iterator[Row]:
    def needed(difference: Difference, least: float, level: float) -> float | None:
        return seconds_needed(difference, least, level, policy.misses, sides)

    for row in rows_of(compared(sides, past, policy), policy, needed, DRILLS):
        yield replace(row, source=_source(row.name.split(" ")[0], sides))


def rows_of(every: Sequence[Compared], policy: Gate, needed: Needed, by: str) -> Iterator[Row]:
    """Those that block and those that warn are each paid for among themselves. `needed`: how many more
    seconds would decide a difference, given its minimum effect and the level of its interval; `by`: of what.
    """
    for names, blocks in ((policy.block, True), (policy.warn, False)):
        own = [each for each in every if each.key.criterion in names]
        measured = [each.difference.probability() for each in own if each.difference is not None]
        levels = iter(holm_levels(measured, policy.false_alarms))
        for each in own:
            level = next(levels) if each.difference is not None else policy.false_alarms
            yield _row(each, level, policy, needed, by, blocks=blocks)


def _row(each: Compared, level: float, policy: Gate, needed: Needed, by: str, *, blocks: bool) -> Row:
    unit, least = UNITS[each.key.criterion], policy.minimum_effect(each.key.criterion)
    if each.difference is None:
        outcome: GateOutcome = "inconclusive" if each.known else "not compared"
        return Row(str(each.key), outcome, blocks, each.missing, unit)
    scaled = math.log1p(least) if unit == RATIO else least
    outcome = judged(each.difference, scaled, level, policy.misses)
    low, high = each.difference.interval(level, policy.misses)
    seconds = needed(each.difference, scaled, level) if outcome == "inconclusive" else None
    return Row(
        str(each.key),
        outcome,
        blocks,
        "; ".join(filter(None, (_why(outcome, seconds, by), each.spread))),
        unit,
        each.candidate,
        each.baseline,
        _shown(each.difference.estimate, unit),
        (_shown(low, unit), _shown(high, unit)),
        least,
        each.difference.probability(),
        seconds,
    )


def judged(difference: Difference, least: float, level: float, misses: float) -> GateOutcome:
    """By the rule that stands at the head of this file."""
    low, high = difference.interval(level, misses)
    if low > 0 and difference.estimate >= least / 2:
        return "regression"
    return "pass" if high < least else "inconclusive"


def seconds_needed(
    difference: Difference, least: float, level: float, misses: float, sides: Sides
) -> float | None:
    """How many more seconds of drills would decide, if the difference stays what it is: of the candidate, or,
    where that alone would not do, of both sides. None where even LONGEST times as long would not."""
    own, other = (
        sides.candidate_seconds * len(sides.candidate),
        sides.baseline_seconds * len(sides.baseline),
    )
    for grows, seconds in ((0.0, own), (1.0, own + other)):
        factor = times_as_long(difference, least, level, misses, grows)
        if factor is not None:
            return math.ceil((factor - 1) * seconds)
    return None


def times_as_long(
    difference: Difference, least: float, level: float, misses: float, grows: float = 1.0
) -> float | None:
    """So many times as long would decide; None where even LONGEST would not. `grows`: 1 where both sides go
    on, 0 where the candidate alone does."""
    factor = 1.0
    while factor < LONGEST:
        factor *= 1.1
        if judged(difference.longer(factor, factor**grows), least, level, misses) != "inconclusive":
            return factor
    return None


def _why(outcome: GateOutcome, seconds: float | None, by: str) -> str:
    if outcome == "regression":
        return "worse, and nearer to the minimum effect than to none"
    if outcome == "pass":
        return "the minimum effect lies outside the interval"
    return (
        f"not told yet; about {seconds:.0f} s more of {by} would"
        if seconds is not None
        else f"not told, nor would a thousand times as many {by} tell it"
    )


def _shown(value: float, unit: str) -> float:
    return math.expm1(value) if unit == RATIO else value


def _source(compared_by: str, sides: Sides) -> str:
    """The line of the runbook's limit on that criterion."""
    limit = {"p95": "response_time", "recovery": "recovered"}.get(compared_by, compared_by)
    for run in sides.candidate:
        for name in sides.drills:
            for criterion in run.drills[name].limits:
                if criterion.name == limit and criterion.source:
                    return criterion.source
    return ""


def _drift(drift: Drifted, policy: Gate) -> Row:
    blocks, unit = "drift" in policy.block, UNITS[drift.key.criterion]
    name = f"drift {drift.key}"
    if not drift.told:
        return Row(name, "not compared", blocks, f"{drift.runs} runs are too few to tell", unit)
    if drift.before is None or not is_worse(drift, policy):
        return Row(name, "pass", blocks, f"no change for the worse in {drift.runs} runs", unit)
    why = f"since run {drift.since}, of {drift.runs} runs (p {drift.probability:.4f})"
    return Row(
        name,
        "regression",
        blocks,
        why,
        unit,
        drift.after,
        drift.before,
        drift.effect,
        minimum_effect=policy.minimum_effect(drift.key.criterion),
        probability=drift.probability,
    )
