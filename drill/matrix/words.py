"""What is said of crossings. Flows in: a plan, and what is known. Flows out: a table fault x section, what
made things worse, and the same as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from drill.matrix.crossing import Crossing
from drill.matrix.effect import CrossedSeen, Effect
from drill.matrix.state import CrossedState
from drill.matrix.work import CrossingPlan
from drill.run.apart import AloneWord, CrossedCell, CrossedRow, WrongSections

WORST_FIRST: tuple[Effect, ...] = ("worse", "undecided", "helps", "harmless", "not run")
UNMEASURED: AloneWord = "unmeasured"


def table_lines(plan: CrossingPlan, state: CrossedState) -> Iterator[str]:
    """The table as Markdown, the sums, and each crossing that made things worse or is not decided."""
    rows = [each for each in plan.crossings if each.procedure is None]
    sections = _sections(plan.crossings)
    yield f"| fault | its section | alone | {' | '.join(sections)} |"
    yield f"|---|---|---|{'---|' * len(sections)}"
    for row in rows:
        cells = [_cell(plan, state, row.fault.name, section) for section in sections]
        known = plan.known(row, state)
        alone = _alone(known.seen if known else None)
        yield f"| {row.fault.name} | {row.fault.section} | {alone} | {' | '.join(cells)} |"
    told = [(each, *plan.effect(each, state)) for each in plan.crossings if each.procedure is not None]
    counted = Counter(word for _, word, _ in told)
    sums = ", ".join(f"{counted[word]} {word}" for word in WORST_FIRST if counted[word])
    yield from ("", f"{len(told)} procedures under faults of other sections: {sums}")
    for word in ("worse", "undecided"):
        for each, found, why in told:
            if found == word:
                yield f"{word}: {each.title}: {why}"


def as_json(plan: CrossingPlan, state: CrossedState) -> dict[str, Any]:
    """One entry a fault, with nobody acting and with each procedure."""
    faults = []
    for row in (each for each in plan.crossings if each.procedure is None):
        known = plan.known(row, state)
        cells = []
        for each in plan.crossings:
            if each.procedure is None or each.fault != row.fault:
                continue
            word, why = plan.effect(each, state)
            found = plan.known(each, state)
            cells.append(
                {
                    "section": each.procedure.section,
                    "procedure": each.procedure.title,
                    "follows": list(each.procedure.follows),
                    "effect": word,
                    "why": why,
                    "seconds": found.seconds if found else None,
                    "run": found.run if found else "",
                }
            )
        alone = {
            "users": _alone(known.seen if known else None),
            "run": known.run if known else "",
            "taken_from": known.taken_from if known else "",
        }
        faults.append(
            {"fault": row.fault.name, "section": row.fault.section, "alone": alone, "procedures": cells}
        )
    return {"severity": plan.severity, "faults": faults}


def wrong_sections(plan: CrossingPlan, state: CrossedState) -> WrongSections:
    """The same for the report of a run."""
    rows = []
    for row in (each for each in plan.crossings if each.procedure is None):
        known = plan.known(row, state)
        cells = []
        for each in plan.crossings:
            if each.procedure is not None and each.fault == row.fault:
                found = plan.known(each, state)
                began = datetime.fromisoformat(found.began).timestamp() if found else None
                effect, why = plan.effect(each, state)
                cells.append(CrossedCell(each.procedure.section, each.procedure.title, effect, why, began))
        rows.append(CrossedRow(row.fault.name, _alone(known.seen if known else None), cells))
    return WrongSections(rows)


def _sections(crossings: Sequence[Crossing]) -> list[str]:
    return list(dict.fromkeys(each.procedure.section for each in crossings if each.procedure))


def _cell(plan: CrossingPlan, state: CrossedState, fault: str, section: str) -> str:
    """The effects of a section's procedures, the worst first; a dash where the fault is its own."""
    counted = Counter(
        plan.effect(each, state)[0]
        for each in plan.crossings
        if each.procedure and each.fault.name == fault and each.procedure.section == section
    )
    if not counted:
        return "-"
    several = sum(counted.values()) > 1
    return ", ".join(f"{counted[word]} {word}" if several else word for word in WORST_FIRST if counted[word])


def _alone(seen: CrossedSeen | None) -> AloneWord:
    if seen is None:
        return UNMEASURED
    if seen.served is None:
        return "undecided"
    return "served" if seen.served else "out"
