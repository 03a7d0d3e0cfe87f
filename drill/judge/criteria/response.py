"""What users got in the window after. Flows in: a Case. Flows out: its latency quantile and its rate of
failed requests."""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.reasons import never_after, undecided, unlimited
from drill.judge.verdict import Criterion
from drill.judge.windows import LEAST_SHARE_OF_LOAD, quantile_of, response_latency
from drill.statistics import hold, quantile, quantile_interval, rate_interval


def response_time(case: Case) -> Criterion:
    """The quantile of latency from the planned moment; a failed request counts with its timeout at least."""
    name = "response_time"
    unjudged = unlimited(case, name) or never_after(case, name) or _too_few(case, name)
    if unjudged:
        return unjudged
    limit = case.setup.limits[name]
    latency = response_latency(case.after, case.setup.settings.timeout_seconds)
    probability = quantile_of(limit)
    interval = quantile_interval(latency, probability)
    value = quantile(latency, probability)
    if interval is None:
        return undecided(
            case, name, f"{len(latency)} requests do not bound the quantile {probability:g}", len(latency)
        )
    return Criterion(
        name,
        hold(interval, limit.value),
        value=value,
        limit=limit.value,
        unit=limit.unit,
        interval=interval,
        samples=len(latency),
        source=limit.source,
        why=f"{probability * 100:g} % of requests took less than {value * 1000:.0f} ms",
    )


def error_rate(case: Case) -> Criterion:
    """Failed requests over all. With a limit of 0.1 %, none may fail in 2,995 requests for that to be said at
    95 %.
    """
    name = "error_rate"
    unjudged = unlimited(case, name) or never_after(case, name) or _too_few(case, name)
    if unjudged:
        return unjudged
    limit = case.setup.limits[name]
    count, failed = len(case.after), int(case.after.failed.sum())
    interval = rate_interval(failed, count)
    return Criterion(
        name,
        hold(interval, limit.value),
        value=failed / count,
        limit=limit.value,
        unit=limit.unit,
        interval=interval,
        samples=count,
        source=limit.source,
        why=f"{failed} of {count} requests failed",
    )


def _too_few(case: Case, name: str) -> Criterion | None:
    """Inconclusive with fewer requests than the minimum, and with less than half of the load that was
    planned.
    """
    settings, count = case.setup.settings, len(case.after)
    planned = settings.requests_per_second * settings.after_seconds
    if count < LEAST_SHARE_OF_LOAD * planned:
        return undecided(case, name, f"too little load: {count} requests, of {planned:.0f} planned", count)
    if count < settings.minimum_requests:
        return undecided(
            case, name, f"{count} requests, fewer than the minimum of {settings.minimum_requests}", count
        )
    return None
