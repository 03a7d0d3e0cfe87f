"""`drill matrix`. Flows in: arguments. Flows out: a table, and an exit status: 0, or 3 for bad input and
drills that cannot be made. What a procedure does under a fault of another section is a result, not a
failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import msgspec

from drill import present
from drill.arguments import allowing, reports_option, settings_of
from drill.cluster.access import connect
from drill.conduct.apart import check_fits, put_into
from drill.conduct.book import Book
from drill.conduct.ground import cluster_facts
from drill.conduct.keeping import find_controls
from drill.errors import UsageError
from drill.inject.experiment import experiment_of, fault_names, lacking
from drill.lint.document import read_document
from drill.matrix.answers import answer_lines, answers_seen
from drill.matrix.crossing import FOLDER, CrossedFault, crossed, files_of, procedures_of
from drill.matrix.diagnosis import symptoms_in, symptoms_seen
from drill.matrix.diagnosis_words import diagnosis_lines, symptom_shares
from drill.matrix.kept import reuse_controls
from drill.matrix.order import emergencies_once
from drill.matrix.state import CrossedState
from drill.matrix.stored import cases_of
from drill.matrix.words import as_json, table_lines, wrong_sections
from drill.matrix.work import CrossingPlan, work
from drill.mutate.command import into_option, minutes_option
from drill.mutate.held import hold_folder
from drill.mutate.workbench import Workbench
from drill.recording.events import FELT_AT_ONCE
from drill.run.facts import read_facts
from drill.run.files import write_file
from drill.run.kept import Kept
from drill.runbook import ListedSymptom, listed_symptoms, parse, script_lines
from drill.settings import Backup, Settings

STATE, TABLE = "state.json", "matrix.json"


@click.command()
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    default=Path("features"),
    show_default=True,
    help="The folder of the scenarios whose procedures are taken.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("mutants/matrix"),
    show_default=True,
    help="Where results are kept, and where drills are made.",
)
@minutes_option
@click.option("--fault", "only", multiple=True, metavar="NAME", help="Only these faults; may be repeated.")
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="Every procedure of every section, instead of one of each section whose heading states a severity.",
)
@click.option("--as-written", is_flag=True, help="The procedures of the runbook as first written.")
@click.option("--told", is_flag=True, help="Drill nothing: only print what is known so far.")
@into_option
@click.option(
    "--symptoms",
    is_flag=True,
    help="Drill nothing: tell from stored runs, with --into from that one, how often each section's symptoms "
    "hold under its faults only.",
)
@click.option(
    "--answers",
    is_flag=True,
    help="Drill nothing: tell from stored runs what the runbook's scripts answer: right, wrong, silent.",
)
@reports_option("Where the runs for --symptoms and --answers lie.")
@click.pass_context
def matrix(
    context: click.Context,
    *,
    features: Path,
    folder: Path,
    minutes: float | None,
    only: tuple[str, ...],
    every: bool,
    as_written: bool,
    told: bool,
    into: Path | None,
    symptoms: bool,
    answers: bool,
    reports: Path,
) -> None:
    """Follow each emergency procedure under each fault of another section, and compare with nobody acting:
    helps, harmless, worse.

    Without --fault: all faults that users feel. Each drill is kept when it has ended; run again, it goes on.
    The order fills the table evenly. A control that an earlier run kept stands for nobody acting.
    """
    settings = settings_of(context)
    if into is not None:
        if answers or as_written:
            raise UsageError("--into: expected it without --answers and --as-written")
        check_fits(into, settings)
    if symptoms and into is not None:
        _put_shares(settings, into, only)
        return
    if symptoms or answers:
        stored = _diagnosis(settings, reports, only) if symptoms else _answers(settings, reports, as_written)
        for line in stored:
            click.echo(line)
        return
    plan = _plan(settings, features, only, as_written=as_written)
    if not every:
        plan = replace(plan, crossings=tuple(emergencies_once(plan.crossings)))
    if not told:
        with hold_folder(folder) as lock:
            state = CrossedState(folder / STATE)
            files = files_of(plan.crossings, plan.severity)
            bench = Workbench(
                settings,
                folder,
                settings.root / FOLDER,
                allowing(context),
                added=files,
                lock=lock,
                say=click.echo,
            )
            bench.prepare()
            _reuse(settings, plan, state, context.obj["allow_context"])
            if not work(plan, state, bench, click.echo, minutes):
                left = len(plan.unknown(state))
                click.echo(f"the time is up, {left} drills are left: run this again to go on")
        click.echo("")
    state = CrossedState(folder / STATE)
    for line in table_lines(plan, state):
        click.echo(line)
    content = msgspec.json.format(msgspec.json.encode(as_json(plan, state)))
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / TABLE, content)
    if into is not None:
        put_into(into, settings, wrong_sections(plan, state))


def _put_shares(settings: Settings, run_folder: Path, only: tuple[str, ...]) -> None:
    """Of the run's own recordings."""
    listed = _listed(settings)
    seen = symptoms_in(listed, cases_of(run_folder, read_facts(run_folder)))
    faults = _faults(settings, only)
    for line in diagnosis_lines(listed, seen, faults):
        click.echo(line)
    put_into(run_folder, settings, symptom_shares(listed, seen, faults))


