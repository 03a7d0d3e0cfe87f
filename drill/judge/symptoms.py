"""Does a symptom hold under a fault? Flows in: a Case, and what a symptom says in numbers. Flows out: holds,
absent or undecided, and why.

It is looked at while the fault is as it was found: from when users were out (without an outage: from when the
fault had taken effect) until they are served again, somebody changes something, or nobody watches any more.
What a procedure does, such as stopping the service to restore a backup, is no symptom of the fault.

Requests are taken as independent: what is asked is whether the symptom was there in this drill. How often it
is under the fault, only several drills tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drill.judge.case import Case
from drill.judge.criteria.database import LEAST_QUERIES, queries_in
from drill.judge.outages import quantile_of
from drill.recording.events import ClusterChanged, PodResources, ResourcesSampled
from drill.statistics import Interval, Reading, average_rate, hold, proportion_interval

Holding = Literal["holds", "absent", "undecided"]
Measure = Literal["failed requests", "more errors answered", "response time", "cpu", "memory", "query time"]
LEAST_SAMPLES = 3
REFUSED = 400
IN_POD = "exec"
BASELINES: Mapping[Measure, str] = {
    "failed requests": "error_rate",
    "response time": "response_time",
    "cpu": "cpu",
    "memory": "memory",
    "query time": "database",
}
"""The runbook's limit that a measure is held against where the symptom states none; "more errors answered" is
held against the window before."""


class SymptomHeld(NamedTuple):
    """One symptom in one drill."""

    holding: Holding
    why: str


class AsFound(NamedTuple):
    """[start, end), monotonic seconds: the fault as it was found."""

    start: float
    end: float


def symptom_holds(case: Case, measures: Sequence[Measure], above: float | None) -> SymptomHeld:
    """Whether one of the `measures` is above a number (ratio or seconds), or above the baseline where none is
    given; absent where all are known to be at most that."""
    stretch = as_found(case)
    if stretch is None:
        return SymptomHeld("undecided", "no fault took effect, so there is nothing to look at")
    seconds, least = stretch.end - stretch.start, case.standard.hold_seconds
    if seconds < least:
        return SymptomHeld(
            "undecided", f"the fault was as it was found for {seconds:.1f} s, less than {least:g} s"
        )
    found = [_MEASURED[each](case, stretch, _limit(case, each, above)) for each in measures]
    for holding in ("holds", "undecided"):
        for each in found:
            if each.holding == holding:
                return each
    return SymptomHeld("absent", "; ".join(each.why for each in found))


def as_found(case: Case) -> AsFound | None:
    """While the fault was as it was found; of a drill without a fault all that was watched before somebody
    changed something. None where no fault took effect."""
    timeline = case.timeline
    start = timeline.outages[0].start if timeline.outages else timeline.settled or timeline.origin
    if start is None:
        return None
    ends = [timeline.watched[1], timeline.recovered, _first_change(case, start)]
    return AsFound(start, max(start, min(each for each in ends if each is not None)))


def _first_change(case: Case, since: float) -> float | None:
    """When somebody changed something first, by the audit log; where that was not read, when the procedure
    began."""
    if case.changes is None:
        return case.timeline.procedure_started
    changed = [
        event.monotonic
        for event in case.changes
        if isinstance(event.data, ClusterChanged) and event.data.verb != IN_POD and event.data.code < REFUSED
    ]
    return next((moment for moment in changed if moment >= since), None)


def _limit(case: Case, measure: Measure, above: float | None) -> float | None:
    if above is not None or measure not in BASELINES:
        return above
    limit = case.setup.limits.get(BASELINES[measure])
    return None if limit is None else limit.value


def _decided(interval: Interval, limit: float | None, why: str) -> SymptomHeld:
    """Holds where the whole interval is above the limit."""
    if limit is None:
        return SymptomHeld(
            "undecided", f"{why}; neither the symptom nor the runbook's baselines state a number"
        )
    words: Mapping[str, Holding] = {"pass": "absent", "fail": "holds", "inconclusive": "undecided"}
    return SymptomHeld(words[hold(interval, limit)], f"{why}, against {limit:.3g}")


def _failed(case: Case, stretch: AsFound, limit: float | None) -> SymptomHeld:
    failed = case.account.measured.between(*stretch).failed
    return _decided(_share(failed), limit, f"{int(failed.sum())} of {len(failed)} requests failed")


def _more_errors(case: Case, stretch: AsFound, _: float | None) -> SymptomHeld:
    """More errors that were answered than before the fault, so that what is never answered does not count."""
    before = case.account.measured.between(case.timeline.watched[0], case.timeline.origin or stretch.start)
    under = case.account.measured.between(*stretch)
    was, now = (_share(each.failed & each.answered) for each in (before, under))
    why = (
        f"a share of {now[0]:.3f} to {now[1]:.3f} answered with an error, before {was[0]:.3f} to {was[1]:.3f}"
    )
    if not len(before):
        return SymptomHeld("undecided", "nothing was measured before the fault")
    if now[0] > was[1]:
        return SymptomHeld("holds", why)
    return SymptomHeld("absent" if now[1] <= max(was[1], _most_usual(case)) else "undecided", why)


def _most_usual(case: Case) -> float:
    """So many errors are usual: what the runbook's error rate allows."""
    limit = case.setup.limits.get("error_rate")
    return 0.0 if limit is None else limit.value


