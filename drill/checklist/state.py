"""Each item of the checklists as it stands. Flows in: the runbook, past drills, attestations, what commands
came to. Flows out: a row for each item, and one exit status. `drill checklist` and `drill nightly` both read
items here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Literal

from drill.checklist.attestations import Attestation, read_attestations
from drill.checklist.carry_out import CommandOutcome
from drill.history.proven import DAY_SECONDS, LastProven
from drill.run.outcome import FAIL, INCONCLUSIVE, PASS
from drill.runbook import ChecklistItem, checklist_items, parse
from drill.runbook.checklists import Period
from drill.settings import Settings

Standing = Literal["proven", "not proven", "failure", "overdue"]


@dataclass(frozen=True)
class ChecklistRow:
    """`standing`: failure where its proof fails, overdue where its attestation has run out; `by`: what proves
    it; `days`: how old the proof is, None where there is none; `why`: what keeps it from being proven, or who
    attested it."""

    item: ChecklistItem
    standing: Standing
    by: str
    days: float | None = None
    why: str = ""


def checklist_rows(
    settings: Settings,
    pieces: Sequence[LastProven],
    now_wall: float,
    outcomes: Mapping[str, CommandOutcome],
    period: Period | None = None,
) -> list[ChecklistRow]:
    """In the order of the runbook. `pieces`: when its parts were last proven; `outcomes`: of the commands
    that were carried out, by item; `period`: only that checklist. Raises InputError for what is not right in
    checklists.yaml or attestations.yaml."""
    items = checklist_items(parse(settings.root / settings.target.runbook))
    today = datetime.fromtimestamp(now_wall, UTC).date()
    attested = attestations_of(settings, items, today)
    by_name = {each.name: each for each in pieces if each.kind == "checklist item"}
    rows = []
    for item in items:
        if period not in (None, item.period):
            continue
        if item.proof is None:
            rows.append(_attested(item, attested, today, now_wall))
        elif item.proof.scenarios:
            rows.append(_drilled(item, by_name.get(item.name)))
        else:
            rows.append(_commanded(item, outcomes.get(item.name)))
    return rows


def attestations_of(settings: Settings, items: Sequence[ChecklistItem], today: date) -> list[Attestation]:
    """What people attested. Raises InputError."""
    path = settings.root / settings.checklists.attestations
    return read_attestations(path, [item.name for item in items], today)


def checklist_exit_status(rows: Sequence[ChecklistRow]) -> int:
    """0 all proven; 1 a proof is a failure or an attestation is overdue; else 2."""
    found = {row.standing for row in rows}
    if found & {"failure", "overdue"}:
        return FAIL
    return INCONCLUSIVE if "not proven" in found or not rows else PASS


def _drilled(item: ChecklistItem, piece: LastProven | None) -> ChecklistRow:
    assert item.proof is not None
    row = ChecklistRow(item, "not proven", f"scenario: {'; '.join(item.proof.scenarios)}")
    if piece is None or piece.state == "never":
        return replace(row, why="not all of it has passed in a run that is remembered")
    row = replace(row, days=piece.days, why=piece.why)
    if piece.state == "failing":
        return replace(row, standing="failure")
    return replace(row, standing="proven") if piece.state == "proven" else row


def _commanded(item: ChecklistItem, outcome: CommandOutcome | None) -> ChecklistRow:
    assert item.proof is not None
    row = ChecklistRow(item, "not proven", f"command: {item.proof.command}")
    if outcome is None:
        return replace(row, why="not carried out here: drill checklist does")
    if outcome.status is None:
        return replace(row, why=outcome.said)
    if outcome.status == 0:
        return replace(row, standing="proven", days=0.0)
    said = f": {outcome.said}" if outcome.said else ""
    return replace(row, standing="failure", days=0.0, why=f"ended with status {outcome.status}{said}")


def _attested(
    item: ChecklistItem, attestations: Sequence[Attestation], today: date, now_wall: float
) -> ChecklistRow:
    row = ChecklistRow(item, "not proven", "attestation")
    own = [each for each in attestations if each.item == item.name]
    if not own:
        return replace(row, why="nobody has attested it")
    last = max(own, key=lambda each: (each.last_day, each.date))
    began = datetime(last.date.year, last.date.month, last.date.day, tzinfo=UTC).timestamp()
    row = replace(row, days=(now_wall - began) / DAY_SECONDS, why=f"{last.name}, {last.date}")
    if last.last_day < today:
        return replace(row, standing="overdue", why=f"{row.why}; held until {last.last_day}")
    return replace(row, standing="proven")