def _listed(settings: Settings) -> list[ListedSymptom]:
    listed = listed_symptoms(parse(settings.root / settings.target.runbook))
    if not listed:
        raise UsageError(f"{settings.target.runbook}: expected a section that lists its Symptoms")
    return listed


def _diagnosis(settings: Settings, reports: Path, only: tuple[str, ...]) -> Iterator[str]:
    listed = _listed(settings)
    seen = symptoms_seen(listed, reports, settings.target.name)
    return diagnosis_lines(listed, seen, _faults(settings, only))


def _answers(settings: Settings, reports: Path, as_written: bool) -> Iterator[str]:
    lines = script_lines(parse(settings.root / settings.target.runbook))
    if not lines:
        raise UsageError(f"{settings.target.runbook}: expected answers.yaml beside it, with lines of scripts")
    witnesses = {name: experiment_of(settings, name).witness for name in fault_names(settings)}
    seen = answers_seen(lines, reports, settings.target.name, witnesses, as_written=as_written)
    return answer_lines(lines, seen)


def _reuse(settings: Settings, plan: CrossingPlan, state: CrossedState, allow_context: str | None) -> None:
    if not plan.unknown_alone(state):
        return
    cluster = cluster_facts(settings, connect(settings, allow_context))

    def kept_of(fault: CrossedFault) -> list[Kept]:
        return find_controls(settings, cluster, [fault.name], present.wall())

    reuse_controls(plan, state, kept_of, settings.judge.patience_seconds, click.echo)


def _plan(settings: Settings, features: Path, only: tuple[str, ...], *, as_written: bool) -> CrossingPlan:
    book = Book(settings)
    target = settings.file.read_text(encoding="utf-8")
    path = settings.root / settings.target.runbook
    text = path.read_text(encoding="utf-8")
    if as_written:
        if settings.target.runbook_as_written is None:
            raise UsageError(f"{settings.file}: expected runbook_as_written under [target] for --as-written")
        path = settings.root / settings.target.runbook_as_written
        target += path.read_text(encoding="utf-8")
    runbook: Any = book.as_written if as_written else book.corrected
    procedures = procedures_of(features, runbook, read_document(path), as_written=as_written)
    faults = _faults(settings, only)
    severity = next((each.severity for each in procedures if each.severity), "P0")
    return CrossingPlan(text, tuple(crossed(faults, procedures)), severity, target)


def _faults(settings: Settings, only: tuple[str, ...]) -> list[CrossedFault]:
    """Those that are named, else those that users feel; a named one that is none raises UsageError."""
    found = []
    for name in only or fault_names(settings):
        experiment = experiment_of(settings, name)
        if (not only and experiment.felt not in FELT_AT_ONCE) or lacking(settings, name):
            continue
        part = settings.parts.get(settings.part_name(experiment.part)) if experiment.part else None
        found.append(CrossedFault(name, experiment.section, isinstance(part, Backup)))
    return found
