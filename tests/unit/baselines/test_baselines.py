"""Limits from the runbook's items: those of the runbook as first written, and items that are wrong."""

from __future__ import annotations

import re

import pytest

from drill.baselines import NAMES, Limit, absent, parse_baselines, parse_response_times, parse_schedule
from drill.errors import InputError

SOURCE = "operations-runbook.md"
BASELINES = [
    (546, "**Response Time**: 95th percentile < 500ms"),
    (547, "**Error Rate**: < 0.1%"),
    (548, "**CPU Usage**: < 70% average"),
    (549, "**Memory Usage**: < 80% of limit"),
    (550, "**Database Response**: < 50ms average"),
]
TIMES = [
    (14, "**P0**: Immediate response (< 15 minutes)"),
    (15, "**P1**: 1 hour"),
    (16, "**P2**: 4 hours"),
    (17, "**P3**: 24 hours"),
]


def test_the_runbooks_baselines_are_read_in_seconds_and_ratios() -> None:
    assert parse_baselines(BASELINES, SOURCE) == [
        Limit("response_time", pytest.approx(0.5), "s", "<", "p95", f"{SOURCE}:546"),
        Limit("error_rate", pytest.approx(0.001), "ratio", "<", "rate", f"{SOURCE}:547"),
        Limit("cpu", pytest.approx(0.7), "ratio", "<", "mean", f"{SOURCE}:548"),
        Limit("memory", pytest.approx(0.8), "ratio", "<", "share", f"{SOURCE}:549"),
        Limit("database", pytest.approx(0.05), "s", "<", "mean", f"{SOURCE}:550"),
    ]


def test_markers_spaces_and_other_units_are_understood() -> None:
    (limit,) = parse_baselines([(3, "- **Response Time:** 99th percentile < 1.5 s.")], SOURCE)
    assert (limit.value, limit.statistic) == (1.5, "p99")


def test_items_that_state_no_limit_are_passed_over() -> None:
    assert parse_baselines([(1, "see the dashboard"), (2, "**Owner**: the platform team")], SOURCE) == []


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("**Response Time**: 95th percentile < 500 furlongs", "95th percentile < 500ms"),
        ("**Response Time**: 0th percentile < 500ms", "95th percentile < 500ms"),
        ("**Error Rate**: > 0.1%", "< 0.1%"),
        ("**Error Rate**: low", "< 0.1%"),
        ("**CPU Usage**: < 170% average", "< 70% average"),
        ("**Memory Usage**: < 80%", "< 80% of limit"),
        ("**Throughput**: > 100 requests", "Response Time, Error Rate, Cpu Usage"),
    ],
)
def test_a_baseline_that_cannot_be_understood_names_line_value_and_what_is_right(
    text: str, right: str
) -> None:
    with pytest.raises(InputError, match=re.escape(right)) as caught:
        parse_baselines([(7, text)], SOURCE)
    assert (str(caught.value.path), caught.value.line, caught.value.value) == (SOURCE, 7, text)


def test_a_baseline_stated_twice_is_an_error_that_names_the_first() -> None:
    with pytest.raises(InputError, match=f"{SOURCE}:547"):
        parse_baselines([*BASELINES, (600, "**Error Rate**: < 1%")], SOURCE)


def test_absent_limits_are_named() -> None:
    limits = parse_baselines(BASELINES[1:], SOURCE)
    assert absent(limits) == ["recovered", "response_time", "data_age"]
    assert absent([]) == list(NAMES)


def test_response_times_are_read_by_severity() -> None:
    limits = parse_response_times(TIMES, SOURCE)
    assert {name: limit.value for name, limit in limits.items()} == {
        "P0": 900,
        "P1": 3600,
        "P2": 14400,
        "P3": 86400,
    }
    assert (limits["P0"].name, limits["P0"].unit, limits["P0"].source) == ("recovered", "s", f"{SOURCE}:14")


def test_items_that_name_no_severity_are_passed_over() -> None:
    assert (
        parse_response_times([(3, "**P0 (Critical)**: Service completely down"), (4, "text")], SOURCE) == {}
    )


@pytest.mark.parametrize("text", ["**P1**: soon", "**P1**: 1 hour or 2 hours", "**P1**: 5 fortnights"])
def test_a_response_time_without_one_duration_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match=r"operations-runbook\.md:9: .*one duration"):
        parse_response_times([(9, text)], SOURCE)


def test_a_severity_stated_twice_is_an_error() -> None:
    with pytest.raises(InputError, match=f"{SOURCE}:15"):
        parse_response_times([*TIMES, (20, "**P1**: 2 hours")], SOURCE)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("Every 6 hours", 21600), ("every hour", 3600), ("Daily", 86400), ("Weekly", 604800)],
)
def test_the_schedule_gives_the_age_that_data_may_have(said: str, seconds: float) -> None:
    limit = parse_schedule([(237, "**Configuration**: sometimes"), (238, f"**Database**: {said}")], SOURCE)
    assert limit == Limit("data_age", seconds, "s", "<", "elapsed", f"{SOURCE}:238")


def test_a_schedule_that_says_nothing_of_the_database_gives_none() -> None:
    assert parse_schedule([(239, "**Configuration**: Daily")], SOURCE) is None


@pytest.mark.parametrize("said", ["now and then", "Every 0 hours"])
def test_a_schedule_that_cannot_be_understood_is_an_error(said: str) -> None:
    with pytest.raises(InputError, match=r"operations-runbook\.md:238: .*Every 6 hours"):
        parse_schedule([(238, f"**Database**: {said}")], SOURCE)
