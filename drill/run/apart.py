"""apart/: what was measured apart from a run and put into its folder, so that its report can show it. Flows
in: what `drill matrix` and `drill ablation` found. Flows out: the same, as files that the manifest names.

Judging reads none of it: these are drills of their own, with verdicts of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from drill.run.facts import Fact
from drill.run.json_file import decode_file

FOLDER = "apart"
CrossedWord = Literal["helps", "harmless", "worse", "undecided", "not run"]
AloneWord = Literal["served", "out", "undecided", "unmeasured"]
LeftOutWord = Literal["needed", "not shown to be needed", "undecided", "not run"]


class CrossedCell(Fact, frozen=True):
    """A procedure under a fault of another section. `procedure`: the title of the scenario that it is of;
    `began_wall`: seconds since the epoch, None where it was not run."""

    section: str
    procedure: str
    effect: CrossedWord
    why: str = ""
    began_wall: float | None = None


class CrossedRow(Fact, frozen=True):
    """A fault. `alone`: what becomes of users where nobody acts."""

    fault: str
    alone: AloneWord
    cells: list[CrossedCell]


class WrongSections(Fact, frozen=True):
    """What `drill matrix` knows."""

    rows: list[CrossedRow]


class LeftOutCommand(Fact, frozen=True):
    """A command of a procedure. `line`: of the corrected runbook; `told`: what leaving it out showed."""

    line: int
    command: str
    told: LeftOutWord
    why: str = ""


class AblatedProcedure(Fact, frozen=True):
    """The commands below one heading."""

    heading: str
    commands: list[LeftOutCommand]


class NeededCommands(Fact, frozen=True):
    """What `drill ablation` knows. `began_walls`: of its first and last drill, None where none was made."""

    procedures: list[AblatedProcedure]
    began_walls: tuple[float, float] | None = None


MeasuredApart = WrongSections | NeededCommands
FILES: dict[type[MeasuredApart], str] = {
    WrongSections: "wrong-sections.json",
    NeededCommands: "needed-commands.json",
}


def file_of(measured: MeasuredApart) -> tuple[str, bytes]:
    """Its path below the run's folder, and the content."""
    content = msgspec.json.format(msgspec.json.encode(measured), indent=1)
    return f"{FOLDER}/{FILES[type(measured)]}", content + b"\n"


def wrong_sections_of(folder: Path) -> WrongSections | None:
    """What was put into the run's folder; None where nothing was. Raises InputError where it is not right."""
    path = folder / FOLDER / FILES[WrongSections]
    return decode_file(path, WrongSections, "what `drill matrix` found") if path.is_file() else None


def needed_commands_of(folder: Path) -> NeededCommands | None:
    """The same of `drill ablation`."""
    path = folder / FOLDER / FILES[NeededCommands]
    return decode_file(path, NeededCommands, "what `drill ablation` found") if path.is_file() else None
