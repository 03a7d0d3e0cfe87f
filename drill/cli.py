"""The command line: what pytest cannot do. Flows in: arguments. Flows out: an exit status.

0 pass, 1 fail, 2 inconclusive, 3 setup or usage error.
"""

from __future__ import annotations

from pathlib import Path

import click

from drill import present, putback
from drill.alerts.command import alerts
from drill.arguments import FOLDER, Number, named_by_time, reports_option, settings_of
from drill.checklist.command import checklist
from drill.cluster.access import connect
from drill.conduct.book import Book
from drill.conduct.calibrate import calibrate
from drill.conduct.coverage import CoveredRuns, missing_lines, run_coverage_lines, runbook_lines
from drill.conduct.ground import cluster_facts
from drill.conduct.joining import join_runs
from drill.conduct.keeping import find_calibration
from drill.conduct.rejudge import rejudge, rewrite_report
from drill.errors import SetupError, UsageError
from drill.evidence.command import evidence
from drill.gate.alternate_command import alternate_images
from drill.gate.command import gate
from drill.gate.rounds_command import take_rounds_of
from drill.history.command import history
from drill.incident.command import incident
from drill.lint.command import lint
from drill.machine import machine
from drill.machine.doctor import diagnose
from drill.machine.operator_tools import MADE_WHEN_NEEDED
from drill.machine.stage import say
from drill.matrix.command import matrix
from drill.monitoring.command import monitoring
from drill.mutate.ablation import ablation
from drill.mutate.command import mutate
from drill.nightly.command import nightly
from drill.report.not_drilled import check_not_drilled
from drill.report.words import days_text, summary_lines
from drill.settings import DEFAULT_FILE


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--target",
    "target_file",
    default=DEFAULT_FILE,
    show_default=True,
    help="The file that describes the service under test.",
)
@click.option(
    "--allow-context", metavar="NAME", help="Allow this kubeconfig context although it is not kind-*."
)
@click.pass_context
def cli(context: click.Context, target_file: str, allow_context: str | None) -> None:
    """Prove that an operations runbook works: break a real cluster, follow the runbook, judge from what users
    saw.

    The drills themselves are run by pytest: `pytest features -m smoke`.
    """
    context.obj = {"target": target_file, "allow_context": allow_context}


@cli.command()
@click.pass_context
def up(context: click.Context) -> None:
    """Bring up what drills need: engine, node image, cluster, target. Quick when it is there already."""
    settings = settings_of(context)
    machine.up(settings)
    cluster = connect(settings, context.obj["allow_context"])
    putback.put_back(settings, cluster)


@cli.command()
@click.pass_context
def down(context: click.Context) -> None:
    """Remove all that `drill up` made: cluster, images, compiled programs, and the engine if drill started
    it.
    """
    machine.down(settings_of(context))


@cli.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Say what is on this machine, in which version, what is missing and what that prevents."""
    findings = diagnose(settings_of(context), context.obj["allow_context"])
    for finding in findings:
        click.echo(finding.line())
    if any(finding.needed and not finding.present for finding in findings):
        raise SystemExit(SetupError.exit_status)


@cli.command()
@click.pass_context
def tools(context: click.Context) -> None:
    """Make now what drills make when they first need it: programs of the operator that this machine lacks,
    such as terraform. Says where each is.
    """
    for tool in settings_of(context).operator.tools:
        if tool in MADE_WHEN_NEEDED:
            click.echo(f"{tool}: {MADE_WHEN_NEEDED[tool](say)}")


def _put_back(context: click.Context) -> None:
    settings = settings_of(context)
    cluster = connect(settings, context.obj["allow_context"])
    for line in putback.put_back(settings, cluster).lines():
        click.echo(line)


@cli.command("put-back")
@click.pass_context
def put_back(context: click.Context) -> None:
    """Put back whatever a killed drill left broken. What was not seen is not claimed: a cluster that does not
    answer is exit status 3.
    """
    _put_back(context)


@cli.command("restore", hidden=True)
@click.pass_context
def restore(context: click.Context) -> None:
    """The former name of put-back."""
    _put_back(context)


@cli.command("calibrate")
@click.option("--seconds", type=Number(min=30), default=120, show_default=True, help="How long to watch.")
@reports_option("Where the evidence goes.")
@click.option("--unless-kept", is_flag=True, help="Do nothing where one is kept that drills may still use.")
@click.pass_context
def calibrate_target(context: click.Context, *, seconds: float, reports: Path, unless_kept: bool) -> None:
    """Measure the target's own noise: a drill of nothing, then a load that is stepped up."""
    settings, allowed = settings_of(context), context.obj["allow_context"]
    if unless_kept:
        cluster = connect(settings, allowed)
        kept = find_calibration(settings, cluster_facts(settings, cluster), present.wall())
        if kept is not None and not kept.stale:
            click.echo(f"kept, {days_text(kept.age_seconds)} old: {kept.folder}")
            return
        click.echo(f"measured anew: {kept.stale if kept else 'none is kept'}")
    folder = reports / named_by_time("calibration")
    done = calibrate(settings, connect(settings, allowed), folder, seconds=seconds, allow_context=allowed)
    for line in done.lines():
        click.echo(line)


