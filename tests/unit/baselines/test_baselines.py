"""Limits from the runbook's items: those of the runbook as first written, and items that are wrong."""

from __future__ import annotations

import re

import pytest

from drill.baselines import NAMES, Limit, absent, parse_baselines, parse_response_times, parse_schedule
from drill.baselines.severities import severity_of
from drill.baselines.times import SEVERITY_WORDS
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


@pytest.mark.parametrize(
    ("text", "name", "value", "comparison", "statistic"),
    [
        ("**Response Time**: p95 < 500 ms", "response_time", 0.5, "<", "p95"),
        ("Response Time (p99): ≤ 1,000 ms", "response_time", 1.0, "<=", "p99"),
        ("**p99 latency**: <= 1s", "response_time", 1.0, "<=", "p99"),
        ("Response time under 500ms at p95", "response_time", 0.5, "<", "p95"),
        ("**Response Time:** &lt; `500ms` (99th percentile)", "response_time", 0.5, "<", "p99"),
        ("Error rate < 0.1%", "error_rate", 0.001, "<", "rate"),
        ("**Error Rate**: at most 1 percent of all requests", "error_rate", 0.01, "<=", "rate"),
        ("Availability: 99.9%", "error_rate", 0.001, "<=", "rate"),
        ("**Availability**: > 99 %", "error_rate", 0.01, "<", "rate"),
        ("CPU: average ≤ 70%", "cpu", 0.7, "<=", "mean"),
        ("**Database Response**: mean < 0.05 sec", "database", 0.05, "<", "mean"),
        ("Database response time < 50ms average", "database", 0.05, "<", "mean"),
        ("LATENCY (1st Percentile): < 1s", "response_time", 1.0, "<", "p1"),
        ("**Latency, p 99**: for all requests < 1s", "response_time", 1.0, "<", "p99"),
        ("**CPU**: mean < 100%", "cpu", 1.0, "<", "mean"),
        ("**Memory**: within 80 % of the limits", "memory", 0.8, "<=", "share"),
    ],
)
def test_other_ways_to_say_a_baseline(
    text: str, name: str, value: float, comparison: str, statistic: str
) -> None:
    (limit,) = parse_baselines([(3, text)], SOURCE)
    assert (limit.name, limit.value, limit.comparison, limit.statistic) == (
        name,
        pytest.approx(value),
        comparison,
        statistic,
    )


def test_a_long_item_is_shown_by_its_beginning() -> None:
    with pytest.raises(InputError) as caught:
        parse_baselines([(7, f"**Error Rate**: < {'1' * 5000}%")], SOURCE)
    assert len(str(caught.value)) < 400
    assert "more than 15 digits" in str(caught.value)


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
        ("**Throughput**: > 100 requests", "Response Time, Error Rate, Availability, Cpu Usage"),
        ("**Response Time**: 95th percentile < 0ms", "'0' is not above 0"),
        ("**Response Time**: 95th percentile < 1,5 s", "write 1.5"),
        ("**Response Time**: 95th percentile < 1.500 s", "can be read as 1.5 and as 1500"),
        ("**Response Time**: 95th percentile < 100-500ms", "a range"),
        ("**Response Time**: p95 < 500ms, p99 < 1s", "compares twice"),
        ("**Response Time**: p99.9 < 500ms", "'p99.9 <' is not understood"),
        ("**Response Time**: < 500ms", "needs a percentile"),
        ("**Response Time**: p95 500ms", "needs < or <="),
        ("**Error Rate**: < 0.1% of logins", "'logins' is not understood"),
        ("**Error Rate**: p95 < 0.1%", "p95 is not measured here"),
        ("**Error Rate**: < 5 s", "'5 s' is no percentage"),
        ("**Availability**: < 99.9%", "at least so much"),
        ("**Availability**: 100%", "below 100 %"),
        ("**Availability**: 99.99999999999%", "below 100 %"),
        ("**Availability**: p95 99%", "(an availability is above 0 % and below 100 %)"),
        ("**Availability**: at most 99.9%", "(an availability is at least so much)"),
        ("**CPU Usage**: < 100.1% average", "(it is above 100 %)"),
        ("**CPU Usage**: < 70%", "it does not say average or avg or mean"),
        ("**Response Time**: 100th percentile < 1s", "(it needs a percentile from 1 to 99)"),
        ("**Response Time**: p95 > 1s", "(the limit is what it stays below: it needs < or <=)"),
        ("**Uptime**: 5 s", "something like **Availability**: >= 99.9% ('5 s' is no percentage)"),
        (
            "Throughput: 5",
            "one of the baselines that drill measures: Response Time, Error Rate, Availability, Cpu Usage, "
            "Memory Usage, Database Response",
        ),
        ("Requests per second: 100", "one of the baselines that drill measures"),
        ("Throughput > 100", "one of the baselines that drill measures"),
    ],
)
def test_a_baseline_that_cannot_be_understood_names_line_value_and_what_is_right(
    text: str, right: str
) -> None:
    with pytest.raises(InputError, match=re.escape(right)) as caught:
        parse_baselines([(7, text)], SOURCE)
    assert (str(caught.value.path), caught.value.line, caught.value.value) == (SOURCE, 7, text)


