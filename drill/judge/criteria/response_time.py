"""How long users waited in the window after. Flows in: a Case. Flows out: the latency quantile, judged by the
share of requests above the limit in blocks of time, for latencies are correlated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, undecided
from drill.judge.outages import quantile_of, response_latency
from drill.recording import Requests
from drill.recording.events import Calibration, Limit
from drill.statistics import Blocks, Held, Interval, block_quantile_interval, hold, in_blocks, quantile

LEAST_BLOCK_SECONDS = 1.0
UNCALIBRATED_BLOCK_SECONDS = 1.5
GROWTH = 1.5
"""The live watch looks again once the window has grown by this factor: a quantile in blocks does not pay for
looks as the error rate's test does, so there are few of them."""


class Waiting(NamedTuple):
    """`latency`: shape (n,), seconds; `blocks` of `seconds` each; `interval`: of the quantile, None where
    there are too few blocks."""

    latency: NDArray[np.float64]
    blocks: Blocks
    seconds: float
    interval: Interval | None

    @property
    def by_tail(self) -> bool:
        """True where the upper bound lies beyond every request that was seen."""
        return self.interval is not None and self.interval[1] > float(self.latency.max())


def response_time(case: Case) -> Answer:
    """The quantile of latency from the planned moment; a failed request counts with its timeout at least."""
    requests, settings = case.after, case.setup.settings
    limit = case.setup.limits["response_time"]
    if len(requests) < settings.minimum_requests:
        few = f"{len(requests)} requests, fewer than the minimum of {settings.minimum_requests}"
        return undecided(few, len(requests))
    waiting = waiting_of(requests, limit, settings.timeout_seconds, case.calibration)
    if waiting.interval is None:
        few = f"{waiting.blocks.number} blocks of {waiting.seconds:g} s are too few to tell"
        return undecided(few, len(requests))
    probability = quantile_of(limit)
    value = quantile(waiting.latency, probability)
    found = f"{probability * 100:g} % of requests took less than {value * 1000:.0f} ms"
    why = f"{found}; {_assumption(waiting, case.calibration)}"
    return Answer(hold(waiting.interval, limit.value), why, value, waiting.interval, len(requests))


def response_time_so_far(
    requests: Requests,
    window: tuple[float, float],
    least_seconds: float,
    limit: Limit,
    *,
    timeout_seconds: float,
    calibration: Calibration | None = None,
) -> Held:
    """Is the response time decided yet, by the `requests` of the window after? `window`: [opened, known
    until), monotonic seconds. "inconclusive" while it is not. It is looked at after `least_seconds`, and
    whenever the window has grown by GROWTH; asked in between, it is decided where the last look and the
    whole window, which is what will be judged, both are."""
    opened, known_until = window
    if known_until - opened < least_seconds:
        return "inconclusive"
    look = least_seconds
    while look * GROWTH <= known_until - opened:
        look *= GROWTH
    looked = _held(requests.between(opened, opened + look), limit, timeout_seconds, calibration)
    if looked == "inconclusive":
        return looked
    return _held(requests, limit, timeout_seconds, calibration)


def block_seconds(calibration: Calibration | None) -> float:
    """Blocks twice as long as latencies depend on each other, by calibration."""
    if calibration is None:
        return UNCALIBRATED_BLOCK_SECONDS
    return max(LEAST_BLOCK_SECONDS, 2 * calibration.correlation_seconds)


def _held(requests: Requests, limit: Limit, timeout_seconds: float, calibration: Calibration | None) -> Held:
    interval = waiting_of(requests, limit, timeout_seconds, calibration).interval
    return "inconclusive" if interval is None else hold(interval, limit.value)


def waiting_of(
    requests: Requests, limit: Limit, timeout_seconds: float, calibration: Calibration | None
) -> Waiting:
    """How long the users of these requests waited."""
    latency, seconds = response_latency(requests, timeout_seconds), block_seconds(calibration)
    blocks = in_blocks(latency, requests.planned, seconds)
    return Waiting(latency, blocks, seconds, block_quantile_interval(blocks, quantile_of(limit), limit.value))


def _assumption(waiting: Waiting, calibration: Calibration | None) -> str:
    """What the interval rests on, in words."""
    assumed = f"blocks of {waiting.seconds:g} s taken as independent"
    if calibration is None:
        assumed += ": no calibration"
    else:
        correlated = calibration.correlation_seconds
        assumed += f", since calibration found latencies correlated over {correlated:g} s"
    if not waiting.by_tail:
        return assumed
    slowest = float(waiting.latency.max()) * 1000
    return (
        f"{assumed}; beyond the slowest seen ({slowest:.0f} ms) the tail taken as no heavier than 1 / latency"
    )


QUESTION = Question(
    "response_time", "Response time", response_time, limit="response_time", unit="s", needs=("window after",)
)
