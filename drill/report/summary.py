"""summary.json for machines and summary.md for CI.

The fields of summary.json are an interface: they are named in docs/report.md, and none is added or left out.
A control is a scenario like any other, with its own expectation; it has no procedure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from drill.judge.verdict import (
    Change,
    Credit,
    DrillVerdict,
    FaultSeen,
    Outage,
    Outcome,
    Overall,
    Phase,
    RequestCount,
    Unmeasured,
)
from drill.report.templates import render
from drill.report.words import criterion_name, gain_lines, says
from drill.run.defects import Proof
from drill.run.facts import Facts, KeptFacts
from drill.run.outcome import as_expected
from drill.runbook import Defect


class CriterionSummary(msgspec.Struct, frozen=True):
    name: str
    verdict: Outcome
    value: float | None
    limit: float | None
    unit: str
    interval: tuple[float, float] | None
    samples: int
    source: str


class WritesSummary(msgspec.Struct, frozen=True):
    acknowledged: int
    lost: int
    data_age_seconds: float | None


class DrillSummary(msgspec.Struct, frozen=True):
    feature: str
    scenario: str
    tags: list[str]
    control: bool
    kept: KeptFacts | None
    faults: list[FaultSeen]
    procedures: list[str]
    expected: str
    verdict: Overall
    says: str
    why: str
    criteria: list[CriterionSummary]
    phases: list[Phase]
    recovered_seconds: float | None
    outages: list[Outage]
    out_seconds: float
    flapping: bool
    unmeasured: list[Unmeasured]
    credit: Credit
    credit_why: str
    changes: list[Change] | None
    writes: WritesSummary | None
    requests: RequestCount
    evidence: str


class DefectSummary(msgspec.Struct, frozen=True):
    id: str
    section: str
    line: int
    what: str
    as_written: str
    as_corrected: str


class Summary(msgspec.Struct, frozen=True):
    """summary.json. `evidence` of a drill is a path below the run's folder; times are seconds."""

    run: str
    started: str
    target: str
    exit_status: int | None
    drills: list[DrillSummary]
    defects: list[DefectSummary]


def summarize(
    run: Facts,
    verdicts: Sequence[DrillVerdict],
    errata: Sequence[Defect],
    proves: Mapping[str, Sequence[str]],
) -> Summary:
    """Everything that summary.json says. `proves`: drill -> ids of the defects that it proved."""
    kept = {drill.drill: drill.kept for drill in run.drills}
    return Summary(
        run=run.run,
        started=run.started,
        target=run.target,
        exit_status=run.exit_status,
        drills=[_drill(v, kept.get(v.drill), proves.get(v.drill, ())) for v in verdicts],
        defects=[DefectSummary(**_attributes(defect, DefectSummary)) for defect in errata],
    )


def markdown(
    run: Facts,
    verdicts: Sequence[DrillVerdict],
    proofs: Sequence[Proof],
    proves: Mapping[str, Sequence[str]],
) -> str:
    """The summary that CI shows beside the run. `proves`: drill -> ids of the defects that it proved."""
    return render(
        "summary.md.j2",
        run=run,
        drills=sorted(verdicts, key=as_expected),
        surprises=[verdict for verdict in verdicts if not as_expected(verdict)],
        as_expected=as_expected,
        says=lambda verdict: says(verdict, proves.get(verdict.drill, ())),
        criterion_name=criterion_name,
        gain_lines=gain_lines,
        proofs=proofs,
        exit_meaning=exit_meaning(run.exit_status),
    )


def exit_meaning(status: int | None) -> str:
    """An exit status in words."""
    words = {
        0: "all drills as expected",
        1: "not all drills as expected",
        2: "inconclusive",
        3: "setup or usage error",
    }
    return (
        "the run has not ended"
        if status is None
        else words.get(status, "ended by something other than drill")
    )


def _drill(verdict: DrillVerdict, kept: KeptFacts | None, proves: Sequence[str]) -> DrillSummary:
    special: dict[str, Any] = {
        "kept": kept,
        "says": says(verdict, proves),
        "criteria": [CriterionSummary(**_attributes(each, CriterionSummary)) for each in verdict.criteria],
        "writes": WritesSummary(**_attributes(verdict.writes, WritesSummary)) if verdict.writes else None,
    }
    return DrillSummary(**{**_attributes(verdict, DrillSummary), **special})


def _attributes(source: object, shape: type[msgspec.Struct]) -> dict[str, Any]:
    """Those attributes of `source` that `shape` has."""
    return {name: getattr(source, name) for name in shape.__struct_fields__ if hasattr(source, name)}
