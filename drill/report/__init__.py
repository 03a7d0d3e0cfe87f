"""The report of a run. Flows in: reports/<run>/ with its evidence, and the verdicts. Flows out, into the same
folder: index.html for people, summary.json for machines, summary.md for CI; reports/latest leads to the last
run. JUnit XML is pytest's own; Allure results come from drill.report.allure, the line that lives while a run
goes on from drill.report.live.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from drill.judge.verdict import DrillVerdict
from drill.report.defects import prove
from drill.report.page import page
from drill.report.run import Run, as_expected, point_latest, read_recordings, read_run, read_verdicts
from drill.report.summary import markdown, summarize
from drill.runbook import Defect

__all__ = ["Run", "as_expected", "point_latest", "read_run", "read_verdicts", "write_report"]


def write_report(run_folder: Path, verdicts: Sequence[DrillVerdict], errata: Sequence[Defect]) -> None:
    """Write index.html, summary.json and summary.md into `run_folder`. Raises UsageError or InputError where
    run.json is absent or wrong.
    """
    run = read_run(run_folder)
    recordings = read_recordings(run_folder, verdicts)
    proofs = prove(errata, verdicts, recordings)
    summary = msgspec.json.format(msgspec.json.encode(summarize(run_folder, run, verdicts, errata)), indent=2)
    _write(run_folder / "summary.json", summary + b"\n")
    _write(run_folder / "summary.md", markdown(run_folder, run, verdicts, proofs).encode())
    _write(run_folder / "index.html", page(run_folder, run, verdicts, proofs, recordings).encode())


def _write(path: Path, content: bytes) -> None:
    """All or nothing: who reads the report while it is written sees the one before."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
