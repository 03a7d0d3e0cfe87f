"""The bucket that tells an outage from stray failures, request by request: ten a second, of which the limit
allows one of a thousand to fail and one of twenty to take half a second."""

from __future__ import annotations

import numpy as np
import pytest

from drill.judge.outages import (
    Outage,
    Standard,
    outages_of,
    quantile_of,
    recovered_since,
    response_latency,
    standard_of,
)
from drill.recording import Requests
from drill.recording.events import Calibration, Judging, Limit

STANDARD = Standard(
    error_rate=0.001,
    response_seconds=0.5,
    slow_share=0.05,
    timeout_seconds=2.0,
    requests_per_second=10.0,
    hold_seconds=5.0,
)
COUNT = 1000


def _requests(
    *failed: tuple[int, int], slow: tuple[tuple[int, int], ...] = (), count: int = COUNT, took: float = 0.5
) -> Requests:
    """Requests of which those in [first, end) fail at once, or take `took` seconds."""
    planned = 100 + np.arange(count) / 10
    bad, latency = np.zeros(count, np.bool_), np.full(count, 0.01)
    for first, end in failed:
        bad[first:end] = True
    for first, end in slow:
        latency[first:end] = took
    return Requests(planned, planned + latency, bad, np.zeros(count, np.int32), ["GET /"])


def _spans(
    requests: Requests, standard: Standard = STANDARD, since: float = 100.0
) -> list[tuple[str, int, int | None]]:
    """Of each outage: how it was felt, its first request, and the first one after it."""
    return [
        (
            each.felt,
            round((each.start - 100) * 10),
            None if each.end is None else round((each.end - 100) * 10),
        )
        for each in outages_of(requests, standard, since)
    ]


# the standard


def test_the_standard_is_what_the_runbook_states_and_calibration_found() -> None:
    judging = Judging(
        minimum_requests=500,
        hold_seconds=5,
        after_seconds=22,
        patience_seconds=20,
        requests_per_second=150,
        timeout_seconds=2,
    )
    limits = {"error_rate": Limit(0.002, "ratio"), "response_time": Limit(0.4, "s", statistic="p99")}
    assert standard_of(judging, limits) == (0.002, 0.4, pytest.approx(0.01), 2, 150, 5, 1.0, 0.0)
    assert standard_of(judging, {}) == (0.001, None, pytest.approx(0.05), 2, 150, 5, 1.0, 0.0)
    noisy = Calibration(dispersion=4.0, correlation_seconds=0.8)
    assert standard_of(judging, limits, noisy)[-2:] == (4.0, 0.8)
    assert standard_of(judging, limits, Calibration(dispersion=0.5)).dispersion == 1.0


@pytest.mark.parametrize(
    ("statistic", "quantile"),
    [("p95", 0.95), ("p99", 0.99), ("p1", 0.01), ("p0", 0.95), ("p100", 0.95), ("mean", 0.95), ("", 0.95)],
)
def test_a_limit_is_about_its_percentile_or_about_the_95th(statistic: str, quantile: float) -> None:
    assert quantile_of(Limit(0.5, "s", statistic=statistic)) == pytest.approx(quantile)


def test_a_failed_request_took_no_less_than_the_timeout() -> None:
    requests = _requests((0, 2), slow=((1, 3),), count=4, took=3.0)
    assert response_latency(requests, 2.0) == pytest.approx([2.0, 3.0, 3.0, 0.01])


# failures


def _least_run(standard: Standard, **kind: bool) -> int:
    """So many bad requests in a row are an outage, one less is not."""

    def out(length: int) -> bool:
        run = (500, 500 + length)
        return bool(_spans(_requests(slow=(run,)) if kind.get("slow") else _requests(run), standard))

    least = next(length for length in range(1, 400) if out(length))
    assert all(out(length) for length in range(least, least + 20))
    return least


@pytest.mark.parametrize(
    ("changed", "failures"),
    [
        ({}, 4),
        ({"error_rate": 0.0001}, 4),
        ({"error_rate": 0.0}, 3),
        # the depth grows with higher limits, by one for each factor of ten
        ({"error_rate": 0.01}, 5),
        ({"error_rate": 0.1}, 9),
        # drained by three quarters of a request for each, where half of all may fail
        ({"error_rate": 0.5}, 23),
        ({"dispersion": 4.0}, 13),
    ],
)
def test_so_many_failures_in_a_row_are_an_outage(changed: dict[str, float], failures: int) -> None:
    assert _least_run(STANDARD._replace(**changed)) == failures


def test_an_outage_lasts_from_the_first_failure_to_the_request_after_the_last() -> None:
    assert outages_of(_requests((500, 510)), STANDARD, 100.0) == [
        Outage("failed", pytest.approx(150.0), pytest.approx(151.0), 490)
    ]
    assert outages_of(_requests((990, 1000)), STANDARD, 100.0) == [
        Outage("failed", pytest.approx(199.0), None, 0)
    ]
    assert outages_of(_requests(), STANDARD, 100.0) == []


def test_a_request_counts_from_when_it_ended_on_and_no_outage_begins_before_that() -> None:
    requests = _requests((0, 10))
    requests.finished[4] = 103.0
    assert outages_of(requests, STANDARD, 103.0) == []
    requests.finished[1:10] = 103.0
    (outage,) = outages_of(requests, STANDARD, 103.0)
    assert (outage.start, outage.end) == (103.0, 103.0)
    assert outage.good_after == 970


