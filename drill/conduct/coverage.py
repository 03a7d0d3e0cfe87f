"""Which of the runbook's steps have been executed, as lines for a terminal."""

from __future__ import annotations

from pathlib import Path

from drill.report.coverage import Coverage, cover
from drill.run.facts import read_facts
from drill.run.stored import read_recordings, read_verdicts
from drill.runbook import Runbook


def run_coverage_lines(run_folder: Path) -> list[str]:
    """One line for each fenced block of the runbooks of a stored run: its line, its name, and the drills that
    executed it. Reads nothing but that folder."""
    facts = read_facts(run_folder)
    verdicts = read_verdicts(run_folder, facts)
    found = cover(run_folder, facts, read_recordings(run_folder, verdicts))
    return [line for coverage in found for line in _lines(coverage)] or [
        "no drill of this run names its runbook"
    ]


def runbook_lines(runbook: Runbook) -> list[str]:
    """One line for each fenced block of a runbook."""
    steps = [f"{runbook.path.name}:{step.line:<4} {step.name}" for step in runbook.steps]
    return [*steps, f"{len(runbook.steps)} steps"]


def _lines(coverage: Coverage) -> list[str]:
    if coverage.missing:
        return [coverage.missing]
    name = Path(coverage.runbook).name
    steps = [
        f"{name}:{step.line:<4} {' / '.join(part for part in (step.section, step.label) if part)}"
        + (f"  [{', '.join(step.drills)}]" if step.drills else "")
        for step in coverage.steps
    ]
    return [*steps, f"{coverage.run} of {len(coverage.steps)} steps of {coverage.runbook} executed"]