def test_a_baseline_stated_twice_is_an_error_that_names_the_first() -> None:
    with pytest.raises(InputError) as caught:
        parse_baselines([*BASELINES, (600, "**Error Rate**: < 1%")], SOURCE)
    assert caught.value.expected == f"one baseline for error_rate; the first is {SOURCE}:547"
    assert (str(caught.value.path), caught.value.line, caught.value.value) == (
        SOURCE,
        600,
        "**Error Rate**: < 1%",
    )


def test_an_availability_leaves_exactly_the_rest_to_errors() -> None:
    (limit,) = parse_baselines([(3, "Availability: 99.9%")], SOURCE)
    assert limit.value == 0.001
    (limit,) = parse_baselines([(3, "Availability: 99.9999999999%")], SOURCE)
    assert limit.value == 1e-12


def test_a_name_and_its_baseline_may_stand_on_two_lines_and_items_without_a_limit_between_them() -> None:
    items = [(1, "see the dashboard"), (2, "**Error Rate**:\n< 0.1%"), (4, "CPU: average < 70%")]
    assert [limit.name for limit in parse_baselines(items, SOURCE)] == ["error_rate", "cpu"]


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
    assert limits["P0"] == Limit("recovered", 900.0, "s", "<", "elapsed", f"{SOURCE}:14")


def test_items_without_severity_number_and_comparison_are_passed_over() -> None:
    assert parse_response_times([(4, "text"), (5, "**Owner**: the team")], SOURCE) == {}


@pytest.mark.parametrize(
    ("said", "seconds", "comparison"),
    [
        ("1,000 seconds", 1000, "<"),
        ("12,345.5 s", 12345.5, "<"),
        ("≤ 15 min", 900, "<="),
        ("<= 2 hrs", 7200, "<="),
        ("&lt; 15 minutes", 900, "<"),
        ("1h", 3600, "<"),
        ("1h30m", 5400, "<"),
        ("1 hour 30 minutes", 5400, "<"),
        ("2 Days", 172800, "<"),
        ("500 ms", 0.5, "<"),
        ("within **15 minutes** (24/7).", 900, "<="),
        ("less than 1 week", 604800, "<"),
    ],
)
def test_a_response_time_is_read_as_a_whole(said: str, seconds: float, comparison: str) -> None:
    limit = parse_response_times([(9, f"**P1**: {said}")], SOURCE)["P1"]
    assert (limit.value, limit.comparison) == (pytest.approx(seconds), comparison)


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        ("**SEV1**: 1 hour", "SEV1"),
        ("SEV-1: 1 hour", "SEV1"),
        ("Sev 1 - 1 hour", "SEV1"),
        ("Severity 1: 1 hour", "SEV1"),
        ("**Priority 1**: 1 hour", "P1"),
        ("P1 1 hour", "P1"),
        ("P1 (High): 1 hour", "P1"),
        ("**P1 - Critical issues**: 1 hour", "P1"),
        ("P1 High: 1 hour", "P1"),
        ("p1 < 1 hour", "P1"),
    ],
)
def test_a_severity_is_named_in_several_ways(item: str, severity: str) -> None:
    assert list(parse_response_times([(9, item)], SOURCE)) == [severity]
    assert severity_of(severity) == severity


