"""Optional files: without one there is none, and a link that leads to none is an error that names it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from drill.checklist.attestations import read_attestations
from drill.errors import UsageError
from drill.evidence.findings import read_findings
from drill.report.not_drilled import FILE as NOT_DRILLED
from drill.report.not_drilled import check_not_drilled
from drill.runbook import checklist_items, listed_symptoms, parse
from drill.runbook.answers import FILE as ANSWERS
from drill.runbook.answers import script_lines
from drill.runbook.checklists import FILE as CHECKLISTS
from drill.runbook.symptoms import FILE as SYMPTOMS

READERS: dict[str, Callable[[Path], object]] = {
    "findings.yaml": lambda folder: read_findings(folder / "findings.yaml"),
    "attestations.yaml": lambda folder: read_attestations(
        folder / "attestations.yaml", (), date(2026, 12, 1)
    ),
    CHECKLISTS: lambda folder: checklist_items(parse(folder / "runbook.md")),
    SYMPTOMS: lambda folder: listed_symptoms(parse(folder / "runbook.md")),
    ANSWERS: lambda folder: script_lines(parse(folder / "runbook.md")),
    NOT_DRILLED: lambda folder: check_not_drilled(folder, "runbook.md"),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("leads_to", "said"), [("itself", "Too many levels of symbolic links"), ("gone", "no such file")]
)
def test_a_link_that_leads_to_no_file_is_an_error(
    tmp_path: Path, name: str, leads_to: str, said: str
) -> None:
    (tmp_path / "runbook.md").write_text("# Runbook\n")
    READERS[name](tmp_path)
    os.symlink(name if leads_to == "itself" else leads_to, tmp_path / name)
    with pytest.raises(UsageError, match=rf"{name}: .*{said}"):
        READERS[name](tmp_path)
