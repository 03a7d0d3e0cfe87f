"""Judging one drill. Flows in: its folder. Flows out: a DrillVerdict; the same bytes for the same folder,
without a cluster or a clock."""

from __future__ import annotations

from pathlib import Path

from drill.judge.case import Case, Started
from drill.judge.credit import with_credit
from drill.judge.criteria import CRITERIA
from drill.judge.criteria.writes import count_writes
from drill.judge.phases import phases_of
from drill.judge.verdict import (
    CommandRun,
    Criterion,
    DrillVerdict,
    Overall,
    RequestCount,
    Witness,
)


def judge(folder: Path) -> DrillVerdict:
    """Read recording.jsonl and requests.jsonl of `folder` and say what they prove.

    Raises UsageError where the folder holds no recording, InputError where a record cannot be understood.
    """
    case = Case(folder)
    started = case.started
    if started is None:
        return _unbegun(case)
    trouble = _error(case)
    if trouble:
        return _verdict(case, started, "setup", trouble, [])
    absent = case.first("drill.not_applicable")
    if absent:
        return _verdict(
            case, started, "not applicable", f"the target has no {absent.data.get('what', 'such part')}", []
        )
    trouble = _gate_trouble(case) or _fault_trouble(case)
    if trouble:
        return _verdict(case, started, "setup", trouble, [])
    criteria = [criterion(case) for criterion in CRITERIA]
    overall, why = _overall(criteria, started)
    return with_credit(_verdict(case, started, overall, why, criteria), None)


def _verdict(
    case: Case, started: Started, overall: Overall, why: str, criteria: list[Criterion]
) -> DrillVerdict:
    timeline = case.timeline
    return DrillVerdict(
        drill=started.drill,
        feature=started.feature,
        scenario=started.scenario,
        tags=started.tags,
        severity=started.severity,
        fault=started.fault,
        procedure=started.procedure or "",
        expected=started.expected,
        verdict=overall,
        why=why,
        control=started.control,
        criteria=criteria,
        phases=phases_of(timeline),
        witness=_witness(case),
        credit="not measured",
        writes=count_writes(case),
        requests=_count(case),
        commands=[
            CommandRun(
                line=command.line,
                command=command.command,
                status=command.status,
                seconds=max(0.0, command.finished - command.started),
                interrupted=command.interrupted,
            )
            for command in case.commands
        ],
        evidence=str(case.folder),
        watched_seconds=timeline.watched_seconds,
        procedure_started_seconds=timeline.since_injection(timeline.procedure_started),
        restored_seconds=timeline.since_injection(timeline.restored),
    )


def _unbegun(case: Case) -> DrillVerdict:
    """A recording that ends before drill.started can only say so."""
    return DrillVerdict(
        drill=case.folder.name,
        feature="",
        scenario="",
        tags=[],
        severity="",
        fault="",
        procedure="",
        expected="",
        verdict="setup",
        why=_error(case) or "the recording ends before the drill began",
        control=False,
        criteria=[],
        phases=[],
        witness=None,
        credit="not measured",
        writes=None,
        requests=_count(case),
        commands=[],
        evidence=str(case.folder),
    )


def _error(case: Case) -> str | None:
    error = case.first("drill.error")
    return f"{error.data.get('error', 'error')}: {error.data.get('message', '')}" if error else None


def _gate_trouble(case: Case) -> str | None:
    gates = case.all("health.gate")
    if not gates:
        return "the target's health was never checked before the fault"
    unhealthy = next((gate for gate in gates if gate.data.get("healthy") is not True), None)
    return (
        f"the target was not healthy before the fault: {unhealthy.data.get('observed', '')}"
        if unhealthy
        else None
    )


def _fault_trouble(case: Case) -> str | None:
    """Why the fault cannot be said to have taken effect. A fault without its witness proves nothing about the
    target."""
    if case.timeline.injected is None:
        return f"the fault {case.setup.fault} was never injected"
    if case.first("fault.witnessed"):
        return None
    unwitnessed = case.first("fault.unwitnessed")
    if unwitnessed is None:
        return f"the fault {case.setup.fault} has no witness: the recording ends before one was seen"
    awaited, seen = unwitnessed.data.get("awaited", ""), unwitnessed.data.get("last_seen", "")
    return f"the fault {case.setup.fault} was not witnessed: awaited {awaited}, last seen {seen}"


def _overall(criteria: list[Criterion], started: Started) -> tuple[Overall, str]:
    """A control says only whether the platform restored. Otherwise one failure fails, and one doubt leaves
    the drill in doubt."""
    asked = [criterion for criterion in criteria if not started.control or criterion.name == "restored"]
    outcomes: tuple[Overall, ...] = ("fail", "inconclusive")
    for outcome in outcomes:
        reasons = [
            f"{criterion.name}: {criterion.why}" for criterion in asked if criterion.verdict == outcome
        ]
        if reasons:
            return outcome, "; ".join(reasons)
    return "pass", "; ".join(criterion.why for criterion in asked if criterion.name == "restored")


def _witness(case: Case) -> Witness | None:
    event = case.first("fault.witnessed")
    return case.typed(event, Witness) if event else None


def _count(case: Case) -> RequestCount:
    requests = case.requests
    return RequestCount(
        planned=len(requests), completed=int(requests.answered.sum()), failed=int(requests.failed.sum())
    )
