"""When the bucket is full, request by request: how many bad ones in a row it takes, how it runs dry, and what
it takes for strays."""

from __future__ import annotations

from collections.abc import Iterable

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

RATE = 10.0
JUDGING = Judging(500, 5, 22, 20, RATE, 2)


def _standard(**changes: float | None) -> Standard:
    return Standard(0.001, 0.5, 0.05, 2.0, RATE, 5.0)._replace(**changes)  # type: ignore[arg-type]


def _requests(
    count: int, failed: Iterable[int] = (), slow: Iterable[int] = (), took: float = 0.8
) -> Requests:
    """Ten a second from 0 s on; those that are neither take 10 ms."""
    planned = np.arange(count) / RATE
    seconds = np.full(count, 0.01)
    seconds[list(slow)] = took
    is_failed = np.zeros(count, np.bool_)
    is_failed[list(failed)] = True
    return Requests(planned, planned + seconds, is_failed, np.zeros(count, np.int32), [""])


def _spans(requests: Requests, standard: Standard, since: float = 0.0) -> list[tuple[str, int, int | None]]:
    return [
        (each.felt, round(each.start * RATE), None if each.end is None else round(each.end * RATE))
        for each in outages_of(requests, standard, since)
    ]


@pytest.mark.parametrize(
    ("error_rate", "dispersion", "most"),
    [
        (0.0, 1.0, 2),
        (0.0001, 1.0, 3),
        (0.001, 1.0, 3),
        (0.01, 1.0, 4),
        (0.2, 1.0, 13),
        (0.001, 2.0, 6),
    ],
)
def test_so_many_failures_in_a_row_are_strays(error_rate: float, dispersion: float, most: int) -> None:
    """Each fills the bucket by one, less what it drains: four times the share allowed, or at most half way
    from that share to all. It is three deep, one more for each tenfold of the usual share."""
    standard = _standard(error_rate=error_rate, dispersion=dispersion, response_seconds=None)
    assert _spans(_requests(300, range(100, 100 + most)), standard) == []
    out = ("failed", 100, 100 + most + 1)
    assert _spans(_requests(300, range(100, 100 + most + 1)), standard) == [out]


@pytest.mark.parametrize(
    ("share", "correlated", "most"), [(0.05, 0.0, 11), (0.05, 0.5, 11), (0.05, 0.8, 17), (0.4, 0.0, 33)]
)
def test_so_many_slow_requests_in_a_row_are_strays(share: float, correlated: float, most: int) -> None:
    standard = _standard(slow_share=share, correlation_seconds=correlated)
    assert _spans(_requests(300, (), range(100, 100 + most)), standard) == []
    out = ("slow", 100, 100 + most + 1)
    assert _spans(_requests(300, (), range(100, 100 + most + 1)), standard) == [out]


def test_slow_begins_at_the_limit_itself_and_is_not_asked_without_one() -> None:
    slow = range(100, 130)
    planned = np.zeros(300)
    at_the_limit = Requests(
        planned + np.arange(300) / RATE,
        np.arange(300) / RATE + np.where(np.isin(np.arange(300), slow), 0.75, 0.01),
        np.zeros(300, np.bool_),
        np.zeros(300, np.int32),
        [""],
    )
    latency = float(at_the_limit.latency[100:130].min())
    assert _spans(at_the_limit, _standard(response_seconds=latency)) == [("slow", 100, 130)]
    assert _spans(at_the_limit, _standard(response_seconds=0.76)) == []
    assert _spans(at_the_limit, _standard(response_seconds=None)) == []


def test_a_failed_request_is_slow_as_well_for_it_took_the_timeout() -> None:
    requests = _requests(4, [1, 2], [2, 3], took=3.0)
    assert response_latency(requests, 2.0).tolist() == pytest.approx([0.01, 2.0, 3.0, 3.0])


def test_it_runs_dry_by_good_requests_and_is_full_throughout_until_then() -> None:
    """Full at 104; 39 good requests at 0.004 leave more than enough for one more failure to fill it again."""
    standard = _standard(hold_seconds=100.0)
    twice = [*range(100, 104), *range(140, 142)]
    assert _spans(_requests(2000, twice), standard) == [("failed", 100, 142)]
    # 750 good ones drain it whole: what comes then is another outage, or none
    assert _spans(_requests(2000, [*range(100, 104), *range(900, 904)]), standard) == [
        ("failed", 100, 104),
        ("failed", 900, 904),
    ]
    assert _spans(_requests(2000, [*range(100, 104), *range(900, 903)]), standard) == [("failed", 100, 104)]


def test_a_whole_hold_of_good_service_makes_it_dry() -> None:
    standard = _standard(hold_seconds=5.0)
    for good, spans in (
        (49, [("failed", 100, 155)]),
        (50, [("failed", 100, 104)]),
    ):
        again = 104 + good
        failed = [*range(100, 104), *range(again, again + 2)]
        assert _spans(_requests(400, failed), standard) == spans


