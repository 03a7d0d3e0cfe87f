"""`drill incident`. Flows in: a stored run. Flows out: what would have been told to others, and an exit
status: 0; 2 where something in it is unknown; 3 for bad input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from drill.arguments import FOLDER, settings_of
from drill.errors import InputError, UsageError
from drill.incident.notice import notice_of
from drill.incident.severities import severity_lines, severity_row
from drill.incident.words import notice_markdown, notice_text, notices_json
from drill.inject.experiment import experiment_of, fault_names
from drill.judge.verdict import DrillVerdict
from drill.run.facts import Facts, read_facts
from drill.run.manifest import check_manifest
from drill.run.outcome import INCONCLUSIVE, PASS
from drill.run.stored import read_verdicts
from drill.runbook import parse
from drill.settings import Settings


@click.command()
@click.argument("run_folder", type=FOLDER, metavar="RUN")
@click.option("--drill", "name", metavar="NAME", help="Only this drill, by its name or its scenario's title.")
@click.option("--contact", metavar="WHO", help="Who is on call ([communication] contact of drill.toml).")
@click.option("--markdown", "form", flag_value="markdown", help="As Markdown, for a ticket.")
@click.option(
    "--severities",
    "form",
    flag_value="severities",
    help="Only the severity that users felt against that of the fault's section, as a table.",
)
@click.option("--json", "form", flag_value="json", help="As JSON, for programs.")
@click.pass_context
def incident(
    context: click.Context, *, run_folder: Path, name: str | None, contact: str | None, form: str | None
) -> None:
    """Fill the runbook's incident template from a stored run: how severe it was for users, when it began,
    what became of it, whom to call."""
    settings = settings_of(context)
    facts = read_facts(run_folder)
    if facts.target != settings.target.name:
        raise UsageError(
            f"{run_folder}: a run of {facts.target!r}; {context.obj['target']} is of "
            f"{settings.target.name!r}. Name that target's file with --target"
        )
    if contact is not None and not (contact.strip() and contact.isprintable()):
        raise UsageError(f"--contact: {contact!r} is not right here: expected some text on one line")
    altered = check_manifest(run_folder)
    if altered and (lines := altered.of_evidence().lines()):
        raise InputError(run_folder, None, lines[0], "the files as the run left them: see drill judge")
    runbook = parse(settings.root / settings.target.runbook)
    chosen = _chosen(run_folder, facts, read_verdicts(run_folder, facts), name)
    notices = [notice_of(run_folder, each, runbook, settings, contact) for each in chosen]
    if form == "severities":
        rows = [
            severity_row(notice, verdict, _sections(settings, verdict))
            for notice, verdict in zip(notices, chosen, strict=True)
        ]
        click.echo("\n".join(severity_lines(rows)))
        raise SystemExit(INCONCLUSIVE if any(row.compared == "undecided" for row in rows) else PASS)
    if form == "json":
        click.echo(notices_json(facts.run, notices))
    else:
        say = notice_markdown if form == "markdown" else notice_text
        click.echo("\n".join(say(each) for each in notices), nl=False)
    if not all(each.complete for each in notices):
        raise SystemExit(INCONCLUSIVE)


def _sections(settings: Settings, verdict: DrillVerdict) -> list[str]:
    """Of the drill's faults, as far as there are experiments for them still."""
    known = set(fault_names(settings))
    return [experiment_of(settings, each.fault).section for each in verdict.faults if each.fault in known]


def _chosen(
    run_folder: Path, facts: Facts, verdicts: Sequence[DrillVerdict], name: str | None
) -> list[DrillVerdict]:
    """The drill of that name; without one, all of this run that are no controls."""
    kept = {each.drill for each in facts.drills if each.kept}
    if name is None:
        found = [each for each in verdicts if not each.control and each.drill not in kept]
    else:
        found = [each for each in verdicts if name in (each.drill, each.scenario)][:1]
    if not found:
        known = ", ".join(each.drill for each in verdicts) or "none, for no drill was judged"
        raise UsageError(
            f"{run_folder}: no drill is called {name!r}. Expected one of: {known}"
            if name
            else f"{run_folder}: no drill of its own to tell of. There are: {known}"
        )
    return found
