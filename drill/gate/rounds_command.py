"""`drill gate rounds`. Flows in: the name of a candidate's image. Flows out: rounds of plain load on it and
on what is released, a decision, and the exit status of `drill gate`."""

from __future__ import annotations

from pathlib import Path

import click

from drill.arguments import Number, named_by_time, reports_option, settings_of
from drill.cluster.access import connect
from drill.gate.alternate_command import RELEASED, images_of
from drill.gate.command import tell, told
from drill.gate.plain_load import Drive, drive_load
from drill.gate.rounds import TURN_SECONDS, RoundsPlan, take_rounds
from drill.machine.stage import say
from drill.run.child import ends_on_sigterm

DRIVE: Drive = drive_load
"""What sends the load."""


@click.command("rounds")
@click.argument("candidate", metavar="IMAGE")
@RELEASED
@reports_option("The rounds lie in a folder of this one.")
@click.option("--run", "name", metavar="NAME", help="The name of that folder (rounds- and the time).")
@click.option(
    "--turn-seconds",
    type=Number(min=1),
    default=TURN_SECONDS,
    show_default=True,
    help="For how long each image is looked at in a pair.",
)
@click.option(
    "--budget-seconds",
    type=Number(min=0),
    default=360,
    show_default=True,
    help="From the first rollout until the found image runs again.",
)
@told
@click.pass_context
def take_rounds_of(
    context: click.Context,
    *,
    candidate: str,
    released: str | None,
    reports: Path,
    name: str | None,
    turn_seconds: float,
    budget_seconds: float,
    markdown: Path | None,
    json_file: Path | None,
    annotate: bool,
) -> None:
    """Put plain load on what is released and on the candidate's image IMAGE in turn, many times, and decide.
    Nothing is broken: what drills tell, such as the time to recovery, is not compared. The application's
    workload runs afterwards what it ran before."""
    settings, allowed = settings_of(context), context.obj["allow_context"]
    cluster = connect(settings, allowed)
    name = name or named_by_time("rounds")
    plan = RoundsPlan(reports / name, name, turn_seconds, budget_seconds, allowed, DRIVE)
    images = images_of(settings, cluster, released, candidate)
    with ends_on_sigterm():
        done = take_rounds(settings, cluster, images, plan, say)
    assert done.decision is not None  # at the end there is one
    for line in done.lines():
        click.echo(line)
    tell(settings, done.decision, markdown, json_file, annotate=annotate)
    raise SystemExit(done.decision.exit_status)
