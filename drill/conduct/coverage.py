"""Which of the runbook's steps have been executed? Flows in: the runbook and, if there is one, a stored run.
Flows out: a line per step.
"""

from __future__ import annotations

from pathlib import Path

from drill.report.coverage import cover
from drill.report.run import read_recordings, read_verdicts
from drill.runbook import Runbook


def coverage_lines(runbook: Runbook, run_folder: Path | None) -> list[str]:
    """One line per fenced block: its line, its name, and the drills that executed it."""
    by_line: dict[int, list[str]] = {}
    if run_folder is not None:
        for found in cover(read_recordings(run_folder, read_verdicts(run_folder))):
            if Path(found.runbook).name == runbook.path.name:
                by_line.update({step.line: list(step.drills) for step in found.steps})
    lines = [
        f"{runbook.path.name}:{step.line:<4} {step.name}" + _drills(by_line.get(step.line))
        for step in runbook.steps
    ]
    executed = sum(bool(drills) for drills in by_line.values())
    return [
        *lines,
        f"{executed} of {len(runbook.steps)} steps executed" if run_folder else f"{len(runbook.steps)} steps",
    ]


def _drills(names: list[str] | None) -> str:
    return f"  [{', '.join(names)}]" if names else ""
