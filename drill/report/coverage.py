"""How much of the runbook a run carried out: its fenced blocks, and by which drills each was run. The runbook
is read from the run's own inputs/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drill.recording import Event
from drill.recording.events import DrillStarted, ProcedureStarted
from drill.run.facts import Facts
from drill.run.inputs import runbook_of


@dataclass(frozen=True)
class CoveredStep:
    """One fenced block of the runbook. `line`: of its first line of code; `drills`: those that ran it or a
    part of it.
    """

    section: str
    label: str
    line: int
    language: str
    drills: list[str]


@dataclass(frozen=True)
class Coverage:
    """The steps of one runbook, in order. `missing` says why there are none, and is empty otherwise."""

    runbook: str
    steps: list[CoveredStep]
    missing: str = ""

    @property
    def run(self) -> int:
        """How many steps were carried out."""
        return sum(1 for step in self.steps if step.drills)


def cover(run_folder: Path, facts: Facts, recordings: Mapping[str, Sequence[Event]]) -> list[Coverage]:
    """Coverage of each runbook that the drills name. `recordings`: events by drill."""
    executed: dict[str, dict[int, list[str]]] = {}
    for drill, events in recordings.items():
        named = ""
        for event in events:
            if isinstance(event.data, DrillStarted) and event.data.runbook:
                named = event.data.runbook
                executed.setdefault(named, {})
            if isinstance(event.data, ProcedureStarted):
                lines = executed.setdefault(event.data.runbook or named, {})
                lines.setdefault(event.data.line, []).append(drill)
    return [_of_one(run_folder, facts, runbook, lines) for runbook, lines in sorted(executed.items())]


def _of_one(run_folder: Path, facts: Facts, name: str, lines: Mapping[int, Sequence[str]]) -> Coverage:
    runbook = runbook_of(run_folder, facts, name)
    if runbook is None:
        return Coverage(name, [], f"{name} is not among the run's inputs, so its steps are not counted")
    steps = []
    for step in runbook.steps:
        end = step.line + step.text.count("\n")
        drills = [drill for line, names in lines.items() if step.line <= line <= end for drill in names]
        steps.append(
            CoveredStep(
                step.section.title, step.label or "", step.line, step.language, list(dict.fromkeys(drills))
            )
        )
    return Coverage(name, steps)
