"""What a run writes down of what it is made with, before anything is broken: texts, versions, machine,
cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from drill.checklist.attestations import read_attestations
from drill.cluster.access import kubectl_path
from drill.conduct.run import Run
from drill.conduct.scenario import Written, facts_of
from drill.errors import ToolMissingError
from drill.inject.experiment import experiment_of
from drill.report.not_drilled import check_not_drilled
from drill.run.facts import Role
from drill.run.inputs import BESIDE
from drill.run.versions import machine, project_of, tools
from drill.runbook import checklist_items, listed_symptoms, parse
from drill.settings import Settings


def begin_run(
    run: Run, settings: Settings, scenarios: Sequence[Written], not_selected: Sequence[str]
) -> None:
    """Begin the run of these scenarios: its folder, its inputs, run.json. `not_selected`: titles of those
    that the command line leaves out. Raises UsageError, SetupError, or InputError for what is not right in
    the files beside the runbook; nothing is broken yet."""
    _refuse_wrong(settings)
    run.begin(
        settings.target.name,
        settings.root,
        _inputs(settings, scenarios),
        not_selected,
        project=project_of(settings.root),
        machine=machine(),
        tools=tools(_kubectl()),
    )


def _inputs(settings: Settings, scenarios: Sequence[Written]) -> Iterator[tuple[Role, Path]]:
    target = settings.target
    yield "target", settings.file
    yield "runbook", target.runbook
    if target.runbook_as_written is not None:
        yield "runbook as written", target.runbook_as_written
    if target.errata is not None:
        yield "errata", target.errata
    beside = Path(target.runbook).parent
    for role, file in BESIDE.items():
        path = Path(settings.checklists.attestations) if role == "attestations" else beside / file
        if (settings.root / path).is_file():
            yield role, path
    faults = {fault for written in scenarios for fault in facts_of(written).faults}
    for fault in sorted(faults):
        yield "experiment", experiment_of(settings, fault).path
    for file in sorted({written.file for written in scenarios}):
        yield "feature", Path(file).absolute()


def _refuse_wrong(settings: Settings) -> None:
    """What the report reads of these files when all is over is refused now."""
    runbook = parse(settings.root / settings.target.runbook)
    items = checklist_items(runbook)
    listed_symptoms(runbook)
    names = [item.name for item in items]
    read_attestations(settings.root / settings.checklists.attestations, names, date.max)
    check_not_drilled(settings.root, settings.target.runbook, settings.target.runbook_as_written)


def _kubectl() -> str:
    try:
        return kubectl_path()
    except ToolMissingError:
        return "kubectl"  # absent: run.json says so, and connecting to the cluster says what it prevents
