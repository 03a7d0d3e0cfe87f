"""`drill checklist`. Flows in: arguments. Flows out: a table, or an attestation on disk, and an exit status:
0 all proven; 1 a proof is a failure or an attestation is overdue; 2 something is not proven; 3 for bad input.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import ceil
from pathlib import Path

import click
from pydantic import ValidationError

from drill import present
from drill.arguments import BESIDE_HISTORY, reports_option, settings_of
from drill.checklist.attestations import Attestation, append_attestation
from drill.checklist.carry_out import CommandOutcome, carry_out
from drill.checklist.state import checklist_exit_status, checklist_rows
from drill.checklist.words import checklist_table
from drill.errors import UsageError
from drill.history.command import history_of, pieces_of
from drill.runbook import ChecklistItem, checklist_items, parse
from drill.runbook.checklists import PERIOD_DAYS, Period
from drill.settings import Settings

DEFAULT_DAYS = 30
"""Of an attestation for an item of no period."""


@click.group(invoke_without_command=True)
@reports_option(BESIDE_HISTORY)
@click.option("--no-commands", is_flag=True, help="Carry out no command: what one proves is not proven.")
@click.pass_context
def checklist(context: click.Context, *, reports: Path, no_commands: bool) -> None:
    """Say of each item of the runbook's checklists what proves it, and how old that is."""
    context.obj |= {"reports": reports, "no_commands": no_commands}
    if context.invoked_subcommand is None:
        _print(context, None)


def _print(context: click.Context, period: Period | None) -> None:
    settings = settings_of(context)
    drills = history_of(settings, context.obj["reports"]).drills(settings.target.name)
    items = [] if context.obj["no_commands"] else _items(settings, period)
    pieces = pieces_of(settings, drills)
    rows = checklist_rows(settings, pieces, present.wall(), _outcomes(settings, items), period)
    click.echo(checklist_table(rows), nl=False)
    raise SystemExit(checklist_exit_status(rows))


def _items(settings: Settings, period: Period | None) -> list[ChecklistItem]:
    items = checklist_items(parse(settings.root / settings.target.runbook))
    return [item for item in items if period in (None, item.period)]


def _outcomes(settings: Settings, items: Sequence[ChecklistItem]) -> dict[str, CommandOutcome]:
    return {
        item.name: carry_out(item.proof.command, item.proof.seconds, settings.root)
        for item in items
        if item.proof is not None and item.proof.command
    }


def _add(period: Period) -> None:
    @checklist.command(period, help=f"Only the {period} checklist.")
    @click.pass_context
    def show(context: click.Context) -> None:
        _print(context, period)


for each in PERIOD_DAYS:
    _add(each)


@checklist.command()
@click.argument("item")
@click.option("--name", required=True, metavar="NAME", help="Who did it.")
@click.option("--date", "day", metavar="DAY", help="When, as 2026-11-29 (today).")
@click.option("--days", type=click.IntRange(1, 3650), help="So long it holds (the item's period and a day).")
@click.pass_context
def attest(context: click.Context, *, item: str, name: str, day: str | None, days: int | None) -> None:
    """Write down that a person did ITEM: its text, or as the table has it."""
    settings = settings_of(context)
    items = _items(settings, None)
    found = _named(items, item)
    if found.proof is not None:
        raise UsageError(
            f"{item!r}: proven by {'scenarios' if found.proof.scenarios else 'a command'}, see "
            "checklists.yaml; an attestation would say nothing"
        )
    today = present.today()
    holds = days or settings.checklists.valid_days or ceil(found.most_days or DEFAULT_DAYS)
    try:
        done = Attestation(item=found.name, name=name, date=_day(day, today), days=holds)
    except ValidationError as error:
        raise UsageError(f"--name: {name!r} is not right here: expected some text on one line") from error
    path = settings.root / settings.checklists.attestations
    append_attestation(path, done, [each.name for each in items], today)
    click.echo(f"{path}: {done.item}: {done.name}, {done.date}, holds until {done.last_day}")


def _named(items: Sequence[ChecklistItem], name: str) -> ChecklistItem:
    found = [each for each in items if name in (each.name, each.name.partition(" / ")[2])]
    if len(found) != 1:
        known = "; ".join(each.name for each in found or items if each.proof is None)
        raise UsageError(f"{name!r}: expected one item of the runbook's checklists: {known or 'it has none'}")
    return found[0]


def _day(text: str | None, today: date) -> date:
    if text is None:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--date: {text!r} is not right here: expected a day such as {today}") from error
    if day > today:
        raise UsageError(f"--date: {text!r} is not right here: expected {today} or a day before")
    return day