@pytest.mark.parametrize("text", ["P", "P10", "S3", "gate", "P1 P2", "", "SEV", "sev--1"])
def test_what_is_no_severity(text: str) -> None:
    assert severity_of(text) is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("soon", "'soon' is not understood"),
        ("", "no number with a unit"),
        ("Service completely down", "not understood"),
        ("1 hour or 2 hours", "is not understood"),
        ("1 hour, 2 hours", "more than one number"),
        ("30 minutes 1 hour", "more than one number"),
        ("5 fortnights", "'5 fortnights' is not understood"),
        ("4 business hours", "'4 business' is not understood"),
        ("1,5 hours", "write 1.5"),
        ("1.500 hours", "can be read as 1.5 and as 1500"),
        ("1,00 hours", "write 1.00"),
        ("1.2.3 hours", "no number that can be read in one way"),
        ("1,0000 s", "write 1.0000"),
        ("0,500 s", "write 0.500"),
        (".5 hours", "'.5 hours' is not understood"),
        ("1 hour,2 hours", "not understood"),
        ("1 000 seconds", "'1 000' is not understood"),
        ("-5 minutes", "has a sign"),
        ("+5 minutes", "has a sign"),
        ("−5 minutes", "not understood"),
        ("15-30 minutes", "a range"),
        ("15 – 30 minutes", "a range"),
        ("15 minutes to 30 minutes", "a range"),
        ("0 minutes", "not above 0"),
        ("0.0 s", "not above 0"),
        ("> 1 hour", "at most so long"),
        ("< 1 hour < 2 hours", "compares twice"),
        ("about 15 minutes", "'about' is not understood"),
        ("15 M", "no time"),
        ("1e3 seconds", "not understood"),
        ("٣ minutes", "not understood"),
        ("½ hour", "not understood"),
        ("50 %", "no time"),
        ("p95 15 minutes", "a percentile"),
        ("15 minutes/2", "not understood"),
        ("1:30 hours", "not understood"),
        ("9" * 5000 + " s", "more than 15 digits"),
        ("inf hours", "is not understood"),
    ],
)
def test_a_response_time_that_is_not_understood_says_why(said: str, why: str) -> None:
    with pytest.raises(InputError, match=r"operations-runbook\.md:9: .*one duration") as caught:
        parse_response_times([(9, f"**P1**: {said}")], SOURCE)
    assert why in caught.value.expected


@pytest.mark.parametrize("item", ["Escalation: 2 hours", "2 hours", "P10: 1 hour", "**Times** are < 1 hour"])
def test_an_item_that_states_a_time_of_no_severity_is_an_error(item: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_response_times([(9, item)], SOURCE)
    assert caught.value.expected == "a severity and its response time, such as **P1**: 1 hour"
    assert (str(caught.value.path), caught.value.line, caught.value.value) == (SOURCE, 9, item)


def test_a_severity_in_the_middle_of_an_item_is_told_how_it_is_written() -> None:
    with pytest.raises(InputError) as caught:
        parse_response_times([(9, "Incidents of SEV-2 (sev-2): 1 hour")], SOURCE)
    assert caught.value.expected == (
        "one duration, such as **SEV2**: 1 hour ('SEV-2 (sev-2):' is not understood)"
    )
    with pytest.raises(InputError, match=re.escape("**SEV2**: 1 hour ('SEV-2: 1' is not understood)")):
        parse_response_times([(9, "Incidents of SEV-2: 1 hour")], SOURCE)
    with pytest.raises(InputError, match="a severity and its response time"):
        parse_response_times([(9, "Incidents of P1 or P2: 1 hour")], SOURCE)


def test_every_word_for_a_severity_may_stand_with_its_name() -> None:
    words = ", ".join(sorted(SEVERITY_WORDS))
    assert parse_response_times([(9, f"P1 ({words}): 1 hour")], SOURCE)["P1"].value == 3600.0


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("P1 logins: 1 hour", "'logins' is not understood"),
        ("P1 1 hour: 2 hours", "it states more than one number"),
        ("P1 High", "'high' is not understood"),
    ],
)
def test_what_stands_with_the_name_of_a_severity_is_read_too(item: str, why: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"**P1**: 1 hour ({why})")):
        parse_response_times([(9, item)], SOURCE)


@pytest.mark.parametrize("item", ["P0/P1: 1 hour", "P0-P1: 1 hour", "**P1** -5 minutes", "P1"])
def test_an_item_that_is_not_of_one_severity_and_one_time_is_an_error(item: str) -> None:
    with pytest.raises(InputError, match="one duration"):
        parse_response_times([(9, item)], SOURCE)


def test_a_severity_stated_twice_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        parse_response_times([*TIMES, (20, "**P1**: 2 hours")], SOURCE)
    assert caught.value.expected == f"one response time for P1; see {SOURCE}:15"
    assert (str(caught.value.path), caught.value.line, caught.value.value) == (SOURCE, 20, "**P1**: 2 hours")


