"""What has been done with each of the runbook's steps, as lines for a terminal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from drill.lint.alone import lint_alone
from drill.report.coverage import Coverage, cover, cover_text
from drill.run.facts import read_facts
from drill.run.stored import read_recordings, read_verdicts
from drill.runbook import Runbook


def run_coverage_lines(run_folder: Path) -> list[str]:
    """One line for each fenced block of the runbooks of a stored run: its line, its name, and the drills that
    executed it, or that only lint has looked at it, or nobody. Reads nothing but that folder."""
    facts = read_facts(run_folder)
    verdicts = read_verdicts(run_folder, facts)
    found = cover(run_folder, facts, read_recordings(run_folder, verdicts))
    return [line for coverage in found for line in _run_lines(coverage)] or [
        "no drill of this run names its runbook"
    ]


def runbook_lines(runbook: Runbook, today: date) -> list[str]:
    """One line for each fenced block of a runbook; without a run, lint alone can have looked at it."""
    text = runbook.path.read_bytes().decode("utf-8", errors="replace")
    found = cover_text(runbook.path.name, runbook, {}, lint_alone(runbook.path.name, text, today))
    counted = f"{len(found.steps)} steps: {_others(found)}"
    return [*_lines(found), f"{counted}. Which of them drills ran: drill coverage --run reports/RUN"]


def _run_lines(coverage: Coverage) -> list[str]:
    if coverage.missing:
        return [coverage.missing]
    counted = f"{coverage.run} of {len(coverage.steps)} steps of {coverage.runbook} executed"
    return [*_lines(coverage), f"{counted}; {_others(coverage)}"]


def _lines(coverage: Coverage) -> list[str]:
    name = Path(coverage.runbook).name
    named = [" / ".join(part for part in (step.section, step.label) if part) for step in coverage.steps]
    return [
        f"{name}:{step.line:<4} {title}  [{step.mark}]"
        for step, title in zip(coverage.steps, named, strict=True)
    ]


def _others(coverage: Coverage) -> str:
    return f"{coverage.linted} only looked at by lint, {coverage.untouched} never touched"
