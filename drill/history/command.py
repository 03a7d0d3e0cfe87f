"""`drill history`. Flows in: arguments. Flows out: text, a page, a badge, and an exit status: 0, or 3 for bad
input and for runs that were not imported."""

from __future__ import annotations

from pathlib import Path

import click

from drill import present
from drill.arguments import BESIDE_HISTORY, FOLDER, reports_option, settings_of
from drill.errors import SetupError, UsageError
from drill.history.badge import badge
from drill.history.picture import page
from drill.history.proven import LastProven, last_proven, terms_of
from drill.history.series import series_of
from drill.history.store import DEFAULT_NAME, History, PastDrill
from drill.history.words import history_lines, proven_table
from drill.run.files import write_file
from drill.runbook import parse
from drill.settings import Settings


def history_of(settings: Settings, reports: Path) -> History:
    """The history of a target: where [history] says, else beside the reports."""
    file = settings.history.file
    return History(settings.root / file if file is not None else reports / DEFAULT_NAME)


@click.group(invoke_without_command=True)
@click.option("--drill", "name", metavar="NAME", help="Only this drill, by its name or its scenario's title.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write small multiples there.")
@click.option(
    "--last-proven", "table", is_flag=True, help="Print when each piece of the runbook last passed."
)
@click.option(
    "--badge", "badge_file", type=click.Path(path_type=Path), metavar="FILE", help="Write that as SVG."
)
@reports_option(BESIDE_HISTORY)
@click.pass_context
def history(
    context: click.Context,
    *,
    name: str | None,
    html: Path | None,
    table: bool,
    badge_file: Path | None,
    reports: Path,
) -> None:
    """Print what is remembered of every run: each drill's verdicts and measures, and where they changed."""
    settings = settings_of(context)
    kept = history_of(settings, reports)
    context.obj["history"] = kept
    if context.invoked_subcommand is not None:
        return
    drills = _named(kept.drills(settings.target.name), name, kept)
    series = series_of(drills)
    pieces = pieces_of(settings, drills) if html or table or badge_file else []
    if html:
        write_file(html, page(settings.target.name, series, pieces).encode())
        click.echo(html)
    if badge_file:
        write_file(badge_file, badge(pieces).encode())
        click.echo(badge_file)
    if table:
        click.echo(proven_table(pieces), nl=False)
    elif not html and not badge_file:
        for line in history_lines(drills, series):
            click.echo(line)
    if not drills:
        click.echo(f"{kept.file}: no run of {settings.target.name} is remembered", err=True)
    for folder in kept.absent(reports):
        click.echo(f"not remembered: {folder} (drill history import {folder})", err=True)


@history.command("import")
@click.argument("folder", type=FOLDER)
@click.pass_context
def import_runs(context: click.Context, folder: Path) -> None:
    """Remember the stored run in FOLDER, or every run below it. A run that is known already is not added
    twice."""
    imported = context.obj["history"].add_all(folder)
    for each in imported:
        click.echo(each.line())
    if any(each.refused for each in imported):
        raise SystemExit(SetupError.exit_status)


def _named(drills: list[PastDrill], name: str | None, kept: History) -> list[PastDrill]:
    if name is None:
        return drills
    found = [drill for drill in drills if name in (drill.drill, drill.scenario)]
    if not found:
        known = ", ".join(dict.fromkeys(drill.drill for drill in drills)) or "none, for no run is remembered"
        raise UsageError(f"{kept.file}: no drill is called {name!r}. Expected one of: {known}")
    return found


def pieces_of(settings: Settings, drills: list[PastDrill]) -> list[LastProven]:
    """When each piece of the target's runbook was last proven by these drills."""
    runbook = parse(settings.root / settings.target.runbook)
    terms = terms_of(drills, present.wall(), settings.history.proven_days)
    return last_proven(runbook, drills, terms)
