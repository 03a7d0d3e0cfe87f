"""How long users waited in the window after. Flows in: a Case. Flows out: the latency quantile, judged by the
share of requests above the limit in blocks of time, for latencies are correlated."""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, guarded, undecided, unmeasured_in
from drill.judge.outages import quantile_of, response_latency
from drill.statistics import block_quantile_interval, hold, in_blocks, quantile

LEAST_BLOCK_SECONDS = 1.0
UNCALIBRATED_BLOCK_SECONDS = 1.5


def response_time(case: Case) -> Answer:
    """The quantile of latency from the planned moment; a failed request counts with its timeout at least."""
    requests, settings = case.after, case.setup.settings
    limit = case.setup.limits["response_time"]
    if len(requests) < settings.minimum_requests:
        few = f"{len(requests)} requests, fewer than the minimum of {settings.minimum_requests}"
        return undecided(few, len(requests))
    latency = response_latency(requests, settings.timeout_seconds)
    probability = quantile_of(limit)
    seconds = block_seconds(case)
    blocks = in_blocks(latency, requests.planned, seconds)
    interval = block_quantile_interval(blocks, probability, limit.value)
    value = quantile(latency, probability)
    if interval is None:
        return undecided(f"{blocks.number} blocks of {seconds:g} s are too few to tell", len(requests))
    found = f"{probability * 100:g} % of requests took less than {value * 1000:.0f} ms"
    why = f"{found}; {_assumption(case, seconds)}"
    answer = Answer(hold(interval, limit.value), why, value, interval, len(requests))
    return guarded(answer, unmeasured_in(case, *(case.timeline.after or (0.0, 0.0))))


def block_seconds(case: Case) -> float:
    """Blocks twice as long as latencies depend on each other, by calibration."""
    if case.calibration is None:
        return UNCALIBRATED_BLOCK_SECONDS
    return max(LEAST_BLOCK_SECONDS, 2 * case.calibration.correlation_seconds)


def _assumption(case: Case, seconds: float) -> str:
    assumed = f"blocks of {seconds:g} s taken as independent"
    if case.calibration is None:
        return f"{assumed}: no calibration"
    correlated = case.calibration.correlation_seconds
    return f"{assumed}, since calibration found latencies correlated over {correlated:g} s"


QUESTION = Question(
    "response_time", "Response time", response_time, limit="response_time", unit="s", needs=("window after",)
)
