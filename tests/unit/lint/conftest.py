"""What tests of lint share: the reference target's manifests, the programs of its images, its metrics."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from drill.lint.manifests import load_manifests
from drill.lint.run import Options
from drill.machine.promtool import ensure_promtool

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session", autouse=True)
def promtool() -> None:
    """As whoever lints alert rules has it: a new machine has none."""
    ensure_promtool()


@pytest.fixture(scope="session")
def beside() -> Options:
    """All that can be given beside a runbook, on a fixed day."""
    return Options(
        load_manifests(ROOT / "novel_engine" / "manifests"),
        {
            "novel-engine:drill": frozenset(
                ["python", "sqlite3", "tar", "sh", "bash", "rm", "cat", "find", "sort", "cp", "mv", "sync"]
            ).union(["getent", "sleep", "timeout"]),
            "redis:drill": frozenset(
                ["redis-cli", "redis-server", "sh", "xargs", "rm", "cat", "free", "date", "grep"]
            ),
        },
        frozenset((ROOT / "novel_engine" / "metrics.txt").read_text(encoding="utf-8").split()),
        today=date(2026, 11, 24),
    )
