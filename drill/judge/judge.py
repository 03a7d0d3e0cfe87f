"""Judging one drill. Flows in: its folder. Flows out: a DrillVerdict; the same bytes for the same folder,
from whatever path, without a cluster or a clock."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TypeVar

import msgspec

from drill.errors import DrillError
from drill.judge.called import alerts_of, called
from drill.judge.case import Case
from drill.judge.cause import came_back_after, changes_of, command_run
from drill.judge.credit import with_credit
from drill.judge.criteria import CRITERIA, Question
from drill.judge.criteria.diagnosis import told
from drill.judge.criteria.recovered import stays_out
from drill.judge.criteria.writes import count_writes
from drill.judge.gain import gain, hit_rate
from drill.judge.outages import outages_of
from drill.judge.phases import phases_of
from drill.judge.verdict import (
    Criterion,
    DrillVerdict,
    FaultSeen,
    Outage,
    Overall,
    RequestCount,
    Unmeasured,
)
from drill.recording import events as recorded

CRASHES = (ArithmeticError, AssertionError, AttributeError, DrillError, LookupError, TypeError, ValueError)
"""What a question that the recording does not fit may raise: it is then unknown, and the others stand."""
UNKNOWN = recorded.Judging(0, 0, 0, 0, 0, 0)
Witness = TypeVar("Witness", recorded.FaultWitnessed, recorded.FaultUnnoticed, recorded.FaultUnwitnessed)


def judge(folder: Path) -> DrillVerdict:
    """Read recording.jsonl and requests.jsonl of `folder` and say what they prove.

    Raises UsageError where the folder holds no recording. A record that cannot be understood makes the drill
    inconclusive and is named.
    """
    case = Case(folder)
    if case.started is None:
        return _bare(case, "inconclusive" if case.unreadable else "setup", _unbegun(case))
    try:
        return with_credit(_judged(case), [])
    except CRASHES as error:
        return _bare(
            case, "inconclusive", f"the judge could not make sense of it: {type(error).__name__}: {error}"
        )


def _judged(case: Case) -> DrillVerdict:
    trouble = _error(case)
    if trouble:
        return _verdict(case, "setup", trouble, [])
    absent = case.first(recorded.DrillNotApplicable)
    if absent:
        return _verdict(case, "not applicable", f"the target has no {absent.what}", [])
    trouble = _gate_trouble(case) or _fault_trouble(case)
    if trouble:
        overall: Overall = "inconclusive" if case.unreadable else "setup"
        return _verdict(case, overall, "; ".join([trouble, *case.unreadable]), [])
    criteria = [_asked(question, case) for question in CRITERIA]
    return _verdict(case, *_overall(criteria, case), criteria)


def _asked(question: Question, case: Case) -> Criterion:
    try:
        return question.judge(case)
    except CRASHES as error:
        return question.failed_to_answer(error)


def _verdict(case: Case, overall: Overall, why: str, criteria: list[Criterion]) -> DrillVerdict:
    timeline, account, bare = case.timeline, case.account, _bare(case, overall, why)
    since = timeline.since_origin
    origin = timeline.origin or account.start
    rate, why_not = hit_rate(case)
    return msgspec.structs.replace(
        bare,
        criteria=criteria,
        phases=phases_of(timeline),
        faults=_faults(case),
        writes=count_writes(case),
        requests=RequestCount(
            planned=account.planned,
            completed=int(account.measured.answered.sum()),
            failed=int(account.measured.failed.sum()),
            unmeasured=account.unmeasured,
        ),
        commands=[command_run(command, timeline) for command in case.commands],
        stays_out=stays_out(case),
        told=told(case),
        watched_seconds=timeline.watched_seconds,
        procedure_started_seconds=since(timeline.procedure_started),
        recovered_seconds=since(timeline.recovered),
        outages=[Outage(each.felt, each.start - origin, since(each.end)) for each in timeline.outages],
        out_seconds=timeline.out_seconds,
        flapping=len(timeline.outages) > 1,
        unmeasured=[
            Unmeasured(each.start - origin, each.end - origin, each.slots, each.what)
            for each in account.stretches
        ],
        came_back_after=came_back_after(case),
        changes=changes_of(case),
        calibration=case.calibration,
        alerts=alerts_of(case),
        called=called(case),
        gain=gain(case),
        hit_rate=rate,
        hit_rate_why=why_not,
    )


def _bare(case: Case, overall: Overall, why: str) -> DrillVerdict:
    """What can be said without understanding the requests."""
    started = case.started or recorded.DrillStarted(case.name, UNKNOWN, expected="")
    return DrillVerdict(
        drill=started.drill,
        feature=started.feature,
        scenario=started.scenario,
        tags=started.tags,
        severity=started.severity,
        faults=[FaultSeen(each.fault, each.felt, each.part) for each in started.faults],
        procedures=started.procedures,
        expected=started.expected,
        verdict=overall,
        why=why,
        control=started.control,
        criteria=[],
        phases=[],
        credit="not measured",
        writes=None,
        requests=RequestCount(planned=len(case.requests)),
        commands=[],
        evidence=f"evidence/{case.name}",
        began_wall=case.events[0].wall if case.events else 0.0,
        unreadable=[*case.unreadable, *case.requests.unreadable],
    )


def _unbegun(case: Case) -> str:
    return _error(case) or "; ".join(["the recording ends before the drill began", *case.unreadable])


def _error(case: Case) -> str | None:
    """The first error that ended the drill; one of putting back the target does not change what was seen
    before.
    """
    error = next((each for each in case.all(recorded.DrillError) if each.stage == "drill"), None)
    return f"{error.error}: {error.message}" if error else None


def _gate_trouble(case: Case) -> str | None:
    gates = case.all(recorded.HealthGate)
    if not gates:
        return "the target's health was never checked before the fault"
    unhealthy = next((gate for gate in gates if not gate.healthy), None)
    return f"the target was not healthy before the fault: {unhealthy.observed}" if unhealthy else None


def _fault_trouble(case: Case) -> str | None:
    """Why a fault cannot be said to have taken effect. One without its witness proves nothing about the
    target, nor does one of a service that was out already.
    """
    witnessed = _since_injected(case, recorded.FaultWitnessed)
    unnoticed = _since_injected(case, recorded.FaultUnnoticed)
    unwitnessed = _since_injected(case, recorded.FaultUnwitnessed)
    for fault in case.setup.faults:
        if fault.fault not in case.timeline.injected:
            return f"the fault {fault.fault} was never injected"
        if fault.fault in witnessed or fault.fault in unnoticed:
            continue
        seen = unwitnessed.get(fault.fault)
        if seen is None:
            return f"the fault {fault.fault} has no witness: the recording ends before one was seen"
        return (
            f"the fault {fault.fault} was not witnessed: awaited {seen.awaited}, last seen {seen.last_seen}"
        )
    return _out_already(case)


def _since_injected(case: Case, kind: type[Witness]) -> dict[str, Witness]:
    """What was last said of each fault since it was injected: before, the platform may show anything."""
    injected = case.timeline.injected
    return {
        event.data.fault: event.data
        for event in case.events
        if isinstance(event.data, kind) and event.monotonic >= injected.get(event.data.fault, math.inf)
    }


def _out_already(case: Case) -> str | None:
    """Whether the last requests before the first injection were of an outage, in words."""
    if not case.timeline.injected:
        return None
    fault, injected = min(case.timeline.injected.items(), key=lambda each: each[1])
    ended = case.account.measured.where(case.account.measured.finished < injected)
    outages = outages_of(ended, case.standard, case.account.start)
    if outages and outages[-1].end is None:
        return f"users were out already when the fault {fault} was injected"
    return None


def _overall(criteria: list[Criterion], case: Case) -> tuple[Overall, str]:
    """The control of a fault says only whether users were served again. Otherwise one failure fails, and one
    doubt leaves the drill in doubt."""
    if case.unreadable:
        return "inconclusive", "; ".join(case.unreadable)
    only_recovery = case.setup.control and bool(case.setup.faults)
    counting = {question.name for question in CRITERIA if question.counts_in(case)}
    asked = [
        each for each in criteria if each.name in counting and (not only_recovery or each.name == "recovered")
    ]
    outcomes: tuple[Overall, ...] = ("fail", "inconclusive")
    for outcome in outcomes:
        reasons = [f"{each.name}: {each.why}" for each in asked if each.verdict == outcome]
        if reasons:
            return outcome, "; ".join(reasons)
    recovered = next(each.why for each in asked if each.name == "recovered")
    to_be_felt = any(fault.felt in recorded.FELT_AT_ONCE for fault in case.setup.faults)
    return ("not noticed" if to_be_felt and not case.timeline.outages else "pass"), recovered


def _faults(case: Case) -> list[FaultSeen]:
    witnesses = _since_injected(case, recorded.FaultWitnessed)
    unnoticed = _since_injected(case, recorded.FaultUnnoticed)
    seen = []
    for fault in case.setup.faults:
        witness, nobody = witnesses.get(fault.fault), unnoticed.get(fault.fault)
        what = witness.what if witness else nobody.what if nobody else ""
        seen.append(
            FaultSeen(
                fault=fault.fault,
                felt=fault.felt,
                part=fault.part,
                injected_seconds=case.timeline.since_origin(case.timeline.injected.get(fault.fault)),
                witness=what,
                witness_seconds=witness.seconds if witness else None,
                users=witness.users if witness else "",
                noticed=nobody is None,
            )
        )
    return seen
