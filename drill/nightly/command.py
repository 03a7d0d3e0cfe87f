"""`drill nightly`. Flows in: the target's file, options. Flows out: a summary, and an exit status: 0 all as
expected, 1 a drill deviates or something regressed, 2 inconclusive, 3 something could not be done."""

from __future__ import annotations

from pathlib import Path

import click

from drill.arguments import FOLDER, allowing, named_by_time, reports_option, settings_of
from drill.errors import DrillError, UsageError
from drill.nightly.night import night_of
from drill.nightly.post import check_address, post_night
from drill.nightly.steps import NightStep, drill_command, run_step
from drill.nightly.words import night_line, night_markdown
from drill.run.child import pytest_command
from drill.run.files import write_file
from drill.run.outcome import FAIL, SETUP


@click.command()
@click.option(
    "--select",
    default="nightly",
    show_default=True,
    metavar="MARKERS",
    help="Which drills, as pytest's -m has it.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    default=Path("features"),
    show_default=True,
    help="Where the scenarios lie.",
)
@reports_option("Where the run leaves its folder, and the history lies.")
@click.option("--run", "name", metavar="NAME", help="The run's name (nightly- and the time).")
@click.option(
    "--of",
    "stored",
    type=FOLDER,
    metavar="RUN",
    help="Drill nothing: tell of this stored run.",
)
@click.option(
    "--summary",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the Markdown goes (NAME.nightly.md beside the run).",
)
@click.option("--webhook", metavar="URL", help="Post the summary there as JSON.")
@click.pass_context
def nightly(
    context: click.Context,
    *,
    select: str,
    features: Path,
    reports: Path,
    name: str | None,
    stored: Path | None,
    summary: Path | None,
    webhook: str | None,
) -> None:
    """Calibrate where that is due, drill, compare with the nights before, and tell: for a scheduler. Nothing
    is tried twice."""
    settings = settings_of(context)
    address = check_address(webhook) if webhook else None
    if stored and name:
        raise UsageError("--of names a run that there is; --run, one that is to be made. Give one of them")
    steps: list[NightStep] = []
    if stored is None:
        run = name or named_by_time("nightly")
        common = ["--target", context.obj["target"], *allowing(context)]
        steps = [
            run_step(
                "calibrate",
                drill_command([*common, "calibrate", "--unless-kept", "--reports", str(reports)]),
            ),
            run_step(
                "drills",
                pytest_command(
                    [str(features), "-m", select, "--reports", str(reports), "--run", run, *common]
                ),
            ),
        ]
    folder = stored or reports / run
    night = night_of(settings, folder, reports if stored is None else folder.resolve().parent, steps)
    place = summary or folder.resolve().with_name(f"{night.run}.nightly.md")
    write_file(place, night_markdown(night).encode())
    click.echo(night_line(night))
    click.echo(place)
    status = night.exit_status
    if address:
        try:
            post_night(address, night)
        except DrillError as error:
            click.echo(f"drill: {error}", err=True)
            status = status if status == FAIL else SETUP
    raise SystemExit(status)
