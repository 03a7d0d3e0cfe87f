"""One stretch of time, told by what the drill recorded and by what Prometheus scraped. Flows in: a drill's
recording, a Prometheus, the queries of [monitoring.metrics]. Flows out: a row a metric, with the drill's
number, Prometheus' and the ratio of this to that; how far they may be apart is stated here, with its reason.

CPU, memory and database are asked of the judge itself, as it asks them of a window after.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.row import MeasureError, Row, reached, unmeasured
from drill.errors import DrillError
from drill.judge.case import Case
from drill.judge.criteria import cpu, database, memory
from drill.judge.criteria.memory import LAST_PART
from drill.judge.criteria.question import Question
from drill.monitoring.prometheus import Prometheus, QueriedSeries
from drill.recording import Moment, Requests
from drill.recording.events import PodResources, ResourcesSampled
from drill.statistics import quantile

RATE_OVER = "[1m]"
BUCKETS = re.compile(r"\b\w+_bucket\b")
LEAST_REQUESTS = 500
EDGES = "scrapes are 5 s apart, and rate() extends what lies between the first and the last to the edges"


class Span(NamedTuple):
    """From one moment to another."""

    start: Moment
    end: Moment

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end.monotonic - self.start.monotonic


@dataclass(frozen=True)
class Aim:
    """How far Prometheus' number may be from the drill's, as a share of the drill's, and why so far."""

    within: float
    why: str

    def __str__(self) -> str:
        return f"within {self.within:.0%}"


RATE = Aim(0.03, EDGES)
ERRORS = Aim(0.10, f"{EDGES}; a request that fails unanswered is no request of the target's")
CPU = Aim(
    0.15,
    "both read what the kubelet sees of a container every 10 to 15 s, the drill from /metrics/resource, "
    "Prometheus from /metrics/cadvisor; as much may be missing at either edge, and rate() extends to them",
)
MEMORY = Aim(0.10, "both read the kubelet's last look at the working set, up to 15 s and one scrape old")
DATABASE = Aim(0.10, f"both read the same histogram, at other moments; {EDGES}, and a single write is slow")
APART = 0.002
NO_ERRORS = "where next to nothing fails, a ratio says nothing; single failures may lie on the edges"
ONE_BUCKET = (
    "a quantile from buckets may be anywhere in its bucket; the load's begins when a request was due and has "
    "the network, the node's port and the load's own lateness in it"
)


class Scraped:
    """What Prometheus has of a span, by the queries of the dashboards taken over all of it in place of their
    minute. Every method raises MeasureError where that is no number, DrillError where nobody answers."""

    def __init__(self, prometheus: Prometheus, queries: Mapping[str, str], span: Span) -> None:
        self._prometheus, self._queries, self._span = prometheus, queries, span

    def number(self, name: str) -> float:
        """The only number that the metric of that name gives."""
        found = self._ask(self._over(name))
        if len(found) != 1 or not math.isfinite(found[0].samples[-1][1]):
            raise MeasureError(f"{name}: expected one number of Prometheus, got {_shown(found)}")
        return found[0].samples[-1][1]

    def by_pod(self, name: str) -> dict[str, float]:
        """What it gives of each pod."""
        return {
            each.labels["pod"]: each.samples[-1][1]
            for each in self._ask(self._over(name))
            if each.labels.get("pod")
        }

    def seen_by_pod(self, name: str, seconds: float, every_seconds: float = 2.0) -> list[dict[str, float]]:
        """What it gave of each pod in the last `seconds` of the span, as a query asked again and again."""
        asked = f"({self._query(name)})[{seconds:.0f}s:{every_seconds:.0f}s]"
        looks: dict[float, dict[str, float]] = {}
        for series in self._ask(asked):
            for at, value in series.samples if series.labels.get("pod") else ():
                looks.setdefault(at, {})[series.labels["pod"]] = value
        return [looks[at] for at in sorted(looks)]

    def buckets(self, name: str) -> list[float]:
        """The upper bounds of the histogram that it is told from, lowest first."""
        found = BUCKETS.search(self._query(name))
        if found is None:
            raise MeasureError(f"{name}: its query has no histogram: {self._query(name)}")
        series = self._ask(f"group by (le) ({found[0]})")
        return sorted(float(each.labels["le"]) for each in series)

    def _query(self, name: str) -> str:
        if name not in self._queries:
            raise MeasureError(f"{name}: no query in [monitoring.metrics]")
        return self._queries[name]

    def _over(self, name: str) -> str:
        query = self._query(name)
        if RATE_OVER not in query:
            raise MeasureError(f"{name}: expected a rate over {RATE_OVER} in its query: {query}")
        return query.replace(RATE_OVER, f"[{self._span.seconds:.0f}s]")

    def _ask(self, expression: str) -> list[QueriedSeries]:
        return self._prometheus.query(expression, self._span.end.wall)