def test_one_bad_request_alone_never_tops_it_up() -> None:
    standard = _standard(hold_seconds=100.0)
    full = [*range(100, 104)]
    # good for 26 requests before it (0.104 of drain) and for 250 after it
    assert _spans(_requests(2000, [*full, 129]), standard) == [("failed", 100, 130)]
    assert _spans(_requests(2000, [*full, 130]), standard) == [("failed", 100, 104)]
    assert _spans(_requests(2000, [*full, 130, 131]), standard) == [("failed", 100, 132)]
    # another one less than 250 requests after it: neither is alone
    assert _spans(_requests(2000, [*full, 130, 381]), standard) == [("failed", 100, 104)]
    assert _spans(_requests(2000, [*full, 130, 380]), standard)[0][2] != 104


def test_one_slow_request_of_a_load_so_thin_that_it_fills_it_is_alone_by_the_same_rule() -> None:
    planned = np.arange(40) * 2.0
    for index, found in ((1, 1), (2, 0)):
        took = np.where(np.arange(40) == index, 0.8, 0.01)
        requests = Requests(planned, planned + took, np.zeros(40, np.bool_), np.zeros(40, np.int32), [""])
        standard = _standard(requests_per_second=0.5, error_rate=0.0)
        assert len(outages_of(requests, standard, 0.0)) == found


def test_out_at_the_end_and_from_the_beginning() -> None:
    assert _spans(_requests(300, range(295, 300)), _standard()) == [("failed", 295, None)]
    assert _spans(_requests(300, range(5)), _standard()) == [("failed", 0, 5)]
    assert _spans(_requests(0), _standard()) == []


def test_failed_and_slow_that_overlap_or_touch_are_one_outage_felt_as_failed() -> None:
    standard = _standard(timeout_seconds=0.1)
    assert _spans(_requests(400, range(100, 110), range(110, 140)), standard) == [("failed", 100, 140)]
    assert _spans(_requests(400, range(150, 160), range(110, 151)), standard) == [("failed", 110, 160)]
    assert _spans(_requests(400, range(120, 125), range(110, 150)), standard) == [("failed", 110, 150)]
    apart = _spans(_requests(400, range(100, 110), range(111, 140)), standard)
    assert apart == [("failed", 100, 110), ("slow", 111, 140)]


def test_only_what_had_not_ended_counts_from_then_on() -> None:
    requests = _requests(300, range(50, 60))
    assert outages_of(requests, _standard(), 5.51) == [
        Outage("failed", pytest.approx(5.51), pytest.approx(6.0), 240)
    ]
    assert outages_of(requests, _standard(), 5.711) == []
    # one that ends at that very moment counts
    ends = float(requests.finished[56])
    assert len(outages_of(requests, _standard(), ends)) == 1


def test_good_requests_are_counted_up_to_the_next_outage_or_the_end() -> None:
    found = outages_of(_requests(400, [*range(100, 110), *range(200, 210)]), _standard(), 0.0)
    assert [each.good_after for each in found] == [90, 190]


@pytest.mark.parametrize(
    ("statistic", "quantile"),
    [
        ("p95", 0.95),
        ("p99", 0.99),
        ("p1", 0.01),
        ("p50", 0.5),
        ("p0", 0.95),
        ("p100", 0.95),
        ("", 0.95),
        ("mean", 0.95),
        ("p99.9", 0.95),
    ],
)
def test_the_quantile_that_a_limit_is_about(statistic: str, quantile: float) -> None:
    assert quantile_of(Limit(0.5, statistic=statistic)) == pytest.approx(quantile)


def test_the_standard_is_what_settings_limits_and_calibration_say() -> None:
    assert standard_of(JUDGING, {}) == Standard(0.001, None, pytest.approx(0.05), 2, RATE, 5, 1.0, 0.0)
    limits = {"error_rate": Limit(0.02, "ratio"), "response_time": Limit(0.3, statistic="p90")}
    noise = Calibration(dispersion=2.5, correlation_seconds=0.7)
    found = standard_of(JUDGING, limits, noise)
    assert found == Standard(0.02, 0.3, pytest.approx(0.1), 2, RATE, 5, 2.5, 0.7)
    assert found.hold_requests == 50.0
    assert standard_of(JUDGING, limits, Calibration(dispersion=0.5)).dispersion == 1.0


# live


@pytest.mark.parametrize(("good", "moment"), [(49, None), (50, 11.0)])
def test_recovered_since_needs_a_whole_hold_of_good_requests(good: int, moment: float | None) -> None:
    requests = _requests(110 + good, range(100, 110))
    assert recovered_since(requests, _standard(), 5.0) == (None if moment is None else pytest.approx(moment))


def test_where_nothing_was_out_recovered_since_is_the_first_request_from_then_on() -> None:
    assert recovered_since(_requests(100), _standard(), 5.0) == 5.0
    assert recovered_since(_requests(99), _standard(), 5.0) is None
    no_hold = _standard(hold_seconds=0.0)
    assert recovered_since(_requests(51), no_hold, 5.0) == 5.0
    assert recovered_since(_requests(50), no_hold, 5.0) is None