def _share(happened: NDArray[np.bool_]) -> Interval:
    """The share of requests to which something happened; (0, 1) for no request."""
    return proportion_interval(float(happened.sum()), len(happened))


def _response_time(case: Case, stretch: AsFound, limit: float | None) -> SymptomHeld:
    """The quantile that the baseline is about (p95) of all requests. A fast error is no slow response, and
    one that is never answered is slow."""
    requests = case.account.measured.between(*stretch)
    stated = case.setup.limits.get("response_time")
    tail = 1 - (0.95 if stated is None else quantile_of(stated))
    if limit is None:
        return _decided((0.0, 0.0), None, f"{len(requests)} requests")
    late = requests.latency >= limit
    why = f"{int(late.sum())} of {len(requests)} requests took {limit:g} s or more"
    return _decided(_share(late), tail, why)


def _cpu(case: Case, stretch: AsFound, limit: float | None) -> SymptomHeld:
    """The busiest container's share of its limit, from its first look to its last."""
    readings = defaultdict[tuple[str, str], list[Reading]](list)
    cores = dict[tuple[str, str], float]()
    for pod in _pods(case, stretch):
        if pod.cpu_seconds is not None and pod.cpu_at is not None and pod.cpu_limit_cores:
            readings[pod.pod, pod.container_id].append(Reading(pod.cpu_at, pod.cpu_seconds))
            cores[pod.pod, pod.container_id] = pod.cpu_limit_cores
    averages = {
        name: average_rate(series) for name, series in readings.items() if len(series) >= LEAST_SAMPLES
    }
    shares = [average.rate / cores[name] for name, average in averages.items() if average.seconds > 0]
    return _highest(shares, limit, "of its limit of CPU")


def _memory(case: Case, stretch: AsFound, limit: float | None) -> SymptomHeld:
    """The most that a container used of its limit."""
    seen = [
        pod.memory_bytes / pod.memory_limit_bytes
        for pod in _pods(case, stretch)
        if pod.memory_bytes is not None and pod.memory_limit_bytes
    ]
    return _highest(seen if len(seen) >= LEAST_SAMPLES else [], limit, "of its limit of memory")


def _pods(case: Case, stretch: AsFound) -> list[PodResources]:
    return [pod for _, sample in case.within(ResourcesSampled, stretch) for pod in sample.pods]


def _highest(shares: Sequence[float], limit: float | None, what: str) -> SymptomHeld:
    if not shares:
        return SymptomHeld("undecided", f"no container was looked at often enough to tell its use {what}")
    return _decided((max(shares), max(shares)), limit, f"a container used up to {max(shares):.0%} {what}")


def _query_time(case: Case, stretch: AsFound, limit: float | None) -> SymptomHeld:
    seconds, queries = queries_in(case, stretch)
    if queries < LEAST_QUERIES:
        return SymptomHeld("undecided", f"{queries} queries measured, fewer than {LEAST_QUERIES}")
    mean = seconds / queries
    return _decided((mean, mean), limit, f"a query took {mean:.4f} s on average")


_MEASURED: Mapping[Measure, Callable[[Case, AsFound, float | None], SymptomHeld]] = {
    "failed requests": _failed,
    "more errors answered": _more_errors,
    "response time": _response_time,
    "cpu": _cpu,
    "memory": _memory,
    "query time": _query_time,
}
