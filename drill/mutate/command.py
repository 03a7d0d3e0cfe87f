"""`drill mutate`. Flows in: arguments. Flows out: mutants, what became of them, and an exit status: 0, or 3
for bad input and drills that cannot be made."""

from __future__ import annotations

from pathlib import Path

import click

from drill.arguments import FOLDER, Number, allowing, settings_of
from drill.cluster.access import connect
from drill.conduct.ground import cluster_facts
from drill.lint.command import metrics_in, tools_in
from drill.lint.document import Document, read_document
from drill.lint.manifests import load_manifests
from drill.lint.run import Options
from drill.mutate.corrected import corrected_option, take_corrected
from drill.mutate.drilling import Drilling, MutationPlan, sample
from drill.mutate.equivalent import equivalents
from drill.mutate.followers import followed_lines, followers
from drill.mutate.held import hold_folder
from drill.mutate.mutant import Mutant
from drill.mutate.operators import alert_mutants, mutants
from drill.mutate.reading import rules_that_find
from drill.mutate.state import Read, State, digest
from drill.mutate.words import list_lines, reading_lines, report_lines
from drill.mutate.workbench import Workbench
from drill.reading import is_there
from drill.run.files import write_file
from drill.runbook import parse
from drill.settings import Settings

EQUIVALENTS = "equivalent-mutants.yaml"
"""Beside the runbook, unless another is named."""
STATE = "state.json"

features_option = click.option(
    "--features",
    type=click.Path(path_type=Path),
    default=Path("features"),
    show_default=True,
    help="The folder of the scenarios that follow the runbook.",
)
minutes_option = click.option(
    "--minutes", type=Number(min=0), help="Begin no drill that would end after so many minutes."
)

into_option = click.option(
    "--into",
    type=FOLDER,
    metavar="RUN",
    help="Put what is known into the report of this stored run of the same runbook.",
)


class Work:
    """What every subcommand begins with, and `drill ablation`."""

    def __init__(self, settings: Settings, features: Path, folder: Path, listed: Path | None) -> None:
        self.settings, self.features, self.folder = settings, features, folder
        self.path = settings.root / settings.target.runbook
        self.document: Document = read_document(self.path)
        found = tuple(followers(features, parse(self.path)))
        self.all = [*mutants(self.document, followed_lines(found)), *alert_mutants(self.document)]
        beside = self.path.with_name(EQUIVALENTS)
        file = listed or (beside if is_there(beside) else None)
        self.reasons = equivalents(file, {mutant.id for mutant in self.all}) if file else {}
        self.mutants = tuple(mutant for mutant in self.all if mutant.id not in self.reasons)
        self.plan = MutationPlan(
            self.document.text, self.mutants, found, settings.file.read_text(encoding="utf-8")
        )

    @property
    def state(self) -> State:
        """What is known so far."""
        return State(self.folder / STATE)

    def know(self, corrected: Path | None, state: State, context: click.Context) -> None:
        """Take up what a stored run of the corrected runbook tells, where one is named."""
        if corrected is None:
            return
        cluster = cluster_facts(self.settings, connect(self.settings, context.obj["allow_context"]))
        known = take_corrected(corrected, self.settings, cluster, self.plan, state)
        click.echo(f"{corrected}: scenarios that end as they state with the corrected runbook: {known}")


@click.group()
@features_option
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("mutants/runbook"),
    show_default=True,
    help="Where what is found is kept, and where mutants are drilled.",
)
@click.option(
    "--equivalents",
    "listed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Mutants that no check could tell, with the reason. Default: {EQUIVALENTS} beside the runbook.",
)
@click.pass_context
def mutate(context: click.Context, *, features: Path, folder: Path, listed: Path | None) -> None:
    """Spoil the runbook in one place at a time, and see whether lint and drills notice."""
    context.obj["mutate"] = (features, folder, listed)


def _work(context: click.Context) -> Work:
    settings = settings_of(context)
    return Work(settings, *context.obj["mutate"])


