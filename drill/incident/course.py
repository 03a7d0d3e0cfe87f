"""The course of an incident. Flows in: a drill's recording. Flows out: updates in order of time, each with
its status, and what it cost users, in numbers. Only what the recording shows.

investigating   from the first request that users felt
identified      from the operator's first procedure while users are out
monitoring      from the moment from which users were served again for a whole hold
resolved        at the end of the window after, where it held
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from drill.judge.case import Case
from drill.judge.outages import Outage, response_latency
from drill.judge.verdict import DrillVerdict
from drill.recording import Event
from drill.recording.events import ProcedureStarted, WindowClosed
from drill.report import units

Status = Literal["investigating", "identified", "monitoring", "resolved"]
STEADY_SECONDS = 1.0
"""A wall clock that moved by more than this against the monotonic one was set meanwhile."""


@dataclass(frozen=True)
class IncidentUpdate:
    """`wall`: seconds since the epoch; `since_seconds`: since the first felt request; `status`: from then
    on."""

    wall: float
    since_seconds: float
    status: Status
    what: str


@dataclass(frozen=True)
class RequestImpact:
    """Requests between the first one felt and recovery. `slow`: answered well, and late; None where the
    runbook states no response time."""

    name: str
    requests: int
    failed: int
    slow: int | None


@dataclass(frozen=True)
class Impact:
    """What it cost users. `total`: of all requests, `kinds`: by name; `unmeasured`: planned requests of which
    nothing is said; `lost`, `acknowledged`: writes, None where nobody looked; `recovered`: users were served
    again before watching ended."""

    total: RequestImpact
    kinds: tuple[RequestImpact, ...]
    unmeasured: int
    seconds_out: float
    recovered: bool
    lost: int | None
    allowed_lost: int
    acknowledged: int | None


def updates_of(case: Case, verdict: DrillVerdict) -> list[IncidentUpdate]:
    """In order of time; of a drill in which users were out."""
    timeline = case.timeline
    assert timeline.first_felt is not None
    status: Status = "investigating"
    found: list[IncidentUpdate] = []
    identified = False
    for moment, kind, what in sorted(_moments(case, verdict), key=lambda each: each[0]):
        if kind == "out":
            status = "identified" if identified else "investigating"
        elif kind == "procedure":
            identified = True
            status = "identified" if status == "investigating" else status
        elif kind == "served":
            status = "monitoring"
        else:
            status = "resolved"
        found.append(IncidentUpdate(wall_at(case.events, moment), moment - timeline.first_felt, status, what))
    return found


def not_resolved(case: Case, verdict: DrillVerdict) -> str:
    """Why it cannot be called resolved; empty where it can."""
    timeline = case.timeline
    if timeline.recovered is None:
        return "users were out when watching ended"
    if timeline.after is None or not any(event.data == WindowClosed("after") for event in case.events):
        return "no window after was watched to its end"
    judged = [each for each in verdict.criteria if each.name in ("error_rate", "response_time")]
    for outcome, said in (("fail", "did not hold"), ("inconclusive", "could not be judged")):
        for each in judged:
            if each.verdict == outcome:
                return f"the window after {said}: {each.why or each.title or each.name}"
    if not judged:
        return "the window after was not judged"
    return ""


def impact_of(case: Case, verdict: DrillVerdict) -> Impact:
    """In numbers; of a drill in which users were out."""
    timeline = case.timeline
    assert timeline.first_felt is not None
    end = timeline.watched[1] if timeline.recovered is None else timeline.recovered
    requests = case.account.measured.between(timeline.first_felt, end)
    slow = (
        None
        if case.standard.response_seconds is None
        else (response_latency(requests, case.standard.timeout_seconds) >= case.standard.response_seconds)
        & ~requests.failed
    )
    kinds = []
    for index, name in enumerate(requests.names):
        own = requests.name == index
        if own.any():
            late = None if slow is None else int((slow & own).sum())
            kinds.append(RequestImpact(name, int(own.sum()), int((requests.failed & own).sum()), late))
    audit, writes = case.audit, verdict.writes
    looked = audit is not None and writes is not None and (not audit.unchecked or writes.lost > 0)
    return Impact(
        total=RequestImpact(
            "", len(requests), int(requests.failed.sum()), None if slow is None else int(slow.sum())
        ),
        kinds=tuple(kinds),
        unmeasured=sum(each.slots for each in case.account.touching(timeline.first_felt, end)),
        seconds_out=timeline.out_seconds,
        recovered=timeline.recovered is not None,
        lost=writes.lost if looked and writes else None,
        allowed_lost=writes.allowed_lost if looked and writes else 0,
        acknowledged=writes.acknowledged if looked and writes else None,
    )


def wall_at(events: Sequence[Event], moment: float) -> float:
    """Seconds since the epoch at a monotonic moment, by the event that is nearest to it."""
    nearest = min(events, key=lambda event: abs(event.monotonic - moment))
    return nearest.wall + (moment - nearest.monotonic)


def clock_was_set(events: Sequence[Event]) -> bool:
    """The machine's clock was set while the drill ran, so times before and after do not fit together."""
    apart = [event.wall - event.monotonic for event in events]
    return max(apart) - min(apart) > STEADY_SECONDS


def _moments(case: Case, verdict: DrillVerdict) -> Iterator[tuple[float, str, str]]:
    """Monotonic seconds, what kind of moment, what is new."""
    timeline, standard = case.timeline, case.standard
    begun: float | None = None
    for each in timeline.outages:
        if begun is None:
            begun = each.start
            again = " again" if each.start != timeline.first_felt else ""
            yield each.start, "out", _felt(each, again)
        if each.end is not None and each.good_after >= standard.hold_requests:
            out = units.seconds_text(each.end - begun)
            yield each.end, "served", f"users are served again, after {out}"
            begun = None
    for event in case.events:
        if isinstance(event.data, ProcedureStarted) and event.monotonic >= (timeline.first_felt or 0.0):
            yield event.monotonic, "procedure", f"the operator begins: {event.data.procedure}"
    if not not_resolved(case, verdict) and timeline.after is not None:
        held = units.seconds_text(timeline.after[1] - timeline.after[0])
        yield timeline.after[1], "resolved", f"users have been served well for {held}"


def _felt(outage: Outage, again: str) -> str:
    return (
        f"requests of users fail{again}" if outage.felt == "failed" else f"requests of users are slow{again}"
    )
