"""When were users out? Flows in: the measured requests, and the standard of good service. Flows out: the
stretches in which they failed, or were slow, more than the standard allows.

A bucket: every bad request fills it by one, every request drains it by a multiple of the share that the limit
allows. Users are out from the request that began to fill it until the last one at which it was full. So a
stray failure, or the rate of failures that the limit allows, is no outage; four failures in a row are one,
and so is one request of a hundred for some seconds. An unmeasured stretch neither fills nor drains it.

How deep the bucket is pays for the noise that calibration found: failures that come in bursts, latencies that
stay high together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drill.recording import Requests
from drill.recording.events import Calibration, Judging, Limit

DRAIN_OF_FAILURES, DRAIN_OF_SLOW = 4.0, 2.0
"""The bucket drains by this many times the share of bad requests that the limit allows."""
DEPTH_IN_FAILURES = 3.0
DEPTH_IN_SLOW_SECONDS = 1.0
USUAL_ERROR_RATE = 0.001
"""Taken where the runbook states no error rate; DEPTH_IN_FAILURES is right for it, and grows with higher
limits.
"""
ALONE = 0.1
"""Drained by that much at least since the bad request before, and by one until the next: a bad request
alone.
"""


class Standard(NamedTuple):
    """What good service is. `error_rate`: share of failures allowed; `response_seconds`: None where the
    runbook states no response time, which `slow_share` of requests may reach; `timeout_seconds`: what a
    failed request took at least; `dispersion`, `correlation_seconds`: of calibration, 1 and 0 without;
    `hold_seconds`: how long it must last."""

    error_rate: float
    response_seconds: float | None
    slow_share: float
    timeout_seconds: float
    requests_per_second: float
    hold_seconds: float
    dispersion: float = 1.0
    correlation_seconds: float = 0.0

    @property
    def hold_requests(self) -> float:
        """How many requests good service must last for."""
        return self.hold_seconds * self.requests_per_second


class Outage(NamedTuple):
    """[start, end), monotonic seconds: from the first bad request to the first request after the last; `end`
    is None where none came after it. `good_after`: requests between it and the next outage, or the end of
    watching."""

    felt: Literal["failed", "slow"]
    start: float
    end: float | None
    good_after: int


def standard_of(
    settings: Judging, limits: Mapping[str, Limit], calibration: Calibration | None = None
) -> Standard:
    """The standard that a drill states."""
    rate, response = limits.get("error_rate"), limits.get("response_time")
    return Standard(
        error_rate=USUAL_ERROR_RATE if rate is None else rate.value,
        response_seconds=None if response is None else response.value,
        slow_share=1 - (0.95 if response is None else quantile_of(response)),
        timeout_seconds=settings.timeout_seconds,
        requests_per_second=settings.requests_per_second,
        hold_seconds=settings.hold_seconds,
        dispersion=max(1.0, calibration.dispersion) if calibration else 1.0,
        correlation_seconds=calibration.correlation_seconds if calibration else 0.0,
    )


def quantile_of(limit: Limit) -> float:
    """The quantile that a limit is about: "p95" is 0.95, and so is none named."""
    number = limit.statistic.removeprefix("p")
    return float(number) / 100 if number.isdecimal() and 0 < float(number) < 100 else 0.95


def response_latency(requests: Requests, timeout_seconds: float) -> NDArray[np.float64]:
    """Seconds from planned to finished, shape (n,). A failed request took no less than the timeout: a fast
    error is not a fast response."""
    latency = requests.latency
    return np.where(requests.failed, np.maximum(latency, timeout_seconds), latency)


def outages_of(requests: Requests, standard: Standard, since: float) -> list[Outage]:
    """The outages from `since` on (monotonic seconds), in order. A request that was under way then counts
    with what became of it; one that had ended does not."""
    requests = requests.where(requests.finished >= since)
    rate = standard.requests_per_second
    drain = min(DRAIN_OF_FAILURES * standard.error_rate, (1 + standard.error_rate) / 2)
    deeper = max(0.0, math.log10(max(standard.error_rate, 1e-12) / USUAL_ERROR_RATE))
    depth = (DEPTH_IN_FAILURES + deeper) * standard.dispersion
    failed = _full(requests.failed, drain, depth, standard.hold_requests)
    slow: list[tuple[int, int]] = []
    if standard.response_seconds is not None:
        latency = response_latency(requests, standard.timeout_seconds)
        drain = min(DRAIN_OF_SLOW * standard.slow_share, (1 + standard.slow_share) / 2)
        depth = rate * max(DEPTH_IN_SLOW_SECONDS, 2 * standard.correlation_seconds)
        slow = _full(latency >= standard.response_seconds, drain, depth, standard.hold_requests)
    return _outages(requests, failed, slow, since)


def _full(bad: NDArray[np.bool_], drain: float, depth: float, hold_requests: float) -> list[tuple[int, int]]:
    """Where the bucket was full: [first bad request of the filling, the request after the last bad one).

    Full again before it ran dry, it was full throughout; a whole hold after it was full last, it is dry. One
    bad request alone, with good ones before and after it, never tops it up: it is a stray.
    """
    edges = np.flatnonzero(np.diff(bad.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2].tolist(), edges[1::2].tolist()
    found: list[tuple[int, int]] = []
    level, begin, before, full_until = 0.0, 0, 0, math.inf
    for start, end, following in zip(starts, ends, [*starts, len(bad)][1:], strict=True):
        level = max(0.0, level - drain * (start - before))
        if start - full_until >= hold_requests:
            level, full_until = 0.0, math.inf
        if level == 0:
            begin = start
        level = min(depth, level + (1 - drain) * (end - start))
        alone = end - start == 1 and drain * (start - before) > ALONE and drain * (following - end) >= 1
        before = end
        if level >= depth - 1e-9 and not alone:
            full_until = end
            if found and found[-1][0] == begin:
                found.pop()
            found.append((begin, end))
    return found


def _outages(
    requests: Requests, failed: list[tuple[int, int]], slow: list[tuple[int, int]], since: float
) -> list[Outage]:
    """Both kinds in one list; those that overlap are one, felt as failed when any of it was."""
    spans: list[tuple[int, int, Literal["failed", "slow"]]] = []
    kinds: list[tuple[int, int, Literal["failed", "slow"]]] = [
        *((first, end, "failed") for first, end in failed),
        *((first, end, "slow") for first, end in slow),
    ]
    for first, end, felt in sorted(kinds):
        if spans and first <= spans[-1][1]:
            begun, reached, _ = spans[-1]
            spans[-1] = begun, max(reached, end), "failed"  # those of one kind never touch
        else:
            spans.append((first, end, felt))
    count = len(requests)
    following = [*(first for first, _, _ in spans), count][1:]
    return [
        Outage(
            felt,
            max(since, float(requests.planned[first])),
            float(requests.planned[end]) if end < count else None,
            after - end,
        )
        for (first, end, felt), after in zip(spans, following, strict=True)
    ]


def recovered_since(requests: Requests, standard: Standard, since: float) -> float | None:
    """When the service that broke at `since` was recovered, by the judge's own rule, as far as `requests`
    tell: the moment (monotonic seconds) from which on they have been good for a whole hold; None where they
    are not.

    Where no outage is seen from `since` on, that may be at once: ask after the fault was witnessed.
    """
    served = _served(requests, standard, since)
    return None if served is None else served.since


def window_opens(requests: Requests, standard: Standard, since: float, done: float) -> float | None:
    """When the window after opens (monotonic seconds), as far as `requests` tell, for a service that broke at
    `since` and whose operator was done at `done`: not before the hold that decided that users are served
    again; without an outage at `done`. None while users are not served."""
    served = _served(requests, standard, since)
    if served is None:
        return None
    return max(done, served.since + standard.hold_seconds) if served.after_outage else done


class _Served(NamedTuple):
    since: float
    after_outage: bool


def _served(requests: Requests, standard: Standard, since: float) -> _Served | None:
    outages = outages_of(requests, standard, since)
    if outages:
        last = outages[-1]
        if last.end is None or last.good_after < standard.hold_requests:
            return None
        return _Served(last.end, after_outage=True)
    later = requests.where(requests.planned >= since)
    if len(later) < max(1.0, standard.hold_requests):
        return None
    return _Served(float(later.planned[0]), after_outage=False)
