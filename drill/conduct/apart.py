"""Putting what was measured apart from a run into its folder, and its report with it. The run stays one that
stands alone: what is put in is a copy, and the manifest names it."""

from __future__ import annotations

from pathlib import Path

from drill.conduct.rejudge import rewrite_report, untouched
from drill.errors import UsageError
from drill.run.apart import MeasuredApart, file_of
from drill.run.facts import read_facts
from drill.run.manifest import sha256_of
from drill.settings import Settings


def check_fits(run_folder: Path, settings: Settings) -> None:
    """Raise UsageError where the run did not end, or is of another runbook than the one that is there now:
    what was measured with one text says nothing of another. Raises SetupError where its files are not as it
    left them."""
    facts = read_facts(run_folder)
    if untouched(run_folder) is None:
        raise UsageError(f"{run_folder}: this run did not end: expected one that has its report")
    runbook = settings.root / settings.target.runbook
    kept = next((each for each in facts.inputs if each.role == "runbook"), None)
    if kept is None or kept.sha256 != sha256_of(runbook):
        raise UsageError(
            f"{run_folder}: its runbook is not {runbook} as that is now: expected a run of the same text, "
            "since what a command does with one says nothing of another"
        )


def put_into(run_folder: Path, settings: Settings, measured: MeasuredApart) -> None:
    """Write it into the run's folder, in the place of what was there of the same kind, and the run's reports
    anew. Raises as check_fits."""
    check_fits(run_folder, settings)
    rewrite_report(run_folder, [file_of(measured)])
