"""Every planned slot exactly once, or the stretch is unmeasured: never the target's failure, an outage or a
pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from recorded_drill import BACK, END, INJECTED, PER_SECOND, RecordedDrill, criterion

from drill.judge import DrillVerdict
from drill.judge.accounting import (
    CLOCK_SECONDS,
    LATE,
    MISORDERED,
    NO_RECORD,
    OFF_PLAN,
    TWICE,
    UNDER_WAY,
    UNSENT,
    Account,
    Trouble,
    account_for,
    late_after,
)
from drill.recording import Requests


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


def _account(planned: list[float], rate: float, watched: tuple[float, float], **more: object) -> Account:
    columns = np.array(planned, np.float64)
    finished = columns + 0.01
    requests = Requests(
        columns, finished, np.zeros(len(columns), np.bool_), np.zeros(len(columns), np.int32), [""]
    )
    return account_for(requests, rate, watched, **more)  # type: ignore[arg-type]


# the account itself


@pytest.mark.parametrize("rate", [0.5, 7.0, 100.0, 150.0, 333.0])
def test_a_whole_recording_has_nothing_unmeasured(rate: float) -> None:
    start, end = 86_400.25, 86_460.75
    first, last = int(np.ceil(start * rate)), int(np.ceil(end * rate))
    account = _account([slot / rate for slot in range(first, last)], rate, (start, end))
    assert (account.planned, account.unmeasured, account.stretches) == (last - first, 0, [])
    assert len(account.measured) == last - first


def test_what_is_planned_outside_of_the_watch_is_not_counted() -> None:
    account = _account([slot / 10 for slot in range(200)], 10, (5.0, 10.0))
    assert (account.planned, account.measured.planned[0], account.measured.planned[-1]) == (50, 5.0, 9.9)
    assert account.stretches == []


@pytest.mark.parametrize(
    ("missing", "stretches"),
    [
        ({0}, [(0.0, 0.1, 1)]),
        ({49}, [(4.9, 5.0, 1)]),
        ({3, 4, 5}, [(0.3, 0.6, 3)]),
        ({3, 5}, [(0.3, 0.4, 1), (0.5, 0.6, 1)]),
        (set(range(50)), [(0.0, 5.0, 50)]),
    ],
)
def test_a_slot_without_a_record_is_unmeasured(
    missing: set[int], stretches: list[tuple[float, float, int]]
) -> None:
    account = _account([slot / 10 for slot in range(50) if slot not in missing], 10, (0.0, 5.0))
    assert [(each.start, each.end, each.slots) for each in account.stretches] == stretches
    assert {each.what for each in account.stretches} == {NO_RECORD}
    assert account.unmeasured == len(missing)


def test_a_slot_that_is_recorded_twice_says_nothing() -> None:
    account = _account([slot / 10 for slot in (*range(50), 7)], 10, (0.0, 5.0))
    assert [(each.start, each.slots, each.what) for each in account.stretches] == [(0.7, 1, TWICE)]
    assert len(account.measured) == 49


def test_a_record_between_two_slots_is_not_of_the_plan() -> None:
    account = _account([slot / 10 for slot in range(50)] + [0.72], 10, (0.0, 5.0))
    assert [(each.start, each.slots, each.what) for each in account.stretches] == [(0.7, 1, TWICE)]
    account = _account([slot / 10 for slot in range(50) if slot != 7] + [0.72], 10, (0.0, 5.0))
    assert [(each.start, each.slots, each.what) for each in account.stretches] == [(0.7, 1, OFF_PLAN)]


def test_a_load_of_another_rate_is_not_the_load_that_was_planned() -> None:
    account = _account([slot / 7 for slot in range(35)], 10, (0.0, 5.0))
    assert account.unmeasured >= 45


def test_requests_under_way_in_trouble_are_unmeasured() -> None:
    planned = np.arange(50) / 10
    finished = planned + 0.01
    finished[18] = 2.05  # planned at 1.8, under way until the trouble
    requests = Requests(planned, finished, np.zeros(50, np.bool_), np.zeros(50, np.int32), [""])
    account = account_for(requests, 10, (0.0, 5.0), [Trouble(2.0, 2.3, "the load was stopped")])
    assert [(each.start, each.end, each.what) for each in account.stretches] == [
        (1.8, 1.9, UNDER_WAY),
        (2.0, 2.3, "the load was stopped"),
    ]
    assert account.planned == 50


@pytest.mark.parametrize(("late", "unmeasured"), [(0.25, 0), (0.26, 1), (0.6, 1)])
def test_a_request_that_was_sent_late_shows_trouble_of_the_load(late: float, unmeasured: int) -> None:
    planned = np.arange(50.0)
    sent = planned.copy()
    sent[7] += late
    requests = Requests(planned, sent + 0.01, np.zeros(50, np.bool_), np.zeros(50, np.int32), [""], sent=sent)
    account = account_for(requests, 1, (0.0, 50.0))
    assert account.unmeasured == unmeasured
    assert [each.what for each in account.stretches] == [LATE] * unmeasured
    # a load that calibration found late is usually late
    assert account_for(requests, 1, (0.0, 50.0), lateness_seconds=0.3).unmeasured == 0


def test_a_request_that_was_not_sent_is_no_failure() -> None:
    planned, unsent = np.arange(50.0), np.zeros(50, np.bool_)
    unsent[7] = True
    requests = Requests(
        planned,
        planned + 0.01,
        unsent,
        np.zeros(50, np.int32),
        [""],
        sent=planned + 2.0 * unsent,
        unsent=unsent,
    )
    account = account_for(requests, 1, (0.0, 50.0))
    # while it waited to be sent, the two after it waited as well
    assert [(each.start, each.end, each.what) for each in account.stretches] == [(7.0, 9.0, UNSENT)]
    assert int(account.measured.failed.sum()) == 0


def test_times_out_of_order_are_no_measure() -> None:
    planned = np.arange(50.0)
    sent, finished = planned.copy(), planned + 0.01
    sent[7] -= 0.01
    finished[9] -= 0.02
    requests = Requests(planned, finished, np.zeros(50, np.bool_), np.zeros(50, np.int32), [""], sent=sent)
    account = account_for(requests, 1, (0.0, 50.0))
    assert [(each.start, each.what) for each in account.stretches] == [(7.0, MISORDERED), (9.0, MISORDERED)]


def _plan(count: int = 50, rate: float = 10) -> dict[str, np.ndarray]:
    """Columns of a whole recording: each request is sent on time and takes 10 ms."""
    planned = np.arange(count) / rate
    return {
        "planned": planned,
        "sent": planned.copy(),
        "finished": planned + 0.01,
        "failed": np.zeros(count, np.bool_),
        "unsent": np.zeros(count, np.bool_),
    }


def _held(columns: dict[str, np.ndarray], troubles: Sequence[Trouble] = (), rate: float = 10) -> Account:
    count = len(columns["planned"])
    requests = Requests(
        columns["planned"],
        columns["finished"],
        columns["failed"],
        np.zeros(count, np.int32),
        [""],
        sent=columns["sent"],
        unsent=columns["unsent"],
    )
    return account_for(requests, rate, (0.0, count / rate), troubles)


def _stretches(account: Account) -> list[tuple[float, float, str]]:
    return [(round(each.start, 6), round(each.end, 6), each.what) for each in account.stretches]


def test_stretches_that_lie_in_part_in_a_window_touch_it() -> None:
    account = _account([slot / 10 for slot in range(50) if slot not in (20, 21)], 10, (0.0, 5.0))
    for start, end, touching in (
        (0.0, 2.0, False),
        (0.0, 2.01, True),
        (2.05, 2.06, True),
        (2.19, 3.0, True),
        (2.2, 3.0, False),
    ):
        assert bool(account.touching(start, end)) is touching


@pytest.mark.parametrize(
    ("watched", "planned", "first"),
    [
        ((1.0, 3.0), 20, 1.0),
        ((1.0005, 3.0), 20, 1.0),
        ((1.002, 3.0), 19, 1.1),
        ((1.0, 3.0005), 20, 1.0),
        ((1.0, 3.002), 21, 1.0),
        ((1.05, 3.05), 20, 1.1),
    ],
)
def test_a_slot_is_watched_from_its_moment_on_give_or_take_a_hundredth(
    watched: tuple[float, float], planned: int, first: float
) -> None:
    account = _account([slot / 10 for slot in range(50)], 10, watched)
    assert (account.planned, account.unmeasured, len(account.measured)) == (planned, 0, planned)
    assert account.measured.planned[0] == first
    assert (account.start, account.end) == watched


def test_a_watch_that_ended_before_it_began_has_no_slots() -> None:
    account = _account([slot / 10 for slot in range(50)], 10, (3.0, 1.0))
    assert (account.planned, len(account.measured), account.stretches) == (0, 0, [])


@pytest.mark.parametrize(("off", "unmeasured"), [(0.0009, 0), (-0.0009, 0), (0.0011, 1), (-0.0011, 1)])
def test_a_record_is_of_the_plan_within_a_hundredth_of_a_slot(off: float, unmeasured: int) -> None:
    planned = [slot / 10 + (off if slot == 7 else 0.0) for slot in range(50)]
    assert _account(planned, 10, (0.0, 5.0)).unmeasured == unmeasured


def test_a_record_that_is_off_by_exactly_a_hundredth_of_a_slot_is_of_the_plan() -> None:
    assert _account([0.01, 1.0, 2.0], 1, (0.0, 3.0)).unmeasured == 0


def test_a_record_half_a_slot_outside_of_the_watch_is_not_counted() -> None:
    assert _account([5.5, 6.0, 7.0, 8.0, 8.5], 1, (6.0, 9.0)).unmeasured == 0


def test_three_records_of_one_slot_are_unmeasured_like_two() -> None:
    account = _account([slot / 10 for slot in (7, *range(50), 7)], 10, (0.0, 5.0))
    assert _stretches(account) == [(0.7, 0.8, TWICE)]
    first = _account([slot / 10 for slot in (*range(50), 0, 49)], 10, (0.0, 5.0))
    assert _stretches(first) == [(0.0, 0.1, TWICE), (4.9, 5.0, TWICE)]


def test_troubles_that_touch_are_one_named_after_the_longest() -> None:
    named = [Trouble(1.0, 1.5, "a"), Trouble(1.5, 3.0, "b"), Trouble(3.0, 3.7, "c")]
    assert _stretches(_held(_plan(), named)) == [(1.0, 3.7, "b")]
    within = [Trouble(1.0, 3.0, "a"), Trouble(1.2, 1.5, "b"), Trouble(2.9, 3.2, "c")]
    assert _stretches(_held(_plan(), within[::-1])) == [(1.0, 3.2, "a")]
    chained = [Trouble(1.0, 1.5, "a"), Trouble(1.4, 1.7, "b"), Trouble(1.6, 2.6, "c")]
    assert _stretches(_held(_plan(), chained)) == [(1.0, 2.6, "c")]
    apart = [Trouble(1.0, 1.5, "a"), Trouble(2.5, 3.0, "b")]
    assert _stretches(_held(_plan(), apart)) == [(1.0, 1.5, "a"), (2.5, 3.0, "b")]


def test_what_ended_as_the_trouble_began_or_began_as_it_ended_is_measured() -> None:
    columns = _plan()
    columns["finished"][17] = 2.0
    columns["finished"][16] = 2.000001
    assert _stretches(_held(columns, [Trouble(2.0, 2.3, "a")])) == [
        (1.6, 1.7, UNDER_WAY),
        (2.0, 2.3, "a"),
    ]


def test_one_trouble_does_not_mend_what_another_has_spoiled() -> None:
    columns = _plan()
    columns["finished"][40] = 7.0  # so that all that was sent three seconds before a trouble is looked at
    troubles = [Trouble(1.0, 1.3, "a"), Trouble(3.0, 3.3, "b")]
    assert _stretches(_held(columns, troubles)) == [(1.0, 1.3, "a"), (3.0, 3.3, "b")]


def test_a_trouble_that_begins_as_a_stretch_ends_is_not_its_reason() -> None:
    planned = [0.0, 1.0, 3.0, 4.0]
    columns = {name: column[:4] for name, column in _plan(rate=1).items()}
    columns |= {"planned": np.array(planned), "sent": np.array(planned), "finished": np.array(planned)}
    requests = Requests(*(columns[each] for each in ("planned", "finished", "failed")), np.zeros(4), [""])
    account = account_for(requests, 1, (0.0, 5.0), [Trouble(3.0, 3.0, "a")])
    assert _stretches(account) == [(2.0, 3.0, NO_RECORD)]


def test_a_trouble_of_a_moment_spoils_what_was_under_way_then() -> None:
    columns = _plan()
    columns["finished"][11] = 2.5
    assert _stretches(_held(columns, [Trouble(2.0, 2.0, "a")])) == [(1.1, 1.2, UNDER_WAY), (2.0, 2.1, "a")]


def test_a_late_request_spoils_those_that_had_to_wait_as_well() -> None:
    columns = _plan()
    columns["sent"][20] += 0.5
    columns["finished"][20] += 0.5
    assert _stretches(_held(columns)) == [(2.0, 2.5, LATE)]


def test_a_request_that_was_not_sent_is_not_late_too() -> None:
    columns = _plan()
    columns["unsent"][20] = True
    columns["sent"][20] += 1.0
    columns["finished"][20] += 1.0
    assert _stretches(_held(columns)) == [(2.0, 3.0, UNSENT)]


@pytest.mark.parametrize(("early", "unmeasured"), [(0.0019, 0), (0.0021, 1)])
def test_clocks_may_differ_by_two_milliseconds(early: float, unmeasured: int) -> None:
    columns = _plan()
    columns["sent"][20] -= early
    assert _held(columns).unmeasured == unmeasured
    columns = _plan()
    columns["finished"][20] = columns["sent"][20] - early
    assert _held(columns).unmeasured == unmeasured


def test_two_milliseconds_exactly_are_no_disorder() -> None:
    columns = _plan()
    columns["sent"][20] = columns["planned"][20] - CLOCK_SECONDS
    columns["finished"][20] = columns["sent"][20] - CLOCK_SECONDS
    assert _held(columns).unmeasured == 0


@pytest.mark.parametrize(("lateness", "seconds"), [(0.0, 0.25), (0.08, 0.25), (0.1, 0.3), (1.0, 3.0)])
def test_late_is_three_times_what_calibration_found_and_a_quarter_of_a_second_at_least(
    lateness: float, seconds: float
) -> None:
    assert late_after(lateness) == pytest.approx(seconds)


def test_a_gap_beside_a_trouble_is_named_after_what_its_own_records_say() -> None:
    """No record, recorded twice, and a trouble, side by side."""
    columns = _plan()
    keep = np.ones(50, np.bool_)
    keep[10] = False
    columns = {name: column[keep] for name, column in columns.items()}
    count = len(columns["planned"])
    requests = Requests(
        columns["planned"], columns["finished"], columns["failed"], np.zeros(count, np.int32), [""]
    )
    account = account_for(requests, 10, (0.0, 5.0), [Trouble(1.3, 1.5, "a")])
    assert _stretches(account) == [(1.0, 1.1, NO_RECORD), (1.3, 1.5, "a")]


# what the judge makes of it


def _inconclusive(verdict: DrillVerdict, *names: str) -> None:
    assert verdict.verdict == "inconclusive"
    for name in names:
        assert criterion(verdict, name).verdict == "inconclusive"
        assert "planned requests unmeasured from" in criterion(verdict, name).why


def test_an_outage_whose_records_are_absent_does_not_pass(drill: RecordedDrill) -> None:
    drill.absent = drill.indexes(1030.0, 1031.9)
    verdict = drill.judged()
    _inconclusive(verdict, "recovered", "response_time", "error_rate")
    assert criterion(verdict, "error_rate").why.startswith(
        "228 planned requests unmeasured from +20.0 s to +21.9 s (no record)"
    )
    assert (verdict.requests.planned, verdict.requests.unmeasured) == (7200, 228)
    assert [(each.slots, each.what) for each in verdict.unmeasured] == [(228, NO_RECORD)]


def test_two_thirds_of_the_window_without_a_record_do_not_pass(drill: RecordedDrill) -> None:
    drill.end = 1086.0
    drill.absent = drill.indexes(1030.0, 1074.0)
    _inconclusive(drill.judged(), "recovered", "error_rate")


@pytest.mark.parametrize("moment", [1021.0, 1030.0, END - 1 / PER_SECOND])
def test_one_absent_record_is_enough(drill: RecordedDrill, moment: float) -> None:
    drill.absent = {drill.index_at(moment)}
    verdict = drill.judged()
    assert criterion(verdict, "recovered").verdict == "inconclusive"
    assert verdict.verdict == "inconclusive"


def test_a_record_that_is_absent_within_the_outage_hides_nothing(drill: RecordedDrill) -> None:
    drill.absent = drill.indexes(1013.0, 1015.0)
    verdict = drill.judged()
    assert (verdict.verdict, verdict.requests.unmeasured) == ("pass", 240)


@pytest.mark.parametrize(("before", "outcome"), [(2, "pass"), (1, "inconclusive")])
def test_a_record_that_is_absent_at_the_very_end_of_the_outage_may_have_been_served(
    drill: RecordedDrill, before: int, outcome: str
) -> None:
    drill.absent = {drill.index_at(BACK) - before}
    assert criterion(drill.judged(), "recovered").verdict == outcome


def test_the_same_lines_twice_do_not_pass(drill: RecordedDrill) -> None:
    folder = drill.write()
    stream = folder / "requests.jsonl"
    stream.write_bytes(stream.read_bytes() * 2)
    drill.write = lambda: folder  # type: ignore[method-assign]
    verdict = drill.judged()
    assert (verdict.verdict, verdict.requests.unmeasured) == ("inconclusive", 7200)
    assert verdict.unmeasured[0].what == TWICE


def test_a_load_that_stood_still_is_not_the_target_being_slow(drill: RecordedDrill) -> None:
    """Stopped for 2 s in the window after: what had to wait is sent late, and answered at once."""
    stood = drill.indexes(1030.0, 1032.0)
    drill.late = {index: 1032.0 - drill.planned()[index] for index in stood}
    verdict = drill.judged()
    _inconclusive(verdict, "response_time", "error_rate", "recovered")
    assert criterion(verdict, "response_time").value == pytest.approx(0.010)
    assert len(verdict.outages) == 1
    assert {each.what for each in verdict.unmeasured} == {LATE}


def test_requests_that_the_load_did_not_send_are_no_outage(drill: RecordedDrill) -> None:
    drill.errors = dict.fromkeys(drill.indexes(1030.0, 1033.0), "not sent: the load itself fell behind")
    verdict = drill.judged()
    _inconclusive(verdict, "error_rate", "recovered")
    assert verdict.requests.failed == 1200
    assert verdict.out_seconds == pytest.approx(10.0)
    assert verdict.recovered_seconds == pytest.approx(10.0)


def test_unsent_requests_after_a_fault_are_not_its_outage(drill: RecordedDrill) -> None:
    drill.outages = []
    drill.errors = dict.fromkeys(drill.indexes(INJECTED, BACK), "not sent: the load itself fell behind")
    verdict = drill.judged()
    assert verdict.outages == []
    assert criterion(verdict, "recovered").verdict == "inconclusive"
    assert (verdict.verdict, verdict.credit) == ("inconclusive", "not measured")


def test_what_the_load_says_of_its_own_trouble_is_unmeasured(drill: RecordedDrill) -> None:
    drill.outages.append((1030.0, 1032.0))
    trouble = {"start": 1029.9, "end": 1032.1, "what": "the load was starved"}
    drill.extra = [(1032.2, "load.trouble", trouble)]
    verdict = drill.judged()
    _inconclusive(verdict, "error_rate", "recovered")
    assert (len(verdict.outages), verdict.unmeasured[0].what) == (1, "the load was starved")


@pytest.mark.parametrize("status", [-9, 1, None])
def test_a_load_that_did_not_end_as_it_should_does_not_pass(drill: RecordedDrill, status: int | None) -> None:
    drill.load_ended = status
    verdict = drill.judged()
    _inconclusive(verdict, "error_rate", "recovered")
    said = "does not say that the load ended" if status is None else f"exit status {status}"
    assert said in verdict.why


def test_a_load_that_was_gone_before_the_end_does_not_pass(drill: RecordedDrill) -> None:
    drill.load_ended = -9
    drill.absent = drill.indexes(1050.0, END)
    verdict = drill.judged()
    _inconclusive(verdict, "error_rate", "recovered")
    assert verdict.requests.planned == 7200


def test_a_window_that_was_never_closed_was_watched_until_the_load_ended(drill: RecordedDrill) -> None:
    drill.closed = False
    verdict = drill.judged()
    assert verdict.requests.planned == 7200 + PER_SECOND // 2
    assert verdict.verdict == "inconclusive"
    drill.load_ended = None
    again = drill.judged()
    assert again.requests.planned == 7200
    assert again.verdict == "inconclusive"


def test_a_failure_that_was_measured_fails_whatever_else_was_not(drill: RecordedDrill) -> None:
    drill.absent = {drill.index_at(1030.0)}
    drill.failing = set(range(drill.index_at(1040.0), drill.index_at(1040.0) + 60, 2))
    verdict = drill.judged()
    assert (criterion(verdict, "error_rate").verdict, verdict.verdict) == ("fail", "fail")


def test_an_unreadable_request_is_named_and_its_slot_unmeasured(drill: RecordedDrill) -> None:
    folder = drill.write()
    stream = folder / "requests.jsonl"
    lines = stream.read_bytes().split(b"\n")
    number = drill.index_at(1040.0)
    lines[number] = b'{"planned":"then"}'
    lines[number + 2] = b"\xff\xfe"
    stream.write_bytes(b"\n".join(lines))
    drill.write = lambda: folder  # type: ignore[method-assign]
    verdict = drill.judged()
    assert verdict.verdict == "inconclusive"
    assert [text.split(":")[1] for text in verdict.unreadable] == [str(number + 1), str(number + 3)]
    assert str(folder) not in msgspec.json.encode(verdict).decode()
    assert verdict.requests.unmeasured == 2


def test_planned_is_the_number_of_slots_and_not_of_records(drill: RecordedDrill) -> None:
    drill.per_second = PER_SECOND / 2
    verdict = drill.judged()
    assert (verdict.requests.planned, verdict.requests.unmeasured) == (7200, 3600)
    assert verdict.verdict == "inconclusive"