def test_a_response_time_that_is_refused_says_what_is_right_and_why() -> None:
    with pytest.raises(InputError) as caught:
        parse_response_times([(9, "**SEV1**: > 1 hour")], SOURCE)
    assert caught.value.expected == (
        "one duration, such as **SEV1**: 1 hour (a response time is at most so long)"
    )
    assert (str(caught.value.path), caught.value.line, caught.value.value) == (
        SOURCE,
        9,
        "**SEV1**: > 1 hour",
    )
    with pytest.raises(InputError, match=r"\(a percentile of what is not said\)"):
        parse_response_times([(9, "**SEV1**: p95 1 hour")], SOURCE)
    with pytest.raises(InputError, match=r"\(a response time is at most so long\)"):
        parse_response_times([(9, "**SEV1**: at least 1 hour")], SOURCE)


def test_items_without_a_limit_do_not_hide_those_after_them() -> None:
    limits = parse_response_times([(4, "text"), (5, "**Owner**: the team"), *TIMES], SOURCE)
    assert list(limits) == ["P0", "P1", "P2", "P3"]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Every 6 hours", 21600),
        ("every hour", 3600),
        ("Every 6h", 21600),
        ("every 30 min.", 1800),
        ("Daily", 86400),
        ("Daily at 02:00 UTC", 86400),
        ("nightly at 2 AM", 86400),
        ("Weekly", 604800),
        ("Hourly.", 3600),
        ("every week at 3am", 604800),
        ("Every 1.5 days at 12:30 pm (UTC)", 129600),
    ],
)
def test_the_schedule_gives_the_age_that_data_may_have(said: str, seconds: float) -> None:
    limit = parse_schedule([(237, "**Configuration**: sometimes"), (238, f"**Database**: {said}")], SOURCE)
    assert limit == Limit("data_age", seconds, "s", "<", "elapsed", f"{SOURCE}:238")


def test_a_schedule_that_says_nothing_of_the_database_gives_none() -> None:
    assert parse_schedule([(239, "**Configuration**: Daily")], SOURCE) is None


def test_two_schedules_of_the_database_are_an_error() -> None:
    with pytest.raises(InputError) as caught:
        parse_schedule([(238, "**Database**: Daily"), (239, "**Databases**: Weekly")], SOURCE)
    assert caught.value.expected == f"one schedule of the database; see {SOURCE}:238"
    assert (str(caught.value.path), caught.value.line, caught.value.value) == (
        SOURCE,
        239,
        "**Databases**: Weekly",
    )


@pytest.mark.parametrize("text", ["Database every 6 hours", "back up the DB daily", "all DATABASES, weekly"])
def test_a_schedule_of_the_database_without_a_name_is_an_error(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_schedule([(1, "see below"), (238, text)], SOURCE)
    assert caught.value.expected == "a name and a period, such as **Database**: Every 6 hours"
    assert (str(caught.value.path), caught.value.line, caught.value.value) == (SOURCE, 238, text)


@pytest.mark.parametrize("name", ["database", "DB", "Database backups"])
def test_the_schedule_may_stand_between_others(name: str) -> None:
    items = [(1, "see below"), (2, f"{name}: Daily at 02:00"), (3, "**Configuration**: Weekly")]
    limit = parse_schedule(items, SOURCE)
    assert limit is not None
    assert limit.value == 86400.0


@pytest.mark.parametrize(
    "said",
    [
        "now and then",
        "Every 0 hours",
        "every 6-8 hours",
        "every -6 hours",
        "every 1,5 hours",
        "every 6. hours",
        "Daily X",
        "Daily, 30 days",
        "",
    ],
)
def test_a_schedule_that_cannot_be_understood_is_an_error(said: str) -> None:
    with pytest.raises(InputError, match=r"operations-runbook\.md:238: .*Every 6 hours") as caught:
        parse_schedule([(238, f"**Database**: {said}")], SOURCE)
    assert caught.value.value == f"**Database**: {said}".strip()


def test_a_schedule_that_is_refused_says_what_is_right_and_why() -> None:
    with pytest.raises(InputError) as caught:
        parse_schedule([(238, f"**Database**: {'now ' * 30}")], SOURCE)
    shown = ("now " * 15).strip() + " "
    assert (
        caught.value.expected
        == f"a period, such as **Database**: Every 6 hours ({shown!r} is not understood)"
    )
    with pytest.raises(InputError, match=r"\('1,5' has a comma before its decimals: write 1\.5\)"):
        parse_schedule([(238, "**Database**: every 1,5 hours")], SOURCE)
