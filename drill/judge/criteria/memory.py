"""Memory in the window after, against the containers' own limits. Flows in: a Case. Flows out: the share that
the fullest pod of each moment used, whichever pod that was: one that is replaced when it is full takes its
share with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drill.judge.case import Case
from drill.judge.criteria.pods import (
    LEAST_SAMPLES,
    LEAST_SHARE_MEASURED,
    everyone,
    samples_of,
    too_little,
    window_seconds,
)
from drill.judge.criteria.question import Answer, Question, not_applicable, undecided
from drill.statistics import hold, mean_interval

LAST_PART = 1 / 3
"""Of the window: what use has settled to, or has risen to, is seen there."""


def memory(case: Case) -> Answer:
    """The mean of the last part of the window, where no sample of it may reach the limit, nor the line
    through all of them within another window."""
    samples = samples_of(case)
    few = too_little(case, samples)
    if few:
        return undecided(few, len(samples))
    at, shares = [], []
    blind, unlimited = set[str](), set[str]()
    for sample in samples:
        used = {
            name: pod.memory_bytes / pod.memory_limit_bytes
            for name, pod in sample.pods.items()
            if pod.memory_bytes is not None and pod.memory_limit_bytes
        }
        unlimited |= {name for name, pod in sample.pods.items() if not pod.memory_limit_bytes}
        blind = set(sample.expected) - set(used) - unlimited
        if used and not blind:
            at.append(sample.at)
            shares.append(max(used.values()))
    if unlimited and not everyone(samples) - unlimited:
        return not_applicable("no container has a memory limit")
    if blind or len(shares) < max(LEAST_SAMPLES, LEAST_SHARE_MEASURED * len(samples)):
        named = f", {', '.join(sorted(blind))} in the last one" if blind else ""
        return undecided(
            f"in {len(samples) - len(shares)} of {len(samples)} samples a pod was not measured{named}"
        )
    return _judged(case, np.array(at), np.array(shares))


def _judged(case: Case, at: NDArray[np.float64], shares: NDArray[np.float64]) -> Answer:
    limit, window = case.setup.limits["memory"].value, window_seconds(case)
    late = at >= at[-1] - LAST_PART * (at[-1] - at[0])
    last = shares[late] if int(late.sum()) >= LEAST_SAMPLES else shares[-LEAST_SAMPLES:]
    value, fullest = float(last.mean()), float(last.max())
    interval = mean_interval(last) or (value, value)
    why = f"the fullest pod used {value:.1%} of its memory limit in the last part of the window"
    answer = Answer(hold(interval, limit), why, value, interval, len(shares))
    if answer.verdict != "pass":
        return answer
    if fullest >= limit:
        return answer._replace(verdict="inconclusive", why=f"{why}, at times {fullest:.1%}")
    slope, _ = np.polyfit(at - at[0], shares, 1)
    ahead = value + float(slope) * window
    if ahead >= limit and float(slope) * window > 0.05:
        return answer._replace(
            verdict="inconclusive", why=f"{why}, and rises to {ahead:.0%} in another {window:.0f} s"
        )
    return answer


QUESTION = Question(
    "memory",
    "Memory usage, of the limit",
    memory,
    limit="memory",
    unit="ratio",
    parts=("resources",),
    needs=("window after",),
)
