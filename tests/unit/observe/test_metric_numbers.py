"""Numbers out of the kubelet's and the target's metrics."""

from __future__ import annotations

import pytest

from drill.observe.parse import cache_totals, database_totals, quantity, usage_of

# as the kubelet of Kubernetes 1.34 answered at /metrics/resource
KUBELET = """\
# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="redis",namespace="production",pod="redis-1"} 4.812807922 1795433136841
container_cpu_usage_seconds_total{container="web",namespace="production",pod="web-1"} 0.777522728 1795433144703
container_cpu_usage_seconds_total{container="web",namespace="production",pod="web-2"} 0.5 1795433144800
container_cpu_usage_seconds_total{container="web",namespace="other",pod="web-9"} 9 1795433144800
container_memory_working_set_bytes{container="web",namespace="production",pod="web-1"} 4.4662784e+07 1795433144703
pod_cpu_usage_seconds_total{namespace="production",pod="web-1"} 0 1795433138395
"""  # noqa: E501  as it is

TARGET = """\
# TYPE database_query_duration_seconds histogram
database_query_duration_seconds_bucket{le="0.005",operation="read"} 3.0
database_query_duration_seconds_count{operation="read"} 4.0
database_query_duration_seconds_sum{operation="read"} 0.5
database_query_duration_seconds_count{operation="say \\"write\\", please"} 6.0
database_query_duration_seconds_sum{operation="say \\"write\\", please"} 1.5
database_query_duration_seconds_created{operation="read"} 1.795e+09
"""


CACHE = """\
# TYPE cache_hits_total counter
cache_hits_total{cache="lists"} 40.0
cache_hits_total{cache="pages"} 2.0
# TYPE cache_misses_total counter
cache_misses_total{cache="lists"} 3.0
"""


def test_usage_is_that_of_the_container_in_the_namespace_with_both_numbers() -> None:
    (usage,) = usage_of(KUBELET, "production", {"web"})
    assert (usage.pod, usage.cpu_seconds, usage.wall, usage.memory_bytes) == (
        "web-1",
        0.777522728,
        1795433144.703,
        44662784.0,
    )


def test_database_totals_are_summed_over_all_labels() -> None:
    totals = database_totals(TARGET, "database_query_duration_seconds")
    assert (totals.seconds, totals.queries) == (2.0, 10.0)


def test_hits_and_misses_are_summed_over_all_labels() -> None:
    totals = cache_totals(CACHE, "cache_hits_total", "cache_misses_total")
    assert (totals.hits, totals.misses) == (42.0, 3.0)


def test_a_metric_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="'query_seconds'"):
        database_totals(TARGET, "query_seconds")
    with pytest.raises(ValueError, match="histogram or summary 'database_query_duration'"):
        database_totals(TARGET + "database_query_duration_sum 3.0\n", "database_query_duration")
    with pytest.raises(ValueError, match="counter 'hits_total'"):
        cache_totals(CACHE, "hits_total", "cache_misses_total")
    with pytest.raises(ValueError, match="counter 'misses_total'"):
        cache_totals(CACHE, "cache_hits_total", "misses_total")


def test_what_is_no_prometheus_text_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="expected Prometheus text"):
        database_totals("<html> {", "query_seconds")
    with pytest.raises(ValueError, match="expected Prometheus text"):
        cache_totals("<html> {", "cache_hits_total", "cache_misses_total")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", 0.5),
        ("2", 2.0),
        ("1.5", 1.5),
        ("250000u", 0.25),
        ("512Mi", 512 * 2**20),
        ("1Gi", 2**30),
        ("128974848", 128974848),
        ("1M", 1e6),
        ("1e3", 1000),
        ("1Pi", 2**50),
    ],
)
def test_quantities(text: str, value: float) -> None:
    assert quantity(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["lots", "", "5Qi"])
def test_a_quantity_that_is_none_is_shown(text: str) -> None:
    with pytest.raises(ValueError, match=f"got '{text}'"):
        quantity(text)
