"""How much of the runbook this run carried out. Flows in: the recordings, and the runbook that they name.
Flows out: its steps, and by which drills each was run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drill.recording import Event
from drill.runbook import parse


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


def cover(recordings: Mapping[str, Sequence[Event]]) -> list[Coverage]:
    """Coverage of each runbook that the drills name. `recordings`: events by drill."""
    executed: dict[str, dict[int, list[str]]] = {}
    for drill, events in recordings.items():
        runbook = next(
            (str(e.data["runbook"]) for e in events if e.kind == "drill.started" and e.data.get("runbook")),
            None,
        )
        if runbook is None:
            continue
        lines = executed.setdefault(runbook, {})
        for event in events:
            if event.kind == "procedure.started":
                lines.setdefault(int(event.data["line"]), []).append(drill)
    return [_of_one(runbook, lines) for runbook, lines in sorted(executed.items())]


def _of_one(runbook: str, lines: Mapping[int, Sequence[str]]) -> Coverage:
    path = Path(runbook)
    if not path.exists():
        return Coverage(
            runbook,
            [],
            f"{runbook} is not found from here, so its steps are not counted: run drill report in the "
            "folder of drill.toml",
        )
    steps = []
    for step in parse(path).steps:
        end = step.line + step.text.count("\n")
        drills = [drill for line, names in lines.items() if step.line <= line <= end for drill in names]
        steps.append(
            CoveredStep(
                step.section.title, step.label or "", step.line, step.language, list(dict.fromkeys(drills))
            )
        )
    return Coverage(runbook, steps)
