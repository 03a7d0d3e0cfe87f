"""`drill alerts`. Flows in: arguments. Flows out: text or JSON, and an exit status: 0 as it should be, 1 not
so, 2 nobody can tell, 3 bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from drill.alerts.engine import RulesRefusedError, check_rules, evaluate
from drill.alerts.judging import judged
from drill.alerts.leading import reached, repaired_in
from drill.alerts.meaning import CaseMeaning, FaultNow, meaning_of
from drill.alerts.mutants import mutated
from drill.alerts.replay import prepared, without_beginning
from drill.alerts.rules import AlertRules, alert_rules
from drill.alerts.series import SeriesFile, read_series, series_files
from drill.alerts.table import UNDECIDED as UNDECIDED_GAP
from drill.alerts.table import row_of, table_of
from drill.arguments import FILE, FORMAT, RUNBOOK, Number, settings_of
from drill.errors import InputError
from drill.inject.experiment import fault_names, planned_fault
from drill.machine.promtool import ensure_promtool
from drill.runbook import parse
from drill.settings import Alerts, Settings

WRONG, UNDECIDED = 1, 2
NOW = "now"
PLACES = click.argument("places", nargs=-1, required=True, type=FILE, metavar="RUN_OR_SERIES...")
MEANT = click.option(
    "--meant",
    type=click.Choice(["recorded", NOW]),
    default="recorded",
    show_default=True,
    help="A fault's alerts and when they are due: as its drill recorded it, or as the catalogue says now.",
)
HOLD = click.option(
    "--hold",
    "hold_seconds",
    type=Number(min=0, max=86400),
    default=1800,
    show_default=True,
    help="Seconds for which a fault's last state is held on.",
)


@click.group()
def alerts() -> None:
    """Say whether anybody would have been called: the runbook's alert rules, by Prometheus' own rule engine.

    promtool is taken from Debian's package where it is not on this machine.
    """


@alerts.command()
@click.argument("runbook", required=False, type=FILE)
@FORMAT
@click.pass_context
def check(context: click.Context, *, runbook: Path | None, output: str) -> None:
    """Whether Prometheus takes the rules, and each alert has a severity with a response time and a
    runbook."""
    rules = _rules(context, runbook)
    refused = check_rules(ensure_promtool(), rules.files())
    wrong = [f"{rules.path}: Prometheus refuses the rules: {refused}"] if refused else []
    for rule in rules.rules:
        place = f"{rules.path}:{rule.line}: {rule.name}"
        if rules.response_of(rule.severity) is None:
            wrong.append(f"{place}: severity {rule.severity!r} has no response time in this runbook")
        if not rule.link:
            wrong.append(f"{place}: says to nobody what to do: it has no annotation runbook_url")
    names = [rule.name for rule in rules.rules]
    if output == "json":
        click.echo(msgspec.json.encode({"alerts": names, "wrong": wrong}).decode())
    else:
        for line in wrong or [f"{rules.path}: {len(names)} alerts, {', '.join(names)}: nothing is wrong"]:
            click.echo(line)
    if wrong:
        raise SystemExit(WRONG)


@alerts.command()
@PLACES
@RUNBOOK
@HOLD
@FORMAT
@click.pass_context
def test(
    context: click.Context,
    *,
    places: tuple[Path, ...],
    runbook: Path | None,
    hold_seconds: float,
    output: str,
) -> None:
    """When each alert would have fired over stored series, and what would have fired besides."""
    rules = _rules(context, runbook)
    cases = [
        prepared(read_series(file), rules, hold_seconds) for place in places for file in series_files(place)
    ]
    try:
        episodes = evaluate(ensure_promtool(), rules.files(), cases)
    except RulesRefusedError as error:
        raise InputError(
            rules.path, rules.rules[0].line, str(error), "rules that Prometheus takes"
        ) from error
    outcomes = [
        judged(rules, case, without_beginning(case, found))
        for case, found in zip(cases, episodes, strict=True)
    ]
    if output == "json":
        click.echo(msgspec.json.encode(outcomes).decode())
    else:
        for line in (line for outcome in outcomes for line in outcome.lines()):
            click.echo(line)
    if any(outcome.wrong for outcome in outcomes):
        raise SystemExit(WRONG)
    if any(outcome.undecided for outcome in outcomes):
        raise SystemExit(UNDECIDED)


@alerts.command()
@PLACES
@RUNBOOK
@HOLD
@MEANT
@click.option(
    "--at-least",
    "least_percent",
    type=Number(min=0, max=100),
    default=90,
    show_default=True,
    help="How many percent of the mutants must be killed: a criterion says otherwise.",
)
@FORMAT
@click.pass_context
def mutate(
    context: click.Context,
    *,
    places: tuple[Path, ...],
    runbook: Path | None,
    hold_seconds: float,
    least_percent: float,
    meant: str,
    output: str,
) -> None:
    """Change each rule in one way at a time, and say which changes no criterion notices: which none of the
    stored series does, which change no more than times, and which are killed by stated scenes alone."""
    rules = _rules(context, runbook)
    known = settings_of(context) if runbook is None or meant == NOW else None
    assumed = (known.alerts if known is not None else None) or Alerts()
    cases, meanings = _replays(
        places,
        lambda recorded: prepared(recorded, rules, hold_seconds, assumed.resolve_seconds),
        known if meant == NOW else None,
    )
    score = mutated(ensure_promtool(), rules, cases, meanings, assumed.resolve_seconds)
    if output == "json":
        told = {
            "killed": score.killed,
            "killed_by_drills": score.killed_by_drills,
            "noticed": score.noticed,
            "share": score.share,
            "score": score,
        }
        click.echo(msgspec.json.encode(told).decode())
    else:
        for line in score.lines():
            click.echo(line)
    if len(score.uncovered) == len(rules.rules):
        raise SystemExit(UNDECIDED)
    if 100 * score.share < least_percent:
        raise SystemExit(WRONG)


@alerts.command()
@PLACES
@RUNBOOK
@HOLD
@MEANT
@FORMAT
@click.pass_context
def table(
    context: click.Context,
    *,
    places: tuple[Path, ...],
    runbook: Path | None,
    hold_seconds: float,
    meant: str,
    output: str,
) -> None:
    """Faults by alerts: seconds from each fault until each alert fires, or the gap."""
    rules = _rules(context, runbook)
    cases, meanings = _replays(
        places,
        lambda recorded: prepared(recorded, rules, hold_seconds),
        settings_of(context) if meant == NOW else None,
    )
    episodes = evaluate(ensure_promtool(), rules.files(), cases)
    files = [file for place in places for file in series_files(place)]
    rows = [
        row_of(rules, case, meaning, found, repaired_in(file.parent, rules.path))
        for file, case, meaning, found in zip(files, cases, meanings, episodes, strict=True)
    ]
    made = table_of(rows, reached(rules, parse(rules.path)))
    if output == "json":
        click.echo(msgspec.json.encode(made).decode())
    else:
        for line in made.lines():
            click.echo(line)
    if any(row.gap and not row.gap.startswith(UNDECIDED_GAP) for row in rows):
        raise SystemExit(WRONG)
    if any(row.gap for row in rows):
        raise SystemExit(UNDECIDED)


def _replays(
    places: tuple[Path, ...], seen: Callable[[SeriesFile], SeriesFile], known: Settings | None
) -> tuple[list[SeriesFile], list[CaseMeaning]]:
    """Every case at the places as the rules see it, and what firing means in it. `known`: where faults are
    looked up as they are now; None: as they were recorded."""
    cases, meanings = [], []
    for file in (file for place in places for file in series_files(place)):
        recorded = read_series(file)
        cases.append(seen(recorded))
        meanings.append(meaning_of(file, recorded, cases[-1], _fault_now(known) if known else None))
    return cases, meanings


def _fault_now(settings: Settings) -> FaultNow:
    names = set(fault_names(settings))
    return lambda fault: planned_fault(settings, fault) if fault in names else None


def _rules(context: click.Context, runbook: Path | None) -> AlertRules:
    if runbook is None:
        settings = settings_of(context)
        runbook = settings.root / settings.target.runbook
    return alert_rules(parse(runbook))
