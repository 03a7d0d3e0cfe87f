"""The drill's numbers against Prometheus': near enough, too far apart, and where one of them is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.row import MeasureError, Row
from benchmarks.two_sources import (
    APART,
    Aim,
    Scraped,
    Span,
    apart,
    compared,
    fault_row,
    fullest_share,
    in_buckets,
    mean_share,
    steady_rows,
)
from drill.errors import SetupError
from drill.judge.case import Case
from drill.monitoring.prometheus import Prometheus, PrometheusError
from drill.recording import Moment
from drill.settings import load
from tests.unit.judge.recorded_drill import BACK, INJECTED, PER_SECOND, RecordedDrill

ROOT = Path(__file__).parents[3]
MONITORING = load(ROOT / "drill.toml").monitoring
WALL = 1e9
STEADY = Span(Moment(WALL + 1030, 1030.0), Moment(WALL + 1060, 1060.0))
OUT = Span(Moment(WALL + INJECTED, INJECTED), Moment(WALL + BACK, BACK))
AIM = Aim(0.1, "since it is so")
MEBIBYTES = 2**20
PODS = ("novel-engine-a", "novel-engine-b")


def saying(value: float | Exception) -> Callable[[], float]:
    def ask() -> float:
        if isinstance(value, Exception):
            raise value
        return value

    return ask


class Told:
    """A Prometheus that answers by what is in the query: series (labels, value), or of a range (labels,
    [(at, value)])."""

    def __init__(self, **more: object) -> None:
        self.asked: list[dict[str, str]] = []
        self.answers: dict[str, list[tuple[dict[str, str], object]]] = {
            "histogram_quantile": [({}, 0.011)],
            "group by (le)": [({"le": le}, 1) for le in ("0.005", "0.01", "0.025", "+Inf")],
            'status=~"5.."': [({}, 0.0)],
            "http_requests_total": [({}, float(PER_SECOND))],
            "container_cpu": [({"pod": pod}, 0.15) for pod in PODS] + [({"node": "n"}, 1.5)],
            "container_memory": [
                (labels, [(WALL + at, 256.0 * MEBIBYTES) for at in (1052, 1054)])
                for labels in ({"pod": PODS[0]}, {"pod": PODS[1]}, {"node": "n"})
            ],
            "database_query": [({}, 0.004)],
        }
        self.answers |= more  # type: ignore[arg-type]
        self.prometheus = Prometheus(self._answer)

    def over(self, span: Span) -> Scraped:
        assert MONITORING is not None
        return Scraped(self.prometheus, MONITORING.metrics, span)

    def _answer(self, method: str, path: str, parameters: dict[str, str]) -> bytes:
        self.asked.append(parameters)
        found = next(each for part, each in self.answers.items() if part in parameters["query"])
        matrix = any(isinstance(value, list) for _, value in found)
        return json.dumps(
            {
                "data": {
                    "resultType": "matrix" if matrix else "vector",
                    "result": [
                        {"metric": labels, "values": [(at, str(each)) for at, each in value]}
                        if isinstance(value, list)
                        else {"metric": labels, "value": (STEADY.end.wall, str(value))}
                        for labels, value in found
                    ],
                }
            }
        ).encode()


@pytest.mark.parametrize(
    ("drill", "prometheus", "outcome", "said"),
    [
        (150.0, 150.0, "reached", "150/s and 150/s: 1.000"),
        (100.0, 109.0, "reached", "100/s and 109/s: 1.090"),
        (100.0, 111.0, "missed", "100/s and 111/s: 1.110"),
        (100.0, 89.0, "missed", "100/s and 89/s: 0.890"),
        (0.0, 0.0, "error", "not measured"),
        (MeasureError("no sample"), 1.0, "error", "not measured"),
        (1.0, PrometheusError("no answer"), "error", "not measured"),
    ],
)
def test_only_what_is_near_enough_reaches_the_aim(
    drill: float | Exception, prometheus: float | Exception, outcome: str, said: str
) -> None:
    row = compared("rate", "/s", AIM, saying(drill), saying(prometheus))
    assert (row.outcome, row.measured, row.aim) == (outcome, said, "within 10%")
    assert outcome == "error" or row.notes == ("since it is so",)


@pytest.mark.parametrize(
    ("drill", "prometheus", "outcome"),
    [
        (0.0, 0.0, "reached"),
        (0.0, APART, "reached"),
        (0.001, APART + 0.0011, "missed"),
        (MeasureError("9 requests"), 0.0, "error"),
        (0.0, MeasureError("NaN"), "error"),
    ],
)
def test_where_nothing_fails_the_difference_counts(
    drill: float | Exception, prometheus: float | Exception, outcome: str
) -> None:
    assert apart(saying(drill), saying(prometheus)).outcome == outcome


@pytest.mark.parametrize(
    ("drill", "prometheus", "outcome"),
    [
        (0.009, 0.006, "reached"),
        (0.011, 0.009, "reached"),
        (0.026, 0.009, "missed"),
        (0.004, 0.011, "missed"),
        (0.011, SetupError("gone"), "error"),
    ],
)
def test_quantiles_may_be_one_bucket_apart(drill: float, prometheus: float | Exception, outcome: str) -> None:
    bounds = [0.005, 0.01, 0.025, float("inf")]
    assert in_buckets(saying(drill), saying(prometheus), lambda: bounds).outcome == outcome


def rows(told: Told, drill: RecordedDrill, span: Span = STEADY) -> dict[str, Row]:
    found = steady_rows(Case(drill.write()), span, told.over(span))
    return {row.what.partition(":")[0]: row for row in found}


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path)


def test_a_recording_and_series_of_the_same_are_the_same(drill: RecordedDrill) -> None:
    told = Told()
    found = rows(told, drill)
    assert {name: (row.outcome, row.measured) for name, row in found.items()} == {
        "request rate": ("reached", "120/s and 120/s: 1.000"),
        "error rate": ("reached", "0.00% and 0.00%: no ratio"),
        "p95": ("reached", "10 ms and 11 ms: 1.100, 1 apart"),
        "CPU, of the limit": ("reached", "30.00% and 30.00%: 1.000"),
        "memory of the fullest pod, of the limit": ("reached", "50.00% and 50.00%: 1.000"),
        "a query's mean time": ("reached", "4 ms and 4 ms: 1.000"),
    }
    # all of it over the same stretch, by the queries of the dashboards
    assert {each["time"] for each in told.asked} == {f"{STEADY.end.wall:.3f}"}
    assert not any("[1m]" in each["query"] for each in told.asked if "container_memory" not in each["query"])
    assert any(
        "rate(http_requests_total" in each["query"] and "[30s]" in each["query"] for each in told.asked
    )
    assert any(each["query"].endswith("[10s:2s]") for each in told.asked)


@pytest.mark.parametrize(
    ("name", "part", "answer", "said"),
    [
        (
            "request rate",
            "http_requests_total",
            [],
            "Request Rate: expected one number of Prometheus, got nothing",
        ),
        ("request rate", "http_requests_total", [({}, "NaN")], "got {} nan"),
        (
            "CPU, of the limit",
            "container_cpu",
            [({"pod": PODS[0]}, 0.15)],
            "Prometheus has no number of novel-engine-b",
        ),
        (
            "memory of the fullest pod, of the limit",
            "container_memory",
            [],
            "Prometheus has no look at the pods",
        ),
    ],
)
def test_a_number_that_prometheus_has_not_is_an_error(
    drill: RecordedDrill, name: str, part: str, answer: object, said: str
) -> None:
    row = rows(Told(**{part: answer}), drill)[name]
    assert row.outcome == "error"
    assert said in row.notes[0]


def test_a_number_that_the_drill_has_not_is_an_error(drill: RecordedDrill) -> None:
    drill.queries_per_second = 0.0
    drill.sample_every = 40.0
    found = rows(Told(), drill)
    assert {name for name, row in found.items() if row.outcome == "error"} == {
        "CPU, of the limit",
        "memory of the fullest pod, of the limit",
        "a query's mean time",
    }
    short = Span(STEADY.start, Moment(STEADY.start.wall + 4, STEADY.start.monotonic + 4))
    row = rows(Told(), drill, short)["request rate"]
    assert (row.outcome, row.notes) == ("error", ("480 requests were measured, fewer than 500",))


def test_pods_that_use_more_than_the_judge_says_are_seen(drill: RecordedDrill) -> None:
    more = [(labels, 0.2) for labels in ({"pod": PODS[0]}, {"pod": PODS[1]})]
    assert rows(Told(container_cpu=more), drill)["CPU, of the limit"].outcome == "missed"


@pytest.mark.parametrize(
    ("share", "outcome"), [(1.0, "reached"), (0.91, "reached"), (0.8, "missed"), ("NaN", "error")]
)
def test_errors_of_a_fault_are_compared(drill: RecordedDrill, share: object, outcome: str) -> None:
    told = Told(**{'status=~"5.."': [({}, share)]})
    row = fault_row(Case(drill.write()), OUT, told.over(OUT), "redis-locked-out")
    assert (row.what, row.outcome) == ("error rate, redis-locked-out: drill and Prometheus", outcome)


def test_each_pod_counts_against_its_own_limit() -> None:
    limits = {"a": 0.5, "b": 1.0}
    assert mean_share({"a": 0.25, "b": 0.1, "other": 9.0}, limits) == pytest.approx(0.3)
    assert fullest_share([{"a": 0.1, "b": 0.6}, {"a": 0.4, "b": 0.1}], limits) == pytest.approx(0.7)
    with pytest.raises(MeasureError, match="no number of b"):
        fullest_share([{"a": 0.1, "b": 0.6}, {"a": 0.4}], limits)


def test_a_metric_without_a_query_or_a_rate_is_refused() -> None:
    prometheus = Told().prometheus
    with pytest.raises(MeasureError, match=r"no query in \[monitoring.metrics\]"):
        Scraped(prometheus, {}, STEADY).number("Request Rate")
    with pytest.raises(MeasureError, match=r"expected a rate over \[1m\]"):
        Scraped(prometheus, {"Request Rate": "max(x)"}, STEADY).number("Request Rate")
    with pytest.raises(MeasureError, match="has no histogram"):
        Scraped(prometheus, {"Response Time": "max(x)"}, STEADY).buckets("Response Time")
