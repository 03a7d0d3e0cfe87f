"""Following a stream while it is written."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from drill.load.stalls import Stall, stalls_beside
from drill.load.tail import STREAM_LAG_SECONDS, RequestTail
from drill.recording.events import Limit
from drill.recording.requests import Request

TIMEOUT_SECONDS = 1.0
REQUESTS_PER_SECOND = 100.0
LIMITS = {"error_rate": Limit(0.001), "response_time": Limit(0.5, statistic="p95")}


def lines(*requests: Request) -> bytes:
    return b"".join(msgspec.json.encode(request) + b"\n" for request in requests)


def answered(planned: float, latency: float = 0.01, error: str = "", name: str = "GET /") -> Request:
    return Request(planned, planned, planned + latency, name, 0 if error else 200, error)


@pytest.fixture
def tail(tmp_path: Path) -> RequestTail:
    return RequestTail(tmp_path / "requests.jsonl", TIMEOUT_SECONDS, REQUESTS_PER_SECOND)


def stream(tail: RequestTail, first_good: int, last: int, latency: float = 0.01) -> None:
    """Slots 0 to `last`, a hundred a second; they fail from slot 100 until before `first_good`."""
    requests = [
        answered(slot / 100, TIMEOUT_SECONDS, "timeout")
        if 100 <= slot < first_good
        else answered(slot / 100, latency)
        for slot in range(last)
    ]
    tail.path.write_bytes(lines(*requests))
    tail.poll()


def test_a_stream_that_is_not_there_yet_is_no_requests(tail: RequestTail) -> None:
    assert tail.poll() == []
    assert tail.summary(10.0).p95_seconds is None


def test_half_a_line_waits_for_its_other_half(tail: RequestTail) -> None:
    one, two = answered(1.0), answered(2.0)
    text = lines(one, two)
    with tail.path.open("ab") as file:
        file.write(text[:-20])
        file.flush()
        assert tail.poll() == [one]
        file.write(text[-20:])
        file.flush()
        assert tail.poll() == [two]
        assert tail.poll() == []


def test_the_summary_is_the_last_second_by_finishing(tail: RequestTail) -> None:
    tail.path.write_bytes(
        lines(*(answered(slot / 100) for slot in range(500)), answered(4.0, 0.98, "timeout"))
    )
    tail.poll()
    summary = tail.summary(5.0)
    assert summary.requests_per_second == 101
    assert summary.error_share == pytest.approx(1 / 101)
    assert summary.p95_seconds == pytest.approx(0.01)


def test_failures_since_a_moment_by_planned_time_and_name(tail: RequestTail) -> None:
    failed = [
        answered(1.0, error="x", name="a"),
        answered(3.0, error="x", name="a"),
        answered(2.0, error="x", name="b"),
    ]
    tail.path.write_bytes(lines(*failed, answered(2.5)))
    tail.poll()
    assert [request.planned for request in tail.failed_since(2.0)] == [2.0, 3.0]
    assert [request.planned for request in tail.failed_since(0.0, {"a"})] == [1.0, 3.0]


def test_recovered_is_where_the_good_service_begins_that_has_lasted_for_a_hold(tail: RequestTail) -> None:
    stream(tail, first_good=300, last=1000)
    assert tail.recovered_since(1.0, 5, LIMITS, now=11.0) == 3.0


def test_not_before_the_whole_hold_is_known(tail: RequestTail) -> None:
    stream(tail, first_good=300, last=1000)
    assert tail.recovered_since(1.0, 5, LIMITS, now=7.9) is None
    assert tail.recovered_since(1.0, 5, LIMITS, now=8.1) == 3.0


def test_a_request_without_a_record_is_waited_for_until_its_timeout(tail: RequestTail) -> None:
    """It may still fail: what was planned after it is known, and yet nothing is said."""
    tail.path.write_bytes(lines(*(answered(slot / 100) for slot in range(1000) if slot != 790)))
    tail.poll()
    assert tail.recovered_since(3.0, 5, LIMITS, now=8.5) is None
    assert tail.recovered_since(3.0, 5, LIMITS, now=8.0 + TIMEOUT_SECONDS + STREAM_LAG_SECONDS) == 3.0


def test_not_when_it_is_too_slow(tail: RequestTail) -> None:
    stream(tail, first_good=300, last=1000, latency=0.6)
    assert tail.recovered_since(1.0, 5, LIMITS, now=11.0) is None
    slower = {**LIMITS, "response_time": Limit(0.7, statistic="p95")}
    assert tail.recovered_since(1.0, 5, slower, now=11.0) == 3.0


def test_not_when_the_load_has_died(tail: RequestTail) -> None:
    stream(tail, first_good=300, last=500)
    assert tail.recovered_since(1.0, 5, LIMITS, now=60.0) is None


def test_a_burst_of_failures_in_the_hold_moves_it_behind(tail: RequestTail) -> None:
    failing = {*range(100, 300), *range(500, 504)}
    requests = [answered(slot / 100, error="x" if slot in failing else "") for slot in range(1200)]
    tail.path.write_bytes(lines(*requests))
    tail.poll()
    assert tail.recovered_since(1.0, 5, LIMITS, now=14.0) == 5.04


def test_nothing_failed_and_nothing_to_recover_from(tail: RequestTail) -> None:
    stream(tail, first_good=100, last=1000)
    assert tail.recovered_since(2.0, 5, LIMITS, now=12.0) == 2.0


@pytest.mark.parametrize(
    ("done", "opens"),
    [(2.0, 8.0), (9.0, 9.0)],
    ids=["the hold that decided is no part of it", "an operator who is done later"],
)
def test_the_window_after_opens_where_the_judge_opens_it(
    tail: RequestTail, done: float, opens: float
) -> None:
    stream(tail, first_good=300, last=1000)
    assert tail.window_opens(1.0, done, 5, LIMITS, now=11.0) == opens
    assert tail.window_opens(1.0, done, 5, LIMITS, now=7.9) is None


def test_without_an_outage_the_window_after_opens_at_once(tail: RequestTail) -> None:
    stream(tail, first_good=100, last=1000)
    assert tail.window_opens(0.0, 2.0, 5, LIMITS, now=12.0) == 2.0


def test_failures_while_the_load_stood_still_are_no_outage_and_the_stretch_is_no_good_service(
    tail: RequestTail,
) -> None:
    stream(tail, first_good=300, last=1000)
    stalled(tail, 1.0, 3.0)
    tail.poll()
    assert tail.recovered_since(1.0, 5, LIMITS, now=7.9) is None
    assert tail.recovered_since(1.0, 5, LIMITS, now=8.1) == 3.0


def test_the_window_after_decides_once_enough_requests_were_good(tail: RequestTail) -> None:
    tail.path.write_bytes(lines(*(answered(slot / 100) for slot in range(4000))))
    tail.poll()
    assert not tail.decided(0.0, 20.0, LIMITS, now=30.0 + TIMEOUT_SECONDS)
    assert tail.decided(0.0, 20.0, LIMITS, now=35.0 + TIMEOUT_SECONDS)


def test_the_window_after_goes_on_while_the_response_time_is_undecided(tail: RequestTail) -> None:
    """Slow for 0.3 s: the error rate is decided, and p95 only once the window is five times as long."""
    tail.path.write_bytes(
        lines(*(answered(slot / 100, 0.6 if 500 <= slot < 530 else 0.01) for slot in range(17000)))
    )
    tail.poll()
    only_rate = {"error_rate": LIMITS["error_rate"]}
    assert tail.decided(0.0, 33.0, only_rate, now=34.0 + TIMEOUT_SECONDS)
    assert not tail.decided(0.0, 33.0, LIMITS, now=34.0 + TIMEOUT_SECONDS)
    assert tail.decided(0.0, 33.0, LIMITS, now=168.0 + TIMEOUT_SECONDS)


def test_records_that_come_out_of_order_are_read_in_order(tail: RequestTail) -> None:
    first, second, third = answered(1.0), answered(2.0, error="x"), answered(3.0)
    for request in (third, first, second):
        with tail.path.open("ab") as file:
            file.write(lines(request))
        tail.poll()
        tail.failed_of(0.0, 9.0)
    assert tail.measured_since(0.0) == [first, second, third]
    assert tail.failed_of(0.0, 9.0) == (1, 3)
    assert tail.failed_of(2.5, 9.0) == (0, 1)


def stalled(tail: RequestTail, start: float, end: float) -> None:
    with stalls_beside(tail.path).open("ab") as file:
        file.write(msgspec.json.encode(Stall(start, end)) + b"\n")


def test_what_the_load_did_not_send_is_no_witness(tail: RequestTail) -> None:
    ours = answered(2.0, error="not sent: the load itself fell behind")
    tail.path.write_bytes(lines(ours, answered(3.0, error="timeout")))
    tail.poll()
    assert [request.planned for request in tail.failed_since(1.0)] == [3.0]
    assert tail.failed_of(1.0, 4.0) == (1, 1)


@pytest.mark.parametrize(
    ("planned", "latency", "witness"),
    [(1.9, 0.05, True), (1.9, 0.2, False), (2.5, 0.1, False), (2.9, 0.5, False), (3.0, 0.1, True)],
)
def test_what_was_under_way_while_the_load_stood_still_is_no_witness(
    tail: RequestTail, planned: float, latency: float, witness: bool
) -> None:
    tail.path.write_bytes(lines(answered(planned, latency, "timeout")))
    stalled(tail, 2.0, 3.0)
    tail.poll()
    assert bool(tail.failed_since(1.0)) is witness


def test_what_was_under_way_while_the_load_stood_still_is_not_counted(tail: RequestTail) -> None:
    failing = [answered(slot / 100, 0.01, "x" if 200 <= slot < 300 else "") for slot in range(400)]
    tail.path.write_bytes(lines(*failing))
    tail.poll()
    assert tail.failed_of(0.0, 4.0) == (100, 400)
    stalled(tail, 2.0, 3.0)
    tail.poll()
    assert tail.failed_of(0.0, 4.0) == (0, 299), "and the one before, which ended in it"


def test_a_stall_is_no_part_of_the_live_line(tail: RequestTail) -> None:
    slow = [answered(2.0 + slot / 100, 1.0) for slot in range(50)]
    tail.path.write_bytes(lines(*slow, *(answered(3.0 + slot / 100) for slot in range(50))))
    stalled(tail, 2.0, 3.0)
    tail.poll()
    assert tail.summary(3.6).p95_seconds == pytest.approx(0.01)
