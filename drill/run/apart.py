"""apart/: what was found apart from a run's verdicts and put into its folder, so that its report can show it.
Flows in: what `drill matrix` and `drill ablation` found. Flows out: the same, as files that the manifest
names. Judging reads none of it.
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


class SymptomShare(Fact, frozen=True):
    """How often a symptom of a section holds under its faults and only there. `symptom`: its text, empty for
    all of the section together; `own`, `others`: faults under which it holds, and of how many; `share`,
    `interval`: None where too few faults decide, and `why` says what would tell."""

    section: str
    symptom: str
    own: tuple[float, int]
    others: tuple[float, int]
    share: float | None = None
    interval: tuple[float, float] | None = None
    why: str = ""


class SymptomShares(Fact, frozen=True):
    """What `drill matrix --symptoms` makes of the run's own recordings. `drills`: of how many; `untold`: the
    symptoms that no recording tells, with the reason."""

    drills: int
    shares: list[SymptomShare]
    untold: list[str]

    @property
    def by_section(self) -> list[tuple[str, list[SymptomShare]]]:
        """Sections in their order, each with its shares."""
        sections = dict.fromkeys(each.section for each in self.shares)
        return [(name, [each for each in self.shares if each.section == name]) for name in sections]


MeasuredApart = WrongSections | NeededCommands | SymptomShares
FILES: dict[type[MeasuredApart], str] = {
    WrongSections: "wrong-sections.json",
    NeededCommands: "needed-commands.json",
    SymptomShares: "symptom-shares.json",
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


def symptom_shares_of(folder: Path) -> SymptomShares | None:
    """The same of `drill matrix --symptoms`."""
    path = folder / FOLDER / FILES[SymptomShares]
    return (
        decode_file(path, SymptomShares, "what `drill matrix --symptoms` found") if path.is_file() else None
    )
