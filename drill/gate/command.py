"""`drill gate`. Flows in: stored runs. Flows out: a decision, and an exit status: 0 pass, 1 regression, 2
inconclusive, 3 for bad input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from drill import present
from drill.arguments import BESIDE_HISTORY, FILE, FOLDER, reports_option, settings_of
from drill.errors import SetupError, UsageError
from drill.gate.compare import sides_of
from drill.gate.decide import Decision, decide
from drill.gate.observed import SeenRun, seen_in_history, seen_run
from drill.gate.words import annotation_lines, decision_json, decision_lines, decision_markdown
from drill.history.command import history_of
from drill.run.facts import FILE as RUN_FILE
from drill.run.files import write_file
from drill.settings import Settings


def told(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where a decision goes."""
    options = (
        click.option("--annotations", "annotate", is_flag=True, help="Print GitHub's annotations too."),
        click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write it there, for machines."),
        click.option(
            "--markdown", type=FILE, metavar="FILE", help="Write the decision there, for a CI run's page."
        ),
    )
    for option in options:
        command = option(command)
    return command


class _StoredRunsUnlessNamed(click.Group):
    """Its first word is a command of its own, or the command is `runs`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See the class."""
        named = args and args[0] in {*self.commands, "--help", "-h"}
        return super().parse_args(ctx, args if named or not args else ["runs", *args])


@click.group(cls=_StoredRunsUnlessNamed)
def gate() -> None:
    """Say whether a candidate is worse than what is released, the runbook's limits, or what the history
    knows.

    `drill gate RUN` is `drill gate runs RUN`.
    """


@gate.command()
@click.argument("candidate", type=FOLDER, metavar="CANDIDATE_RUN")
@click.argument("more", type=FOLDER, nargs=-1, metavar="[RUN]...")
@click.option(
    "--baseline",
    type=FOLDER,
    multiple=True,
    metavar="RUN",
    help="A stored run to compare with; more may follow. Without it, the history's last ones.",
)
@click.option(
    "--also",
    type=FOLDER,
    multiple=True,
    metavar="RUN",
    help="Another run of the candidate; may be given several times.",
)
@reports_option(BESIDE_HISTORY)
@told
@click.pass_context
def runs(
    context: click.Context,
    *,
    candidate: Path,
    more: tuple[Path, ...],
    baseline: tuple[Path, ...],
    also: tuple[Path, ...],
    reports: Path,
    markdown: Path | None,
    json_file: Path | None,
    annotate: bool,
) -> None:
    """Decide on stored runs: of a candidate, against those of a baseline."""
    settings = settings_of(context)
    if more and not baseline:
        raise UsageError(
            f"{more[0]}: which side is it? Runs after the first are the baseline's: put --baseline before "
            "them, or --also before another run of the candidate"
        )
    decision = decide_on(settings, [candidate, *also], [*baseline, *more], reports)
    tell(settings, decision, markdown, json_file, annotate=annotate)
    raise SystemExit(decision.exit_status)


def tell(
    settings: Settings, decision: Decision, markdown: Path | None, json_file: Path | None, *, annotate: bool
) -> None:
    """Print a decision, and write it where that is asked for."""
    for line in decision_lines(decision):
        click.echo(line)
    if markdown:
        write_file(markdown, decision_markdown(decision).encode())
    if json_file:
        write_file(json_file, decision_json(decision))
    if annotate:
        for line in annotation_lines(decision, settings.target.runbook):
            click.echo(line)


def decide_on(
    settings: Settings, candidate: Sequence[Path], baseline: Sequence[Path], reports: Path
) -> Decision:
    """The decision on stored runs. Without a baseline it is the last runs of the history, from their folders
    below `reports` where these are kept. Raises UsageError where there is nothing to compare with."""
    own = [seen_run(folder) for folder in candidate]
    first = min(run.started_wall for run in own)
    past = [
        run
        for run in seen_in_history(history_of(settings, reports).drills(settings.target.name))
        if run.started_wall < first and run.place == own[0].place
    ]
    if baseline:
        others = [seen_run(folder) for folder in baseline]
    else:
        others = [_kept(run, reports) for run in _alike(past, own)[-settings.gate.runs :]]
    _refuse_unlike(settings.target.name, own, others)
    if not others:
        raise UsageError(
            "there is nothing to compare with: name a stored run with --baseline, or let the history "
            "remember one of the same drills on as many cores (drill history import FOLDER)"
        )
    return decide(sides_of(own, others), past, settings.gate, present.today())


def _refuse_unlike(target: str, own: Sequence[SeenRun], others: Sequence[SeenRun]) -> None:
    """Raise SetupError for a run that did not end, UsageError for one that is named twice, which would count
    as two, and for runs of another target, or of machines and clusters that are not alike."""
    seen: set[tuple[str, float]] = set()
    for run in (*own, *others):
        if not run.ended:
            raise SetupError(
                f"{run.run}: this run did not end, so nothing vouches for its files. Name another"
            )
        if run.identity in seen:
            raise UsageError(
                f"{run.run}: a run cannot be compared with itself, nor count as two. Name another"
            )
        seen.add(run.identity)
        if run.target != target:
            raise UsageError(f"{run.run}: a run of the target {run.target!r}. Name one of {target!r}")
        if run.place != own[0].place:
            said = "; ".join(f"{each.run}: {each.place[0]} cores, {each.place[1]}" for each in (own[0], run))
            raise UsageError(f"runs of another machine or cluster cannot be compared ({said})")


def _alike(past: Sequence[SeenRun], own: Sequence[SeenRun]) -> list[SeenRun]:
    """Runs of at least half of the candidate's drills."""
    wanted = set.intersection(*(set(run.drills) for run in own))
    return [run for run in past if 2 * len(wanted & set(run.drills)) >= len(wanted) > 0]


def _kept(run: SeenRun, reports: Path) -> SeenRun:
    """From its folder, which tells more, where that is the same run."""
    folder = reports / run.run
    if not (folder / RUN_FILE).is_file():
        return run
    found = seen_run(folder)
    return found if found.started_wall == run.started_wall else run
