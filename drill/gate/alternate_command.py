"""`drill gate alternate`. Flows in: the name of a candidate's image. Flows out: stored runs of it and of what
is released, in alternation, a decision, and the exit status of `drill gate`."""

from __future__ import annotations

from pathlib import Path

import click

from drill.arguments import Number, allowing, named_by_time, reports_option, settings_of
from drill.cluster.access import Cluster, connect, is_throw_away
from drill.gate.alternate import AlternationPlan, Images, alternate, released_image
from drill.gate.command import tell, told
from drill.machine.images import ensure_in_nodes
from drill.machine.stage import say
from drill.run.child import ends_on_sigterm, pytest_command
from drill.settings import Settings

RELEASED = click.option(
    "--released", metavar="IMAGE", help="What it is compared with (the image that the cluster runs now)."
)


@click.command("alternate")
@click.argument("candidate", metavar="IMAGE")
@RELEASED
@click.option(
    "--select",
    default="gate",
    show_default=True,
    metavar="MARKERS",
    help="Which drills, as pytest's -m has it.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path, exists=True),
    default=Path("features"),
    show_default=True,
    help="Where the scenarios lie.",
)
@reports_option("Where the runs leave their folders, and the history lies.")
@click.option("--run", "name", metavar="NAME", help="The runs' names begin so (gate- and the time).")
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Rounds before the first decision; each is a run of both images.",
)
@click.option(
    "--budget-seconds",
    type=Number(min=0),
    default=360,
    show_default=True,
    help="For further rounds while it is inconclusive.",
)
@told
@click.pass_context
def alternate_images(
    context: click.Context,
    *,
    candidate: str,
    released: str | None,
    select: str,
    features: Path,
    reports: Path,
    name: str | None,
    rounds: int,
    budget_seconds: float,
    markdown: Path | None,
    json_file: Path | None,
    annotate: bool,
) -> None:
    """Drill what is released and the candidate's image IMAGE in turn, and decide. The application's workload
    runs afterwards what it ran before."""
    settings = settings_of(context)
    cluster = connect(settings, context.obj["allow_context"])
    plan = AlternationPlan(
        pytest_command([str(features), "-m", select, "--target", context.obj["target"], *allowing(context)]),
        reports,
        name or named_by_time("gate"),
        rounds,
        budget_seconds,
    )
    images = images_of(settings, cluster, released, candidate)
    with ends_on_sigterm():
        done = alternate(settings, cluster, images, plan, say)
    assert done.decision is not None  # after the first rounds there is one
    for line in done.lines():
        click.echo(line)
    tell(settings, done.decision, markdown, json_file, annotate=annotate)
    raise SystemExit(done.decision.exit_status)


def images_of(settings: Settings, cluster: Cluster, released: str | None, candidate: str) -> Images:
    """With their ids where the nodes are containers of this machine. Raises UsageError for an unknown one."""
    running = released_image(settings, cluster)
    other = released or running
    if not is_throw_away(settings.target.context):
        return Images(other, candidate)
    ids = ensure_in_nodes(settings, [other, candidate], running)
    return Images(other, candidate, ids[other], ids[candidate])