def steady_rows(case: Case, span: Span, scraped: Scraped) -> list[Row]:
    """Of a span in which nothing is broken: load, errors, p95, CPU, memory, database."""
    requests = requests_of(case, span)
    case.window = (span.start.monotonic, span.end.monotonic)  # the judge's questions look at that
    return [
        compared(
            "request rate",
            "/s",
            RATE,
            lambda: answered_per_second(case.requests.between(*case.window), span),
            lambda: scraped.number("Request Rate"),
        ),
        apart(lambda: failed_share(requests), lambda: scraped.number("Error Rate")),
        in_buckets(
            lambda: p95_seconds(requests),
            lambda: scraped.number("Response Time"),
            lambda: scraped.buckets("Response Time"),
        ),
        compared(
            "CPU, of the limit",
            "ratio",
            CPU,
            lambda: _judged(case, cpu.QUESTION),
            lambda: mean_share(scraped.by_pod("CPU Usage"), limits_of(case, lambda pod: pod.cpu_limit_cores)),
        ),
        compared(
            "memory of the fullest pod, of the limit",
            "ratio",
            MEMORY,
            lambda: _judged(case, memory.QUESTION),
            lambda: fullest_share(
                scraped.seen_by_pod("Memory Usage", LAST_PART * span.seconds),
                limits_of(case, lambda pod: pod.memory_limit_bytes),
            ),
        ),
        compared(
            "a query's mean time",
            "ms",
            DATABASE,
            lambda: 1000 * _judged(case, database.QUESTION),
            lambda: 1000 * scraped.number("Query Performance"),
        ),
    ]


def fault_row(case: Case, span: Span, scraped: Scraped, fault: str) -> Row:
    """Of a span in which a fault lets requests fail that are answered."""
    requests = requests_of(case, span)
    return compared(
        f"error rate, {fault}",
        "ratio",
        ERRORS,
        lambda: failed_share(requests),
        lambda: scraped.number("Error Rate"),
    )


def compared(
    what: str, unit: str, aim: Aim, drill: Callable[[], float], prometheus: Callable[[], float]
) -> Row:
    """The row of one metric: reached where Prometheus' number is within the aim of the drill's."""
    title = _title(what)
    try:
        ours, theirs = drill(), prometheus()
    except (MeasureError, DrillError) as error:
        return unmeasured(title, str(aim), error)
    if ours <= 0:
        nothing = MeasureError(f"the drill says {ours:g}, Prometheus {theirs:g}: there is no ratio")
        return unmeasured(title, str(aim), nothing)
    ratio = theirs / ours
    measured = f"{_of(ours, unit)} and {_of(theirs, unit)}: {ratio:.3f}"
    return Row(title, str(aim), measured, reached(abs(ratio - 1) <= aim.within), (aim.why,))


def apart(drill: Callable[[], float], prometheus: Callable[[], float]) -> Row:
    """The row of the error rate where next to nothing fails: reached where both are the same but for
    APART."""
    title, aim = _title("error rate"), f"<= {APART:.1%} apart"
    try:
        ours, theirs = drill(), prometheus()
    except (MeasureError, DrillError) as error:
        return unmeasured(title, aim, error)
    ratio = f"{theirs / ours:.3f}" if ours > 0 else "no ratio"
    measured = f"{_of(ours, 'ratio')} and {_of(theirs, 'ratio')}: {ratio}"
    return Row(title, aim, measured, reached(abs(ours - theirs) <= APART), (NO_ERRORS,))


