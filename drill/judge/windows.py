"""The moments of a drill. Flows in: events and requests. Flows out: a Timeline in monotonic seconds.

Restored is the earliest moment after the fault and after its first failed request from which a full window of
requests holds the limits of error rate and latency, the request at that moment itself being good. Point
estimates serve here; the window after, which is longer, is what intervals are asked of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drill.recording import Event, Requests
from drill.statistics import rate_interval

if TYPE_CHECKING:
    from drill.judge.case import RecordedLimit, RecordedSettings

# fewer of the planned requests than this, and what is seen is not the load that was to be judged
LEAST_SHARE_OF_LOAD = 0.5


class Timeline(NamedTuple):
    """Monotonic seconds; None for what never came. `after`: [start, end) of the window after; `relapsed`:
    failed requests and all requests between the restoration and the procedure's end, where those were too
    many for the limit."""

    injected: float | None
    witnessed: float | None
    first_failed: float | None
    procedure_started: float | None
    procedure_finished: float | None
    restored: float | None
    watched_until: float
    answering_since: float | None
    relapsed: tuple[int, int] | None
    after: tuple[float, float] | None

    @property
    def watched_seconds(self) -> float:
        """From the injection until the last request planned."""
        return 0.0 if self.injected is None else max(0.0, self.watched_until - self.injected)

    def since_injection(self, moment: float | None) -> float | None:
        """Seconds from the injection to a moment; None when either never came."""
        return None if moment is None or self.injected is None else moment - self.injected


class Hold(NamedTuple):
    """Where a full window holds the limits. `held`: bool, shape (n,), for the window that begins at each
    request.
    """

    held: NDArray[np.bool_]
    failed_before: NDArray[np.int64]
    """Shape (n + 1,): how many of the requests before each index failed."""


def timeline_of(
    events: list[Event], requests: Requests, settings: RecordedSettings, limits: Mapping[str, RecordedLimit]
) -> Timeline:
    """Find every moment. Takes a time that grows with the number of requests, not with its square."""
    injected = _first(events, "fault.injected")
    witnessed = _witnessed(events, injected)
    started = _first(events, "procedure.started")
    finished = _procedure_end(events)
    gap = 1 / settings.requests_per_second
    watched_until = float(requests.planned[-1]) + gap if len(requests) else (injected or 0.0)
    first_failed = restored = answering_since = relapsed = after = None
    if injected is not None:
        first = first_failed_after(requests, injected)
        if first is None:
            opened = max(injected, witnessed or injected, finished or injected)
            after = (opened, opened + settings.after_seconds)
        else:
            first_failed = max(injected, float(requests.planned[first]))
            hold = holds(requests, settings, limits)
            start = max(first + 1, int(np.searchsorted(requests.planned, injected)))
            found = restoration(requests, hold, start, finished, limits)
            if found is None:
                answering_since = _answering_since(requests)
            else:
                restored = float(requests.planned[found])
                opened = restored if finished is None else max(restored, finished)
                after = (opened, max(opened + settings.after_seconds, _closed_after(events) or 0.0))
                relapsed = _relapse(requests, hold, found, finished, limits)
    return Timeline(
        injected=injected,
        witnessed=witnessed,
        first_failed=first_failed,
        procedure_started=started,
        procedure_finished=finished,
        restored=restored,
        watched_until=watched_until,
        answering_since=answering_since,
        relapsed=relapsed,
        after=after,
    )


def _closed_after(events: list[Event]) -> float | None:
    """When watching the window after ended: it goes on where too few requests were seen to tell, and never
    counts for less than planned.
    """
    closed = [
        event.monotonic
        for event in events
        if event.kind == "window.closed" and event.data.get("window") == "after"
    ]
    return closed[-1] if closed else None


def first_failed_after(requests: Requests, injected: float) -> int | None:
    """The index of the first planned of the requests that failed and were still under way, or not yet sent,
    at the injection."""
    hit = np.flatnonzero(requests.failed & (requests.finished >= injected))
    return int(hit[0]) if len(hit) else None


def holds(requests: Requests, settings: RecordedSettings, limits: Mapping[str, RecordedLimit]) -> Hold:
    """For each request: is it good, and does the window [its moment, + hold_seconds) lie in what was watched,
    see enough requests, and hold the limits? Counting sums make each window one subtraction, the quantile
    too: it is below its limit when few enough requests are not."""
    count = len(requests)
    planned = requests.planned
    failed_before = _counted(requests.failed)
    begin = np.arange(count)
    end = np.searchsorted(planned, planned + settings.hold_seconds)
    size = end - begin
    least = LEAST_SHARE_OF_LOAD * settings.hold_seconds * settings.requests_per_second
    watched_until = planned[-1] + 1 / settings.requests_per_second if count else 0.0
    failed = failed_before[end] - failed_before[begin]
    held = ~requests.failed & (size >= max(1.0, least)) & (planned + settings.hold_seconds <= watched_until)
    error_rate = limits.get("error_rate")
    held &= (failed < error_rate.value * size) if error_rate else (failed == 0)
    response_time = limits.get("response_time")
    if response_time:
        slow_before = _counted(response_latency(requests, settings.timeout_seconds) >= response_time.value)
        slow = slow_before[end] - slow_before[begin]
        rank = np.ceil(size * quantile_of(response_time) - 1e-9)
        held &= slow <= size - rank
    return Hold(held, failed_before)


def restoration(
    requests: Requests, hold: Hold, start: int, finished: float | None, limits: Mapping[str, RecordedLimit]
) -> int | None:
    """The index, `start` or later, of the request at which the service was restored; None where it never was.

    A restoration that ended again, and was followed by another before the procedure had ended, was none:
    users were out until the later one. One whose relapse outlasts the procedure stands, and the window after
    judges it.
    """
    found = _next_held(hold, start)
    while found is not None and finished is not None:
        if _relapse(requests, hold, found, finished, limits) is None:
            return found
        end = int(np.searchsorted(requests.planned, finished))
        last_failed = found + int(np.flatnonzero(requests.failed[found:end])[-1])
        later = _next_held(hold, last_failed + 1)
        if later is None or requests.planned[later] > finished:
            return found
        found = later
    return found


def response_latency(requests: Requests, timeout_seconds: float) -> NDArray[np.float64]:
    """Seconds from planned to finished, shape (n,). A failed request took no less than the timeout: a fast
    error is not a fast response."""
    latency = requests.latency
    return np.where(requests.failed, np.maximum(latency, timeout_seconds), latency)


def quantile_of(limit: RecordedLimit) -> float:
    """The quantile that a limit is about: "p95" is 0.95, and so is none named."""
    number = limit.statistic.removeprefix("p")
    return float(number) / 100 if number.isdecimal() else 0.95


def _relapse(
    requests: Requests, hold: Hold, found: int, finished: float | None, limits: Mapping[str, RecordedLimit]
) -> tuple[int, int] | None:
    """Failed requests and all requests from `found` to the procedure's end, where surely more failed than the
    limit allows."""
    if finished is None or finished <= requests.planned[found]:
        return None
    end = int(np.searchsorted(requests.planned, finished))
    failed = int(hold.failed_before[end] - hold.failed_before[found])
    limit = limits["error_rate"].value if "error_rate" in limits else 0.0
    low, _ = rate_interval(failed, end - found)
    return (failed, end - found) if failed and low >= limit else None


def _answering_since(requests: Requests) -> float | None:
    """The moment from which on no request failed until watching ended."""
    last_failed = int(np.flatnonzero(requests.failed)[-1])
    return float(requests.planned[last_failed + 1]) if last_failed + 1 < len(requests) else None


def _next_held(hold: Hold, start: int) -> int | None:
    rest = hold.held[start:]
    return start + int(np.argmax(rest)) if rest.any() else None


def _counted(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    counted = np.zeros(len(flags) + 1, np.int64)
    np.cumsum(flags, out=counted[1:])
    return counted


def _first(events: list[Event], kind: str) -> float | None:
    return next((event.monotonic for event in events if event.kind == kind), None)


def _procedure_end(events: list[Event]) -> float | None:
    """The end of the last procedure; None while one is still open."""
    moments = [event for event in events if event.kind in ("procedure.started", "procedure.finished")]
    return moments[-1].monotonic if moments and moments[-1].kind == "procedure.finished" else None


def _witnessed(events: list[Event], injected: float | None) -> float | None:
    """When the last witness was seen, by what it says itself: the event is written a little later."""
    event = next((event for event in events if event.kind == "fault.witnessed"), None)
    if event is None or injected is None:
        return None
    seconds = event.data.get("seconds")
    return injected + seconds if isinstance(seconds, int | float) else event.monotonic