def test_a_bucket_that_has_not_run_dry_keeps_its_beginning() -> None:
    """Two failures drain in about 500 requests: two more before that fill it."""
    assert _spans(_requests((100, 102), (200, 202))) == [("failed", 100, 202)]
    assert _spans(_requests((100, 102), (599, 601))) == []
    assert _spans(_requests((100, 102), (598, 602))) == [("failed", 100, 602)]
    assert _spans(_requests((100, 102), (602, 606))) == [("failed", 602, 606)]


@pytest.mark.parametrize(("good", "outages"), [(49, 1), (50, 2), (51, 2)])
def test_a_hold_of_good_service_ends_an_outage(good: int, outages: int) -> None:
    second = 510 + good
    found = _spans(_requests((500, 510), (second, second + 10)))
    assert len(found) == outages
    assert (found[0][1], found[-1][2]) == (500, second + 10)
    if outages == 2:
        assert found == [("failed", 500, 510), ("failed", second, second + 10)]


def test_good_requests_between_outages_are_counted() -> None:
    first, second = outages_of(_requests((500, 510), (570, 580)), STANDARD, 100.0)
    assert (first.good_after, second.good_after) == (60, 420)


@pytest.mark.parametrize(
    ("after", "following", "end"),
    [
        # sooner than 26 requests after the outage it is part of it
        (25, 300, 536),
        (26, 300, 510),
        (40, 300, 510),
        # within 250 requests before the next it is not alone
        (40, 250, 510),
        (40, 249, 551),
    ],
)
def test_one_failure_alone_does_not_prolong_an_outage(after: int, following: int, end: int) -> None:
    stray = 510 + after
    requests = _requests((500, 510), (stray, stray + 1), count=stray + 1 + following)
    assert _spans(requests) == [("failed", 500, end)]


def test_two_failures_together_prolong_it() -> None:
    assert _spans(_requests((500, 510), (540, 542))) == [("failed", 500, 542)]


def test_a_limit_of_zero_drains_nothing() -> None:
    assert _spans(_requests((100, 101), (400, 401), (800, 801)), STANDARD._replace(error_rate=0.0)) == [
        ("failed", 100, 801)
    ]


# slow ones


@pytest.mark.parametrize(
    ("changed", "requests"),
    [
        ({}, 12),
        ({"correlation_seconds": 0.4}, 12),
        ({"correlation_seconds": 0.8}, 18),
        ({"requests_per_second": 20.0}, 23),
        ({"slow_share": 0.25}, 20),
        # drained by 0.75 for each, where half of all may be slow
        ({"slow_share": 0.5}, 40),
    ],
)
def test_so_many_slow_requests_in_a_row_are_an_outage(changed: dict[str, float], requests: int) -> None:
    assert _least_run(STANDARD._replace(**changed), slow=True) == requests


def test_a_request_that_takes_as_long_as_the_limit_is_slow() -> None:
    assert _spans(_requests(slow=((500, 520),), took=0.5)) == [("slow", 500, 520)]
    assert _spans(_requests(slow=((500, 520),), took=0.499)) == []


def test_without_a_response_time_nothing_is_slow() -> None:
    assert _spans(_requests(slow=((500, 900),)), STANDARD._replace(response_seconds=None)) == []


def test_slow_and_failed_that_overlap_or_adjoin_are_one_outage_felt_as_failed() -> None:
    assert _spans(_requests((530, 540), slow=((500, 530),))) == [("failed", 500, 540)]
    assert _spans(_requests((500, 510), slow=((510, 530),))) == [("failed", 500, 530)]
    assert _spans(_requests((505, 510), slow=((500, 530),))) == [("failed", 500, 530)]


def test_slow_and_failed_apart_are_two() -> None:
    assert _spans(_requests((500, 510), slow=((600, 620),))) == [("failed", 500, 510), ("slow", 600, 620)]
    assert _spans(_requests((600, 610), slow=((500, 520),))) == [("slow", 500, 520), ("failed", 600, 610)]


# live


@pytest.mark.parametrize(("count", "moment"), [(559, None), (560, 151.0), (900, 151.0)])
def test_recovered_once_a_whole_hold_is_good(count: int, moment: float | None) -> None:
    assert recovered_since(_requests((500, 510), count=count), STANDARD, 100.0) == moment


def test_out_at_the_end_is_not_recovered() -> None:
    assert recovered_since(_requests((500, 510), (990, 1000)), STANDARD, 100.0) is None


@pytest.mark.parametrize(("count", "moment"), [(69, None), (70, 102.0)])
def test_without_an_outage_it_needs_a_hold_from_the_moment_on(count: int, moment: float | None) -> None:
    assert recovered_since(_requests(count=count), STANDARD, 102.0) == moment


def test_without_any_request_nothing_is_recovered() -> None:
    assert recovered_since(_requests(count=0), STANDARD._replace(hold_seconds=0.0), 100.0) is None
    assert recovered_since(_requests(count=1), STANDARD._replace(hold_seconds=0.0), 100.0) == 100.0