def in_buckets(
    drill: Callable[[], float], prometheus: Callable[[], float], bounds: Callable[[], list[float]]
) -> Row:
    """The row of p95: reached where both lie in the same bucket of the histogram or in two beside each
    other."""
    title, aim = _title("p95"), "<= 1 bucket apart"
    try:
        ours, theirs, upper = drill(), prometheus(), bounds()
    except (MeasureError, DrillError) as error:
        return unmeasured(title, aim, error)
    buckets = abs(bisect_left(upper, ours) - bisect_left(upper, theirs))
    both = f"{_of(1000 * ours, 'ms')} and {_of(1000 * theirs, 'ms')}: {theirs / ours:.3f}"
    return Row(title, aim, f"{both}, {buckets} apart", reached(buckets <= 1), (ONE_BUCKET,))


def requests_of(case: Case, span: Span) -> Requests:
    """The measured requests that were planned in the span."""
    return case.account.measured.between(span.start.monotonic, span.end.monotonic)


def answered_per_second(requests: Requests, span: Span) -> float:
    """How many the target answered in each second, whether or not they are fit to be judged. Raises
    MeasureError for too few."""
    return float(_enough(requests).answered.sum()) / span.seconds


def failed_share(requests: Requests) -> float:
    """How many of all failed. Raises MeasureError for too few."""
    return float(_enough(requests).failed.mean())


def p95_seconds(requests: Requests) -> float:
    """From the planned moment to the end of the answer. Raises MeasureError for too few."""
    return quantile(_enough(requests).latency, 0.95)


def limits_of(case: Case, limit: Callable[[PodResources], float | None]) -> dict[str, float]:
    """The limit of each pod that the drill measured in the span. Raises MeasureError where one has none."""
    found = {
        pod.pod: limit(pod) for _, sample in case.within(ResourcesSampled, case.window) for pod in sample.pods
    }
    limited = {name: each for name, each in found.items() if each}
    if not limited or len(limited) < len(found):
        raise MeasureError(
            f"no limit is known of {', '.join(sorted(set(found) - set(limited))) or 'any pod'}"
        )
    return limited


def mean_share(used: Mapping[str, float], limits: Mapping[str, float]) -> float:
    """Of their limits, the mean over these pods. Raises MeasureError where one was not measured."""
    return float(np.mean(list(_shares(used, limits).values())))


def fullest_share(looks: list[dict[str, float]], limits: Mapping[str, float]) -> float:
    """Of its limit, what the fullest of these pods uses, the mean over all looks. Raises MeasureError where
    there is no look, or one in which a pod was not measured."""
    if not looks:
        raise MeasureError("Prometheus has no look at the pods")
    return float(np.mean([max(_shares(look, limits).values()) for look in looks]))


def _shares(used: Mapping[str, float], limits: Mapping[str, float]) -> dict[str, float]:
    blind = sorted(name for name in limits if not math.isfinite(used.get(name, math.nan)))
    if blind:
        raise MeasureError(f"Prometheus has no number of {', '.join(blind)}")
    return {name: used[name] / limit for name, limit in limits.items()}


def _judged(case: Case, question: Question) -> float:
    answer = question.ask(case)
    if answer.value is None:
        raise MeasureError(f"the judge: {answer.why}")
    return answer.value


def _enough(requests: Requests) -> Requests:
    if len(requests) < LEAST_REQUESTS:
        raise MeasureError(f"{len(requests)} requests were measured, fewer than {LEAST_REQUESTS}")
    return requests


def _title(what: str) -> str:
    return f"{what}: drill and Prometheus"


def _of(value: float, unit: str) -> str:
    return f"{value:.2%}" if unit == "ratio" else f"{value:.4g} {unit}".replace(" /s", "/s")


def _shown(found: list[QueriedSeries]) -> str:
    return ", ".join(f"{each.labels} {each.samples[-1][1]:g}" for each in found) or "nothing"
