"""Which commands of the corrected procedures are needed, as far as leaving each of them out has shown. Flows
in: what was measured apart from a run. Flows out: a row for each procedure.
"""

from __future__ import annotations

from dataclasses import dataclass

from drill.report.words import apart_text
from drill.run.apart import AblatedProcedure, LeftOutWord, NeededCommands

TOLD: tuple[LeftOutWord, ...] = ("needed", "not shown to be needed", "undecided", "not run")


@dataclass(frozen=True)
class NeededView:
    """`rows`: each procedure of which anything is known, with how many of its commands have each word of
    TOLD; `others`: the procedures of which nothing is; `when`: in words, empty where no drill was made."""

    rows: list[tuple[AblatedProcedure, list[int]]]
    others: list[AblatedProcedure]
    when: str

    @property
    def words(self) -> tuple[LeftOutWord, ...]:
        """The heads of the columns."""
        return TOLD


def needed_view(needed: NeededCommands | None, started_wall: float) -> NeededView | None:
    """None where nothing was measured."""
    if needed is None:
        return None
    rows, others = [], []
    for procedure in needed.procedures:
        if all(each.told == "not run" for each in procedure.commands):
            others.append(procedure)
        else:
            counts = [sum(each.told == word for each in procedure.commands) for word in TOLD]
            rows.append((procedure, counts))
    when = apart_text(started_wall, needed.began_walls) if needed.began_walls else ""
    return NeededView(rows, others, when)
