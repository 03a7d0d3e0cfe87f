"""The report of a run, made from its folder alone, into the same folder: index.html for people, summary.json
for machines, summary.md for CI. JUnit XML is pytest's own; Allure results come from drill.report.allure, the
line that lives while a run goes on from drill.report.live.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from drill.judge.verdict import DrillVerdict
from drill.report.annotated import Told
from drill.report.page import page
from drill.report.summary import markdown, summarize
from drill.run.defects import prove, proves_by_drill
from drill.run.facts import read_facts
from drill.run.files import write_file
from drill.run.inputs import errata_of
from drill.run.outcome import exit_status
from drill.run.stored import read_recordings

__all__ = ["write_report"]


def write_report(run_folder: Path, verdicts: Sequence[DrillVerdict], told: Sequence[Told] = ()) -> None:
    """Write index.html, summary.json and summary.md into `run_folder`. `verdicts`: in order, each with its
    evidence as a path below that folder; `told`: what others say of the runbook's lines. Raises UsageError or
    InputError where run.json is absent or wrong, SetupError where a file cannot be written."""
    facts = read_facts(run_folder)
    if facts.exit_status is not None:
        facts = replace(facts, exit_status=exit_status(verdicts, facts.findings))
    recordings = read_recordings(run_folder, verdicts)
    errata = errata_of(run_folder, facts)
    proofs = prove(errata, verdicts, recordings)
    proves = proves_by_drill(proofs)
    summary = msgspec.json.format(msgspec.json.encode(summarize(facts, verdicts, errata, proves)), indent=2)
    write_file(run_folder / "summary.json", summary + b"\n")
    write_file(run_folder / "summary.md", markdown(facts, verdicts, proofs, proves).encode())
    html = page(run_folder, facts, verdicts, proofs, recordings, told=told)
    write_file(run_folder / "index.html", html.encode())