@cli.command("judge")
@click.argument("run_folder", type=FOLDER)
def judge_again(run_folder: Path) -> None:
    """Judge a stored run again from its folder alone, and write its reports anew. A file that is not as the
    run left it is named, and the exit status is 3.
    """
    judged = rejudge(run_folder)
    for line in judged.summary_lines():
        click.echo(line)
    raise SystemExit(judged.exit_status())


@cli.command()
@click.argument("run_folder", type=FOLDER)
def report(run_folder: Path) -> None:
    """Write a stored run's reports anew, from its folder alone and the verdicts in it."""
    rewrite_report(run_folder)
    click.echo(run_folder / "index.html")


@cli.command()
@click.argument("run_folders", nargs=-1, required=True, type=FOLDER)
@reports_option("Where the joined run goes.")
@click.option("--run", "run_name", metavar="NAME", help="The joined run's name. Default: the time.")
def join(run_folders: tuple[Path, ...], *, reports: Path, run_name: str | None) -> None:
    """Join the runs of `pytest features --shards K/N` into one, with one report; its exit status is that of
    one run that had made all of their drills."""
    folder, verdicts, facts = join_runs(run_folders, reports, run_name)
    for line in [*summary_lines(facts, verdicts), f"report: {folder / 'index.html'}"]:
        click.echo(line)
    raise SystemExit(facts.exit_status)


@cli.command()
@click.option(
    "--run",
    "run_folders",
    type=FOLDER,
    multiple=True,
    help="Count what this stored run executed; may be repeated, for runs of the same texts.",
)
@click.option(
    "--missing",
    is_flag=True,
    help="With --run: list the lines that no drill has shown to work, instead of the steps.",
)
@click.option(
    "--beside",
    type=FOLDER,
    metavar="FOLDER",
    help="With --run: take checklists.yaml, symptoms.yaml, attestations.yaml and not-drilled.yaml from here, "
    "for runs that kept none.",
)
@click.pass_context
def coverage(
    context: click.Context, *, run_folders: tuple[Path, ...], missing: bool, beside: Path | None
) -> None:
    """List every step of the runbook, and what has been done with it: drilled (of stored runs), only looked
    at by lint, or never touched. Of stored runs also how many commands, numbers, items, alerts and severities
    are proven, defective, refused, not proven, never touched."""
    if missing and not run_folders:
        raise UsageError("--missing: expected --run FOLDER with it: without a run nothing is shown to work")
    if beside is not None and not run_folders:
        raise UsageError("--beside: expected --run FOLDER with it: it is for runs that kept no such files")
    if not run_folders:
        settings = settings_of(context)
        target = settings.target
        check_not_drilled(settings.root, target.runbook, target.runbook_as_written)
        lines = runbook_lines(Book(settings).corrected, present.today())
    elif missing:
        lines = missing_lines(CoveredRuns(run_folders, beside))
    else:
        lines = run_coverage_lines(CoveredRuns(run_folders, beside))
    for line in lines:
        click.echo(line)


cli.add_command(lint)
cli.add_command(history)
cli.add_command(evidence)
gate.add_command(alternate_images)
gate.add_command(take_rounds_of)
cli.add_command(gate)
cli.add_command(nightly)
cli.add_command(mutate)
cli.add_command(ablation)
cli.add_command(matrix)
cli.add_command(alerts)
cli.add_command(incident)
cli.add_command(checklist)
cli.add_command(monitoring)
