"""The moments of a drill, from events and requests alone."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from drill.judge.accounting import Account
from drill.judge.outages import Standard
from drill.judge.phases import phases_of
from drill.judge.timeline import Timeline, timeline_of, watched_of
from drill.recording import Event, Requests
from drill.recording.events import (
    Data,
    DrillStarted,
    FaultInjected,
    FaultUndone,
    FaultUnnoticed,
    FaultWitnessed,
    Judging,
    LoadStarted,
    LoadStopped,
    PlannedFault,
    ProcedureFinished,
    ProcedureStarted,
    WindowClosed,
    WindowOpened,
)

STANDARD = Standard(0.001, 0.5, 0.05, 2.0, 10.0, 5.0)
LOAD = LoadStarted(10.0, 2.0)
STOPPED = LoadStopped(0)


def _events(*events: tuple[float, Data]) -> list[Event]:
    return [Event(moment + 1e9, moment, data) for moment, data in events]


def _requests(start: float, count: int, *failed: tuple[int, int]) -> Requests:
    planned, bad = start + np.arange(count) / 10, np.zeros(count, np.bool_)
    for first, end in failed:
        bad[first:end] = True
    return Requests(planned, planned + 0.01, bad, np.zeros(count, np.int32), ["GET /"])


NONE = _requests(0.0, 0)

# what was watched


@pytest.mark.parametrize(
    ("events", "watched"),
    [
        ([], (0.0, 0.0)),
        ([(5.0, LOAD)], (5.0, 5.0)),
        ([(5.0, WindowOpened("before")), (9.0, WindowOpened("fault"))], (5.0, 5.0)),
        ([(5.0, LOAD), (9.0, STOPPED)], (5.0, 9.0)),
        ([(5.0, LOAD), (6.0, WindowOpened("before")), (9.0, STOPPED)], (5.0, 9.0)),
        (
            [
                (5.0, LOAD),
                (6.0, WindowOpened("before")),
                (8.0, WindowClosed("before")),
                (8.0, WindowOpened("after")),
                (20.0, WindowClosed("after")),
                (21.0, STOPPED),
            ],
            (5.0, 20.0),
        ),
        (
            [(5.0, LOAD), (8.0, WindowClosed("before")), (9.0, WindowOpened("after")), (21.0, STOPPED)],
            (5, 21),
        ),
        ([(5.0, LOAD), (20.0, WindowClosed("after")), (15.0, FaultUndone("f"))], (5.0, 15.0)),
        ([(5.0, LOAD), (20.0, WindowClosed("after")), (25.0, FaultUndone("f"))], (5.0, 20.0)),
        # nothing was watched: the undoing came before
        ([(5.0, LOAD), (20.0, WindowClosed("after")), (3.0, FaultUndone("f"))], (3.0, 3.0)),
        ([(20.0, WindowClosed("after"))], (20.0, 20.0)),
    ],
)
def test_watched_from_the_loads_start_to_the_last_window_or_the_undoing(
    events: list[tuple[float, Data]], watched: tuple[float, float]
) -> None:
    assert watched_of(_events(*events), NONE, 10.0) == watched


def test_without_events_of_the_load_its_requests_say_what_was_watched() -> None:
    requests = _requests(7.0, 50)
    assert watched_of([], requests, 10.0) == pytest.approx((7.0, 12.0))
    assert watched_of([], requests, 0.5) == pytest.approx((7.0, 13.9))
    assert watched_of([], requests, 1.0) == pytest.approx((7.0, 12.9))
    assert watched_of([], requests, 0.0) == pytest.approx((7.0, 11.9))
    assert watched_of(_events((6.0, WindowOpened("before"))), requests, 10.0) == pytest.approx((7.0, 12.0))
    assert watched_of(_events((6.0, LOAD)), requests, 10.0) == pytest.approx((6.0, 12.0))


# the moments


def _setup(*faults: PlannedFault) -> DrillStarted:
    return DrillStarted("drill", Judging(500, 5, 22, 20, 10, 2), faults=list(faults))


def _timeline(events: list[Event], *failed: tuple[int, int], setup: DrillStarted | None = None) -> Timeline:
    """100 s of requests from 100 s on."""
    account = Account(100.0, 200.0, 1000, _requests(100.0, 1000, *failed), [])
    return timeline_of(events, setup or _setup(PlannedFault("f")), account, STANDARD)


INJECTED = (110.0, FaultInjected("f"))
WITNESSED = (111.5, FaultWitnessed("f", "no endpoints", 1.0))


def test_every_moment_is_found() -> None:
    events = _events(
        INJECTED,
        WITNESSED,
        (112.0, ProcedureStarted("p")),
        (120.0, ProcedureFinished("p")),
    )
    found = _timeline(events, (105, 150))
    assert found._replace(outages=[]) == Timeline(
        origin=110.0,
        injected={"f": 110.0},
        settled=111.0,
        first_felt=pytest.approx(110.5),
        procedure_started=112.0,
        procedure_finished=120.0,
        outages=[],
        recovered=pytest.approx(115.0),
        after=(120.0, 200.0),
        watched=(100.0, 200.0),
    )
    assert (found.watched_seconds, found.out_seconds) == (90.0, pytest.approx(4.5))
    assert [(phase.name, phase.seconds) for phase in phases_of(found)] == [
        ("injected", 0.0),
        ("first felt", pytest.approx(0.5)),
        ("witnessed", 1.0),
        ("procedure started", 2.0),
        ("recovered", pytest.approx(5.0)),
        ("procedure done", 10.0),
    ]


def test_nothing_comes_of_nothing() -> None:
    found = _timeline([], (105, 150))
    assert found == Timeline(None, {}, None, None, None, None, [], None, None, (100.0, 200.0))
    assert (found.watched_seconds, found.out_at_the_end, found.since_origin(5.0)) == (0.0, False, None)
    assert phases_of(found) == []


def test_time_counts_from_the_first_fault_to_be_felt_else_from_the_first() -> None:
    injected = _events((110.0, FaultInjected("a")), (120.0, FaultInjected("b")), (130.0, FaultInjected("c")))

    def origin(*felt: str) -> float | None:
        faults = [PlannedFault(name, kind) for name, kind in zip("abc", felt, strict=True)]
        return _timeline(injected, setup=_setup(*faults)).origin

    assert origin("latent", "failed", "failed") == 120.0
    assert origin("latent", "latent", "slow") == 130.0
    assert origin("latent", "latent", "latent") == 110.0
    assert _timeline(injected, setup=_setup(PlannedFault("z"))).origin == 110.0


def test_the_first_injection_of_a_fault_is_the_one_that_counts() -> None:
    events = _events(INJECTED, (130.0, FaultInjected("f")))
    assert _timeline(events).injected == {"f": 110.0}


@pytest.mark.parametrize(
    ("events", "origin"),
    [
        ([(100.0, WindowOpened("before")), (104.0, WindowOpened("after"))], 104.0),
        (
            [(100.0, WindowOpened("before")), (103.0, ProcedureStarted("p")), (104.0, WindowOpened("after"))],
            103,
        ),
        ([(100.0, WindowOpened("before"))], None),
    ],
)
def test_without_a_fault_time_counts_from_the_end_of_the_window_before(
    events: list[tuple[float, Data]], origin: float | None
) -> None:
    found = _timeline(_events(*events), setup=_setup())
    assert (found.origin, found.settled) == (origin, origin)


def test_watching_is_patient_from_the_last_fault_that_was_witnessed_or_that_nobody_noticed() -> None:
    """By what the event says itself: it is written later."""
    other = (120.0, FaultInjected("g"))
    unnoticed = (140.0, FaultUnnoticed("g", "no endpoints", 15.0))
    assert _timeline(_events(INJECTED, WITNESSED, other, unnoticed)).settled == 135.0
    assert _timeline(_events(INJECTED, WITNESSED)).settled == 111.0
    # one whose injection was not recorded
    assert _timeline(_events(INJECTED, unnoticed)).settled == 155.0
    assert _timeline(_events(INJECTED)).settled == 110.0


def test_a_second_procedure_that_is_still_open_has_not_ended() -> None:
    first = [(112.0, ProcedureStarted("p")), (114.0, ProcedureFinished("p"))]
    again = (116.0, ProcedureStarted("q"))
    assert _timeline(_events(INJECTED, *first)).procedure_finished == 114.0
    open_ = _timeline(_events(INJECTED, *first, again))
    assert (open_.procedure_started, open_.procedure_finished, open_.after) == (112.0, None, None)
    done = _timeline(_events(INJECTED, *first, again, (118.0, ProcedureFinished("q"))))
    assert done.procedure_finished == 118.0


# recovered, and the window after


@pytest.mark.parametrize(("last", "recovered"), [(950, 195.0), (951, None)])
def test_recovered_needs_a_whole_hold(last: int, recovered: float | None) -> None:
    found = _timeline(_events(INJECTED, WITNESSED), (200, last))
    assert found.recovered == (None if recovered is None else pytest.approx(recovered))
    assert found.out_at_the_end is (recovered is None)
    assert found.after is None


def test_the_window_after_opens_when_users_were_served_for_a_hold_and_the_operator_is_done() -> None:
    acted = [(112.0, ProcedureStarted("p")), (130.0, ProcedureFinished("p"))]
    assert _timeline(_events(INJECTED, WITNESSED), (105, 150)).after == (pytest.approx(120.0), 200.0)
    assert _timeline(_events(INJECTED, WITNESSED, *acted), (105, 150)).after == (130.0, 200.0)
    early = [(101.0, ProcedureStarted("p")), (102.0, ProcedureFinished("p"))]
    assert _timeline(_events(*early, INJECTED, WITNESSED)).after == (111.0, 200.0)
    # not seen to take effect until long after users were served again
    late = (150.0, FaultWitnessed("f", "no endpoints", 40.0))
    assert _timeline(_events(INJECTED, late), (105, 150)).after == (150.0, 200.0)


def test_a_relapse_before_it_could_open_puts_it_off() -> None:
    acted = [(112.0, ProcedureStarted("p")), (130.0, ProcedureFinished("p"))]
    events = _events(INJECTED, WITNESSED, *acted)
    assert _timeline(events, (105, 150), (250, 350)).after == (pytest.approx(140.0), 200.0)
    # one after it does not
    assert _timeline(events, (105, 150), (310, 350)).after == (130.0, 200.0)
    # nor one that left users served for less than a hold
    assert _timeline(events, (105, 150), (190, 290)).after == (pytest.approx(134.0), 200.0)
    assert _timeline(events, (105, 150), (250, 980)).after is None


def test_where_users_were_never_out_it_opens_as_recorded_but_not_before_the_operator_is_done() -> None:
    opened = [(125.0, WindowOpened("after")), (128.0, WindowOpened("after"))]
    acted = [(112.0, ProcedureStarted("p")), (130.0, ProcedureFinished("p"))]
    assert _timeline(_events(INJECTED, WITNESSED)).after == (111.0, 200.0)
    assert _timeline(_events(INJECTED, WITNESSED, *opened)).after == (125.0, 200.0)
    assert _timeline(_events(INJECTED, WITNESSED, *acted, *opened)).after == (130.0, 200.0)
    assert _timeline(_events(INJECTED, WITNESSED, (200.0, WindowOpened("after")))).after is None


def test_out_is_told_in_total_up_to_the_end_of_watching() -> None:
    found = _timeline(_events(INJECTED, WITNESSED), (200, 250), (950, 1000))
    assert found.out_seconds == pytest.approx(5.0 + 5.0)
    assert found.first_felt == pytest.approx(120.0)


def test_what_was_watched_may_end_before_the_origin() -> None:
    found = _timeline(_events((300.0, FaultInjected("f"))))
    assert found.watched_seconds == 0.0
    assert msgspec.json.encode(found.outages) == b"[]"
