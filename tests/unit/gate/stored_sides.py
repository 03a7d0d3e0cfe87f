"""Stored runs of two sides, judged by the real judge, for the tests of the commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import msgspec
from click.testing import CliRunner

from drill.cli import cli
from drill.errors import DrillError
from drill.run.facts import read_facts, write_facts
from drill.run.manifest import write_manifest
from tests.unit.evidence.judged_runs import judged_run
from tests.unit.judge.recorded_drill import END, PER_SECOND, START

ROOT = Path(__file__).parents[3]
DAY = 86400.0
SLOWER = dict.fromkeys(range(round((END - START) * PER_SECOND)), 0.013)
"""Every request takes 13 ms for 10."""
POLICY = """
[gate]
block = ["limits", "p95", "recovery"]
warn = ["drift", "memory"]
"""


def stored(reports: Path, name: str, *, day: int, **changes: object) -> Path:
    """A run of one drill that began so many days after the first."""
    folder = judged_run(reports, name, **changes)
    facts = read_facts(folder)
    write_facts(folder, msgspec.structs.replace(facts, started_wall=facts.started_wall + day * DAY))
    write_manifest(folder)
    return folder


def service(folder: Path, policy: str = POLICY) -> Path:
    """drill.toml of the reference target with a policy, and what it names."""
    folder.mkdir()
    for name in ("runbook", "novel_engine"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "drill.toml", folder / "drill.toml")
    text = (folder / "drill.toml").read_text().partition("\n[gate]")[0]
    (folder / "drill.toml").write_text(text + policy)
    return folder / "drill.toml"


def drill(target: Path, *arguments: object) -> tuple[int, str]:
    """Exit status and output of the command."""
    done = CliRunner().invoke(cli, ["--target", str(target), *map(str, arguments)], standalone_mode=False)
    if isinstance(done.exception, DrillError):
        return done.exception.exit_status, done.output + str(done.exception)
    if isinstance(done.exception, click.ClickException):
        return 3, done.exception.format_message()
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output
