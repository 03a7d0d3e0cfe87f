"""How much of the runbook a run carried out: its fenced blocks, and by which drills each was run. The runbook
is read from the run's own inputs/. What no drill ran, lint has at least looked at, or nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from drill.lint.alone import Alone, lint_alone
from drill.recording import Event
from drill.recording.events import DrillStarted, ProcedureStarted
from drill.run.facts import Facts, day_of
from drill.run.inputs import runbook_of
from drill.runbook import Runbook


@dataclass(frozen=True)
class CoveredStep:
    """One fenced block of the runbook. `line`: of its first line of code; `drills`: those that ran it or a
    part of it; `linted`: a rule of drill lint has looked at it; `findings`: how many it found there.
    """

    section: str
    label: str
    line: int
    language: str
    drills: list[str]
    linted: bool = False
    findings: int = 0

    @property
    def mark(self) -> str:
        """What has been done with it, in words."""
        found = f"{self.findings} finding{'' if self.findings == 1 else 's'}"
        if self.drills:
            drilled = f"drilled: {', '.join(self.drills)}"
            return f"{drilled}; lint: {found}" if self.findings else drilled
        return f"only looked at by lint: {found}" if self.linted else "never touched"


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

    @property
    def linted(self) -> int:
        """How many only lint has looked at."""
        return sum(1 for step in self.steps if step.linted and not step.drills)

    @property
    def untouched(self) -> int:
        """How many neither a drill ran nor lint looked at."""
        return len(self.steps) - self.run - self.linted


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


def cover_text(name: str, runbook: Runbook, lines: Mapping[int, Sequence[str]], alone: Alone) -> Coverage:
    """Coverage of a runbook that was read. `lines`: drills by the line at which they ran something."""
    steps = []
    for step in runbook.steps:
        end = step.line + step.text.count("\n")
        drills = [drill for line, names in lines.items() if step.line <= line <= end for drill in names]
        steps.append(
            CoveredStep(
                step.section.title,
                step.label or "",
                step.line,
                step.language,
                list(dict.fromkeys(drills)),
                alone.looked_at(step.line, end),
                len(alone.findings_in(step.line, end)),
            )
        )
    return Coverage(name, steps)


def united(coverages: Sequence[Coverage]) -> Coverage:
    """What several runs carried out of the same text, as one; lint as in the last of them."""
    *_, last = (each for each in coverages if each.steps or each is coverages[-1])
    drills: dict[int, list[str]] = {}
    for step in (step for each in coverages for step in each.steps):
        drills.setdefault(step.line, []).extend(step.drills)
    steps = [replace(step, drills=list(dict.fromkeys(drills[step.line]))) for step in last.steps]
    return replace(last, steps=steps)


def _of_one(run_folder: Path, facts: Facts, name: str, lines: Mapping[int, Sequence[str]]) -> Coverage:
    runbook = runbook_of(run_folder, facts, name)
    if runbook is None:
        return Coverage(name, [], f"{name} is not among the run's inputs, so its steps are not counted")
    text = runbook.path.read_bytes().decode("utf-8", errors="replace")
    return cover_text(name, runbook, lines, lint_alone(runbook.path.name, text, day_of(facts)))
