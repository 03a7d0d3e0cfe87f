"""Which section of the runbook does what under which fault: the third view of a run, from whatever drills it
has. Flows in: verdicts, and the sections that each drill followed. Flows out: rows and cells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from drill.judge.verdict import DrillVerdict
from drill.report.chapters import ChapterPlace
from drill.report.units import seconds_text
from drill.report.words import apart_text
from drill.run.apart import CrossedCell, WrongSections
from drill.run.outcome import as_expected


@dataclass(frozen=True)
class MatrixEntry:
    """One drill in a cell. `kind`: helps, harmless, worse or open; `words`: what became of users;
    `as_written`: it followed the text as first written. One that was made apart from the run has no name in
    `drill`."""

    drill: str
    scenario: str
    kind: str
    words: str
    as_expected: bool
    as_written: bool


@dataclass(frozen=True)
class MatrixRow:
    """A fault. `alone`: with nobody acting; `cells`: one a section, in the order of the matrix."""

    fault: str
    alone: list[MatrixEntry]
    cells: list[list[MatrixEntry]]


@dataclass(frozen=True)
class CrossedApart:
    """What was measured apart from the run. `made`, `wanted`: pairs of a fault and a procedure of another
    section; `worse`: what made things worse, with the reason; `when`: in words, empty where none was made."""

    made: int
    wanted: int
    worse: list[str]
    when: str


@dataclass(frozen=True)
class Matrix:
    """Sections in the order of the text, faults by their names. `apart`: None where nothing was measured
    apart from the run."""

    sections: list[ChapterPlace]
    rows: list[MatrixRow]
    apart: CrossedApart | None = None


def with_apart(
    own: Matrix, crossed: WrongSections | None, place: Callable[[str], ChapterPlace], started_wall: float
) -> Matrix:
    """The matrix of a run with what was measured apart from it: wrong sections under faults. `place`: of a
    section's title in the text."""
    if crossed is None:
        return own
    made = [
        (row, place(cell.section), cell)
        for row in crossed.rows
        for cell in row.cells
        if cell.effect != "not run"
    ]
    places = dict.fromkeys([*own.sections, *(where for _, where, _ in made)])
    sections = sorted(places, key=lambda each: each.order)
    rows = []
    for fault in sorted({*(row.fault for row in own.rows), *(row.fault for row, _, _ in made)}):
        mine = next((row for row in own.rows if row.fault == fault), MatrixRow(fault, [], []))
        cells = dict(zip(own.sections, mine.cells, strict=False))
        alone = [_alone_apart(row.alone) for row, _, _ in made if row.fault == fault][:1]
        rows.append(
            MatrixRow(
                fault,
                mine.alone or alone,
                [
                    [
                        *cells.get(section, []),
                        *(_apart(cell) for row, at, cell in made if row.fault == fault and at == section),
                    ]
                    for section in sections
                ],
            )
        )
    walls = [cell.began_wall for _, _, cell in made if cell.began_wall is not None]
    worse = [f"{row.fault}, {where.title}: {cell.why}" for row, where, cell in made if cell.effect == "worse"]
    when = apart_text(started_wall, (min(walls), max(walls))) if walls else ""
    wanted = sum(len(row.cells) for row in crossed.rows)
    return Matrix(sections, rows, CrossedApart(len(made), wanted, worse, when))


def _alone_apart(users: str) -> MatrixEntry:
    words = {"served": "served", "out": "stays out"}.get(users, users)
    kind = "harmless" if users == "served" else "open"
    return MatrixEntry("", "nobody acts", kind, words, as_expected=True, as_written=False)


def _apart(cell: CrossedCell) -> MatrixEntry:
    kind = "open" if cell.effect == "undecided" else cell.effect
    return MatrixEntry("", cell.procedure, kind, cell.effect, as_expected=True, as_written=False)


def matrix(
    verdicts: Sequence[DrillVerdict],
    followed: Mapping[str, Sequence[ChapterPlace]],
    as_written: Collection[str] = (),
) -> Matrix:
    """`followed`: drill -> sections; `as_written`: the drills that followed the text as first written. Drills
    of no fault have no place in it, nor have those that broke off before they followed anything."""
    faulty = [
        verdict
        for verdict in verdicts
        if verdict.faults
        and verdict.verdict != "not applicable"
        and (verdict.control or not verdict.procedures or followed.get(verdict.drill))
    ]
    sections = sorted(
        dict.fromkeys(place for verdict in faulty for place in followed.get(verdict.drill, ())),
        key=lambda place: place.order,
    )
    rows = []
    for fault in sorted({verdict.fault for verdict in faulty}):
        mine = [verdict for verdict in faulty if verdict.fault == fault]
        alone = [verdict for verdict in mine if not followed.get(verdict.drill)]
        controls = [verdict for verdict in mine if verdict.control]
        rows.append(
            MatrixRow(
                fault,
                [_entry(verdict, [], as_written) for verdict in alone],
                [
                    [
                        _entry(verdict, controls, as_written)
                        for verdict in mine
                        if place in followed.get(verdict.drill, ())
                    ]
                    for place in sections
                ],
            )
        )
    return Matrix(sections, rows)


def _entry(
    verdict: DrillVerdict, controls: Sequence[DrillVerdict], as_written: Collection[str]
) -> MatrixEntry:
    kind, words = _effect(verdict, controls)
    return MatrixEntry(
        verdict.drill, verdict.scenario, kind, words, as_expected(verdict), verdict.drill in as_written
    )


def _effect(verdict: DrillVerdict, controls: Sequence[DrillVerdict]) -> tuple[str, str]:
    """What a section did to users, by comparison with nobody acting."""
    if verdict.verdict == "setup":
        return "open", "could not be carried out"
    if verdict.verdict == "not noticed":
        return "harmless", "nobody notices"
    if not verdict.outages:
        doubt = verdict.verdict == "inconclusive"
        return ("open", "inconclusive") if doubt else ("harmless", "served throughout")
    if verdict.recovered_seconds is None:
        alone = [control.recovered_seconds for control in controls]
        worse = bool(alone) and all(seconds is not None for seconds in alone)
        return ("worse", "stays out, alone it recovers") if worse else ("open", "stays out")
    took = seconds_text(verdict.recovered_seconds)
    by = {"runbook": ("helps", f"helps: {took}"), "platform": ("harmless", f"by itself: {took}")}
    return by.get(verdict.credit, ("open", f"back in {took}, by whom is open"))
