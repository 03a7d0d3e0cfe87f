"""`drill ablation`: which commands of the corrected procedures are needed? Flows in: the mutants that leave
one command out, and what became of them under drills. Flows out: a list by procedure, and an exit status as
`drill mutate` has it.

Needed: without it a drill ends otherwise than it states. Not shown to be needed: every drill that follows it
ended as it states without it, which is no proof that it never is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click

from drill.arguments import allowing, settings_of
from drill.conduct.apart import check_fits, put_into
from drill.lint.document import Document
from drill.mutate.command import Work, features_option, into_option, minutes_option
from drill.mutate.corrected import corrected_option
from drill.mutate.drilling import Drilling, Fate, MutationPlan
from drill.mutate.held import hold_folder
from drill.mutate.mutant import Mutant
from drill.mutate.state import State
from drill.mutate.workbench import Workbench
from drill.run.apart import AblatedProcedure, LeftOutCommand, LeftOutWord, NeededCommands

LEAVES_OUT = frozenset({"drop", "wait"})
"""The operators that leave a command out."""
TOLD: dict[Fate, LeftOutWord] = {
    "caught": "needed",
    "refused": "undecided",
    "survived": "not shown to be needed",
    "undecided": "undecided",
    "not run": "not run",
}


@click.command()
@features_option
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("mutants/runbook"),
    show_default=True,
    help="Where results are kept: those of `drill mutate`, whose drills count here as well.",
)
@minutes_option
@click.option("--only", metavar="WORDS", default="", help="Only procedures whose heading holds these words.")
@click.option("--told", is_flag=True, help="Drill nothing: only print what is known so far.")
@into_option
@corrected_option
@click.pass_context
def ablation(
    context: click.Context,
    *,
    features: Path,
    folder: Path,
    minutes: float | None,
    only: str,
    told: bool,
    into: Path | None,
    corrected: Path | None,
) -> None:
    """Leave each command of the corrected procedures out in turn, and see which of them the drills need.

    Each drill is kept when it has ended; run again, it goes on."""
    settings = settings_of(context)
    if into is not None:
        check_fits(into, settings)
    work = Work(settings, features, folder, None)
    chosen = [
        mutant for mutant in left_out(work.all) if only.lower() in _heading(work.document, mutant).lower()
    ]
    if not told:
        with hold_folder(folder) as lock:
            state = work.state
            work.know(corrected, state, context)
            bench = Workbench(settings, folder, features, allowing(context), lock=lock, say=click.echo)
            bench.prepare()
            waiting = [mutant for mutant in chosen if mutant.id not in work.reasons]
            if not Drilling(work.plan, state, bench, click.echo).work(waiting, minutes):
                click.echo("the time is up: run this again to go on")
        click.echo("")
    state = work.state
    for line in ablation_lines(work.document, chosen, work.plan, state, work.reasons):
        click.echo(line)
    if into is not None:
        put_into(into, settings, needed_commands(work.document, chosen, work.plan, state, work.reasons))


def left_out(mutants: Sequence[Mutant]) -> list[Mutant]:
    """Those that leave a command out."""
    return [mutant for mutant in mutants if mutant.operator in LEAVES_OUT]


def ablation_lines(
    document: Document,
    chosen: Sequence[Mutant],
    plan: MutationPlan,
    state: State,
    reasons: Mapping[str, str],
) -> Iterator[str]:
    """Each procedure with its commands, then the sum. `reasons`: of commands that no drill could miss."""
    procedures = _by_procedure(document, chosen)
    sums: Counter[LeftOutWord] = Counter()
    for heading, commands in procedures.items():
        told = {mutant.id: _told(mutant, plan, state, reasons) for mutant in commands}
        counted = Counter(word for word, _ in told.values())
        sums += counted
        yield f"{heading}: {len(commands)} commands: {_counts(counted)}"
        for mutant in commands:
            word, why = told[mutant.id]
            said = f"{word} ({why})" if why else word
            yield f"  line {mutant.line}: {said}: {' '.join(mutant.before.split())}"
        yield ""
    yield f"{len(chosen)} commands of {len(procedures)} procedures: {_counts(sums) or 'none'}"


def needed_commands(
    document: Document,
    chosen: Sequence[Mutant],
    plan: MutationPlan,
    state: State,
    reasons: Mapping[str, str],
) -> NeededCommands:
    """The same for the report of a run."""
    ids = {mutant.id for mutant in chosen}
    counted = {
        (mutant.id, each.scenario, plan.basis(mutant, each))
        for mutant in chosen
        for each in plan.scenarios_of(mutant, state)
    }
    walls = [
        datetime.fromisoformat(each.began).timestamp()
        for each in state.kept.tried
        if each.mutant in ids and (each.mutant, each.scenario, each.basis) in counted
    ]
    return NeededCommands(
        [
            AblatedProcedure(
                heading,
                [
                    LeftOutCommand(
                        mutant.line,
                        " ".join(mutant.before.split()),
                        *_told(mutant, plan, state, reasons),
                    )
                    for mutant in commands
                ],
            )
            for heading, commands in _by_procedure(document, chosen).items()
        ],
        (min(walls), max(walls)) if walls else None,
    )


def _by_procedure(document: Document, chosen: Sequence[Mutant]) -> dict[str, list[Mutant]]:
    procedures: dict[str, list[Mutant]] = {}
    for mutant in chosen:
        procedures.setdefault(_heading(document, mutant), []).append(mutant)
    return procedures


def _told(
    mutant: Mutant, plan: MutationPlan, state: State, reasons: Mapping[str, str]
) -> tuple[LeftOutWord, str]:
    if mutant.id in reasons:
        return TOLD["survived"], reasons[mutant.id]
    fate, scenario = plan.fate(mutant, state)
    why = "does not fit the runbook without it" if fate == "refused" else "fails without it"
    return TOLD[fate], f"{scenario!r} {why}" if scenario else ""


def _counts(counted: Mapping[LeftOutWord, int]) -> str:
    return ", ".join(f"{counted[word]} {word}" for word in TOLD.values() if counted.get(word))


def _heading(document: Document, mutant: Mutant) -> str:
    return next((each.title for each in reversed(document.headings) if each.line <= mutant.line), "")
