"""What a run writes down of what it is made with, before anything is broken: texts, versions, machine,
cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from drill.cluster.access import kubectl_path
from drill.conduct.run import Run
from drill.conduct.scenario import Written, facts_of
from drill.errors import ToolMissingError
from drill.inject.experiment import experiment_of
from drill.run.facts import Role
from drill.run.versions import machine, project_of, tools
from drill.settings import Settings


def begin_run(run: Run, settings: Settings, scenarios: Sequence[Written]) -> None:
    """Begin the run of these scenarios: its folder, its inputs, run.json. Raises UsageError or SetupError;
    nothing is broken yet."""
    run.begin(
        settings.target.name,
        settings.root,
        _inputs(settings, scenarios),
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
    faults = {fault for written in scenarios for fault in facts_of(written).faults}
    for fault in sorted(faults):
        yield "experiment", experiment_of(settings, fault).path
    for file in sorted({written.file for written in scenarios}):
        yield "feature", Path(file).absolute()


def _kubectl() -> str:
    try:
        return kubectl_path()
    except ToolMissingError:
        return "kubectl"  # absent: run.json says so, and connecting to the cluster says what it prevents
