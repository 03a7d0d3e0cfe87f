"""Pairs of turns against each other. Flows in: pairs as they were seen, the policy. Flows out: a decision.

The samples are the pairs' differences: what both turns of one share cancels. Failures are counted, turns
being what bursts and moods are told by. What plain load cannot tell, such as the time to recovery, is said to
be not compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from drill.gate.compare import FALLING_IS_WORSE, PLANNED, Compared
from drill.gate.decide import Decision, Row, rows_of, times_as_long, with_waivers
from drill.gate.observed import ALL, QUANTILES, Key
from drill.gate.turns import Pair, StoredRounds, least_requests
from drill.settings import Gate
from drill.settings.gate import RATIO, UNITS
from drill.statistics import Difference, paired_difference, rate_difference

LEAST_PAIRS = 4
"""Fewer tell nothing: with the extremes cut off, two would be left."""
BY = "rounds"
BY_DRILLS = frozenset({"limits", "recovery", "phase", "writes_lost", "drift"})
NOT_BY_LOAD = "plain load does not tell it; `drill gate alternate` and `drill gate runs` do"


def decide_pairs(
    pairs: Sequence[Pair], stored: StoredRounds, policy: Gate, today: date, names: tuple[str, str]
) -> Decision:
    """`names`: of the candidate and the baseline, for people. This decision has `stored.share` of the error
    rates."""
    share = {"false_alarms": policy.false_alarms * stored.share, "misses": policy.misses * stored.share}
    shared = policy.model_copy(update=share)
    good = [pair for pair in pairs if not pair.spoiled]

    def needed(difference: Difference, least: float, level: float) -> float | None:
        factor = times_as_long(difference, least, level, shared.misses)
        return None if factor is None else math.ceil((factor - 1) * stored.seconds)

    rows = list(rows_of(compared_pairs(good, stored, shared), shared, needed, BY))
    if len(good) < LEAST_PAIRS:
        rows = [_too_few(row, pairs, stored) for row in rows]
    decision = Decision((names[0],), (names[1],), (), (), (*rows, *_by_drills(shared)), by=BY)
    return with_waivers(decision, policy, today)


def _too_few(row: Row, pairs: Sequence[Pair], stored: StoredRounds) -> Row:
    """No number is told of so few pairs; how many seconds would make them enough, as fast as it went."""
    good, stretches = sum(not pair.spoiled for pair in pairs), len(stored.images)
    # each further stretch makes a pair, but for the very first
    lacking = LEAST_PAIRS - good + (0 if stretches else 1)
    seconds = math.ceil(lacking * max(2 * stored.turn_seconds, stored.seconds / max(1, stretches)))
    spoiled = next((pair.spoiled for pair in pairs if pair.spoiled), "")
    why = f"{good} of {len(pairs)} pairs tell something, fewer than {LEAST_PAIRS}"
    why += f" ({spoiled})" if spoiled else ""
    return Row(row.name, "inconclusive", row.blocks, why, row.unit, more_seconds=seconds)


def _by_drills(policy: Gate) -> list[Row]:
    return [
        Row(name, "not compared", name in policy.block, NOT_BY_LOAD, UNITS.get(name, ""))
        for name in (*policy.block, *policy.warn)
        if name in BY_DRILLS
    ]


def compared_pairs(pairs: Sequence[Pair], stored: StoredRounds, policy: Gate) -> list[Compared]:
    """Every criterion of the policy that plain load tells, in its order; none of `pairs` is spoiled."""
    found = []
    for criterion in (*policy.block, *policy.warn):
        if criterion in QUANTILES:
            keys = [Key(criterion, name) for name in (ALL, *stored.names)]
            found += [_quantile(key, pairs, policy) for key in keys]
        elif criterion == "error_rate":
            found.append(_failures(pairs))
        elif criterion not in BY_DRILLS:
            found.append(_levels(Key(criterion), pairs, policy, "not measured"))
    return found


def _quantile(key: Key, pairs: Sequence[Pair], policy: Gate) -> Compared:
    """Of a request too seldom sent nothing is told: that is inconclusive where it blocks."""
    sizes = [turn.sizes.get(key.of, 0) for pair in pairs for turn in (pair.released, pair.candidate)]
    least, fewest = least_requests(key.criterion), min(sizes, default=0)
    why = f"a turn has {fewest} requests of it, fewer than {least}"
    if fewest:
        why += f"; turns {least / fewest:.1f} times as long would do (--turn-seconds)"
    found = _levels(key, pairs, policy, why)
    return found if found.difference or key.criterion in policy.block else replace(found, known=False)


def _levels(key: Key, pairs: Sequence[Pair], policy: Gate, missing: str) -> Compared:
    told = [pair for pair in pairs if key in pair.released.levels and key in pair.candidate.levels]
    if len(told) < LEAST_PAIRS:
        measured = any(key in pair.released.levels for pair in pairs) or key.criterion in QUANTILES
        return Compared(key, None, None, None, missing, known=measured)
    candidate = np.array([pair.candidate.levels[key].value for pair in told])
    baseline = np.array([pair.released.levels[key].value for pair in told])
    variances = [
        sum(each or 0.0 for each in (pair.candidate.levels[key].variance, pair.released.levels[key].variance))
        for pair in told
    ]
    sign = -1.0 if key.criterion in FALLING_IS_WORSE else 1.0
    spread = 0.0 if key.criterion in PLANNED else policy.run_spread
    difference = paired_difference(sign * (candidate - baseline), float(np.mean(variances)), spread)
    assert UNITS[key.criterion] == RATIO
    shown = [math.exp(float(np.median(side))) for side in (candidate, baseline)]
    return Compared(key, shown[0], shown[1], difference)


def _failures(pairs: Sequence[Pair]) -> Compared:
    key = Key("error_rate")
    if len(pairs) < LEAST_PAIRS:
        return Compared(key, None, None, None, "too few pairs")
    candidate, baseline = (
        [turn.counts[key] for turn in turns]
        for turns in zip(*((pair.candidate, pair.released) for pair in pairs), strict=True)
    )
    told = [turn.dispersion for pair in pairs for turn in (pair.released, pair.candidate)]
    difference = rate_difference(candidate, baseline, float(np.mean(told)))
    rates = [side.events / side.trials for side in (difference.candidate, difference.baseline)]
    return Compared(key, rates[0], rates[1], difference)