@mutate.command("list")
@click.option(
    "--write",
    "into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write each mutated runbook there, named by its id.",
)
@click.pass_context
def list_mutants(context: click.Context, into: Path | None) -> None:
    """Print every mutant: id, line, what changes."""
    work = _work(context)
    for line in list_lines(work.all, work.reasons):
        click.echo(line)
    for mutant in work.all if into else ():
        write_file(_file(into, mutant), mutant.applied(work.document.text).encode())


def _file(into: Path | None, mutant: Mutant) -> Path:
    return (into or Path()) / f"{mutant.id}.md"


@mutate.command("lint")
@click.option("--image", "images", multiple=True, metavar="IMAGE=TOOLS", help="As `drill lint` takes it.")
@click.option(
    "--metrics",
    "metrics_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="As `drill lint` takes it.",
)
@click.pass_context
def lint_mutants(context: click.Context, images: tuple[str, ...], metrics_file: Path | None) -> None:
    """Give every mutant to drill lint, with the manifests that drill.toml names: which rules find it, and the
    share that lint alone catches."""
    work = _work(context)
    manifests = work.settings.target.manifests
    options = Options(
        manifests=load_manifests(work.settings.root / manifests) if manifests else None,
        tools_of=dict(tools_in(text) for text in images),
        metrics=metrics_in(metrics_file) if metrics_file is not None else None,
    )
    text = work.document.text
    with hold_folder(work.folder):
        state = work.state
        for mutant, rules in rules_that_find(work.document, work.mutants, options):
            state.read(Read(mutant.id, digest(mutant.applied(text)), rules))
    for line in reading_lines(work.mutants, state, text):
        click.echo(line)


@mutate.command("drill")
@minutes_option
@click.option("--sample", "count", type=click.IntRange(min=1), help="Only so many mutants, drawn at random.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which ones are drawn.")
@click.option(
    "--missed-by-lint", is_flag=True, help="Only mutants that `drill mutate lint` has read and not found."
)
@click.option("--only", metavar="IDS", default="", help="Only mutants whose id begins with one of these.")
@corrected_option
@click.pass_context
def drill_mutants(
    context: click.Context,
    *,
    minutes: float | None,
    corrected: Path | None,
    count: int | None,
    seed: int,
    missed_by_lint: bool,
    only: str,
) -> None:
    """Drill mutants on the cluster, the cheapest first; what was found is kept, and goes on where it was."""
    work = _work(context)
    with hold_folder(work.folder) as lock:
        state = work.state
        chosen = _chosen(work, state, only, missed_by_lint=missed_by_lint)
        if count is not None:
            chosen = sample(chosen, count, seed)
            state.sample(mutant.id for mutant in chosen)
        work.know(corrected, state, context)
        bench = Workbench(
            work.settings, work.folder, work.features, allowing(context), lock=lock, say=click.echo
        )
        bench.prepare()
        ended = Drilling(work.plan, state, bench, click.echo).work(chosen, minutes)
    if not ended:
        click.echo("the time is up: run this again to go on")
    click.echo("")
    for line in report_lines(work.plan, state, work.reasons):
        click.echo(line)


def _chosen(work: Work, state: State, only: str, *, missed_by_lint: bool) -> list[Mutant]:
    begins = tuple(part.strip() for part in only.split(",") if part.strip())
    text = work.document.text
    return [
        mutant
        for mutant in work.mutants
        if work.plan.scenarios_of(mutant, state)
        and (not begins or mutant.id.startswith(begins))
        and (not missed_by_lint or state.rules(mutant.id, digest(mutant.applied(text))) == ())
    ]


@mutate.command("report")
@click.pass_context
def report_mutants(context: click.Context) -> None:
    """Print what is known so far: the scores, who survived, what was not run."""
    work = _work(context)
    for line in report_lines(work.plan, work.state, work.reasons):
        click.echo(line)
