"""The moments of a drill. Flows in: events, the account of requests, the standard of good service. Flows out:
a Timeline in monotonic seconds.

Recovered is the beginning of good service that lasted until the end of watching. The window after opens once
the operator is done and users have been served for a whole hold: the requests that showed the recovery are
not judged in it. Everything from then on is, a relapse too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drill.judge.accounting import Account
from drill.judge.outages import Outage, Standard, outages_of
from drill.recording import Event, Requests
from drill.recording.events import (
    FELT_AT_ONCE,
    DrillStarted,
    FaultInjected,
    FaultUndone,
    FaultUnnoticed,
    FaultWitnessed,
    LoadStarted,
    LoadStopped,
    ProcedureFinished,
    ProcedureStarted,
    WindowClosed,
    WindowOpened,
)


class Timeline(NamedTuple):
    """Monotonic seconds; None for what never came.

    `origin`: where times count from; `settled`: the last fault has taken effect, and from then on watching is
    patient; `outages`: all since the origin; `recovered`: None where users were never out, or are out at the
    end; `after`: [start, end) of the window after; `watched`: [start, end) of what was watched at all.
    """

    origin: float | None
    injected: dict[str, float]
    settled: float | None
    first_felt: float | None
    procedure_started: float | None
    procedure_finished: float | None
    outages: list[Outage]
    recovered: float | None
    after: tuple[float, float] | None
    watched: tuple[float, float]

    @property
    def watched_seconds(self) -> float:
        """From the origin until the end of watching."""
        return 0.0 if self.origin is None else max(0.0, self.watched[1] - self.origin)

    @property
    def out_at_the_end(self) -> bool:
        """Users were out, and had not been served again for a whole hold, when watching ended."""
        return bool(self.outages) and self.recovered is None

    @property
    def out_seconds(self) -> float:
        """How long users were out altogether."""
        return sum((self.watched[1] if each.end is None else each.end) - each.start for each in self.outages)

    def since_origin(self, moment: float | None) -> float | None:
        """Seconds from the origin to a moment; None when either never came."""
        return None if moment is None or self.origin is None else moment - self.origin


def watched_of(
    events: Sequence[Event], requests: Requests, requests_per_second: float
) -> tuple[float, float]:
    """[start, end) of what was watched: from the load's start to the close of the last window, and not beyond
    the first undoing, which repairs the target. A window that was never closed was watched until the load
    ended."""
    gap = 1 / requests_per_second if requests_per_second > 0 else 0.0
    recorded = (float(requests.planned[0]), float(requests.planned[-1]) + gap) if len(requests) else None
    start = _first(events, LoadStarted)
    if start is None:
        start = _first(events, WindowOpened) if recorded is None else recorded[0]
    windows = [each for each in events if isinstance(each.data, WindowOpened | WindowClosed)]
    ends = [each.monotonic for each in windows if isinstance(each.data, WindowClosed)]
    if not windows or isinstance(windows[-1].data, WindowOpened):
        stopped = _first(events, LoadStopped)
        ends = [stopped] if stopped is not None else [recorded[1]] if recorded else []
    undone = _first(events, FaultUndone)
    end = min([*ends[-1:], *([] if undone is None else [undone])], default=start or 0.0)
    return (end if start is None else min(start, end)), end


def timeline_of(
    events: Sequence[Event], setup: DrillStarted, account: Account, standard: Standard
) -> Timeline:
    """Find every moment."""
    end = account.end
    injected = {
        each.data.fault: each.monotonic for each in reversed(events) if isinstance(each.data, FaultInjected)
    }
    started = _first(events, ProcedureStarted)
    finished = _procedure_end(events)
    origin = _origin(events, setup, injected)
    settled = _settled(events, injected, origin)
    outages = [] if origin is None else outages_of(account.measured, standard, origin)
    felt = outages[0].start if outages else None
    last = outages[-1] if outages else None
    recovered = last.end if last is not None and last.good_after >= standard.hold_requests else None
    return Timeline(
        origin=origin,
        injected=injected,
        settled=settled,
        first_felt=felt,
        procedure_started=started,
        procedure_finished=finished,
        outages=outages,
        recovered=recovered,
        after=_after(events, outages, standard, (settled, started, finished), end),
        watched=(account.start, end),
    )


def _origin(events: Sequence[Event], setup: DrillStarted, injected: dict[str, float]) -> float | None:
    """The injection of the first fault that users are to feel, else the first injection; in a drill without a
    fault the beginning of what comes after the window before."""
    if setup.faults:
        felt = [
            injected[each.fault]
            for each in setup.faults
            if each.fault in injected and each.felt in FELT_AT_ONCE
        ]
        return min(felt or injected.values(), default=None)
    first = after_before(events)
    return None if first is None else first.monotonic


def after_before(events: Sequence[Event]) -> Event | None:
    """What comes first after the window before in a drill without a fault: somebody begins to act, or the
    next window opens. Times count from there."""
    return next(
        (
            each
            for each in events
            if (isinstance(each.data, WindowOpened) and each.data.window != "before")
            or isinstance(each.data, ProcedureStarted)
        ),
        None,
    )


def _settled(events: Sequence[Event], injected: dict[str, float], origin: float | None) -> float | None:
    """When the last fault had been witnessed or had gone unnoticed, by what the event says itself: it is
    written a little later. The origin where no fault was."""
    moments = [
        injected.get(each.data.fault, each.monotonic)
        + (each.data.seconds if isinstance(each.data, FaultWitnessed) else each.data.watched_seconds)
        for each in events
        if isinstance(each.data, FaultWitnessed | FaultUnnoticed)
    ]
    return max(moments, default=origin)


def _after(
    events: Sequence[Event],
    outages: Sequence[Outage],
    standard: Standard,
    moments: tuple[float | None, float | None, float | None],
    end: float,
) -> tuple[float, float] | None:
    """From the first moment, not before the operator was done, at which users had been served for a hold;
    None where that never came, or a procedure is still open."""
    settled, started, finished = moments
    if settled is None or (started is not None and finished is None):
        return None
    done = settled if finished is None else max(settled, finished)
    if not outages:
        opened = [each.monotonic for each in events if each.data == WindowOpened("after")]
        opening = max([done, *opened[:1]])
        return (opening, end) if opening < end else None
    following = [each.start for each in outages[1:]] + [end]
    for outage, until in zip(outages, following, strict=True):
        if outage.end is None or outage.good_after < standard.hold_requests:
            continue
        opening = max(done, outage.end + standard.hold_seconds)
        if opening < until:
            return opening, end
    return None


def _first(events: Sequence[Event], kind: type) -> float | None:
    return next((event.monotonic for event in events if isinstance(event.data, kind)), None)


def _procedure_end(events: Sequence[Event]) -> float | None:
    """The end of the last procedure; None while one is still open."""
    moments = [each for each in events if isinstance(each.data, ProcedureStarted | ProcedureFinished)]
    return moments[-1].monotonic if moments and isinstance(moments[-1].data, ProcedureFinished) else None
