"""Summaries for machines and for CI. Flows in: a run, its verdicts, the runbook's defects. Flows out:
summary.json and summary.md.

The fields of summary.json are an interface: they are named in docs/report.md, and none is added or left out.
A control is a scenario like any other, with its own expectation; it has no procedure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from drill.judge.verdict import Credit, DrillVerdict, Outcome, Overall, Phase, RequestCount, Witness
from drill.report.defects import Proof
from drill.report.templates import render
from drill.run.facts import Facts
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
    fault: str
    procedure: str
    expected: str
    verdict: Overall
    criteria: list[CriterionSummary]
    phases: list[Phase]
    witness: Witness | None
    credit: Credit
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


def summarize(run: Facts, verdicts: Sequence[DrillVerdict], errata: Sequence[Defect]) -> Summary:
    """Everything that summary.json says."""
    return Summary(
        run=run.run,
        started=run.started,
        target=run.target,
        exit_status=run.exit_status,
        drills=[_drill(verdict) for verdict in verdicts],
        defects=[DefectSummary(**_attributes(defect, DefectSummary)) for defect in errata],
    )


def markdown(run: Facts, verdicts: Sequence[DrillVerdict], proofs: Sequence[Proof]) -> str:
    """The summary that CI shows beside the run."""
    return render(
        "summary.md.j2",
        run=run,
        drills=verdicts,
        surprises=[verdict for verdict in verdicts if not as_expected(verdict)],
        as_expected=as_expected,
        proofs=proofs,
        restored=restored_text,
        exit_meaning=exit_meaning(run.exit_status),
    )


def restored_text(verdict: DrillVerdict) -> float | None:
    """Seconds from the injection to restoration, None where that never came."""
    return next(
        (phase.seconds for phase in verdict.phases if phase.name == "restored"), verdict.restored_seconds
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


def _drill(verdict: DrillVerdict) -> DrillSummary:
    values = _attributes(verdict, DrillSummary) | {
        "criteria": [
            CriterionSummary(**_attributes(criterion, CriterionSummary)) for criterion in verdict.criteria
        ],
        "writes": WritesSummary(**_attributes(verdict.writes, WritesSummary)) if verdict.writes else None,
    }
    return DrillSummary(**values)


def _attributes(source: object, shape: type[msgspec.Struct]) -> dict[str, Any]:
    """Those attributes of `source` that `shape` has."""
    return {name: getattr(source, name) for name in shape.__struct_fields__}
