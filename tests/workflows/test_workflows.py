"""The workflows of .github run as they are: a night, and after it a release that is compared with it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.webhook import hook
from tests.workflows.here import carry_out

ROOT = Path(__file__).parents[2]
FIRST, SECOND = (
    {"github.run_id": "1", "github.run_attempt": "1"},
    {"github.run_id": "2", "github.run_attempt": "1"},
)
AT_MOST_SECONDS = 2700.0
"""Of one command. A night whose controls are all fresh takes 13 minutes, `make up` 15 on a new machine."""


@pytest.mark.quarterly
def test_a_night_and_then_a_release_run_as_their_workflows_are_written(tmp_path: Path) -> None:
    checkout, cache = tmp_path / "checkout", tmp_path / "cache"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    workflows = checkout / ".github" / "workflows"
    with hook() as (address, posted):
        night = carry_out(
            workflows / "nightly.yml",
            checkout,
            cache,
            known=FIRST | {"secrets.DRILL_WEBHOOK": address},
            schedule="0 2 * * *",
            at_most_seconds=AT_MOST_SECONDS,
        )
    told = [(each.command, each.status, each.printed[-1500:]) for each in night.ended]
    # the first night has nothing to be compared with, and says so
    assert night.status_of("drill nightly") == 2, told
    ((_, message),) = posted
    assert message["exit_status"] == 2
    assert str(message["markdown"]) in night.summary
    assert all(night.artifacts.values()), night.artifacts

    release = carry_out(
        workflows / "gate.yml", checkout, cache, known=SECOND, at_most_seconds=AT_MOST_SECONDS
    )
    told = [(each.command, each.status, each.printed[-1500:]) for each in release.ended]
    assert release.restored
    assert release.status_of("-m gate") == 0, told
    # what it decides on one night is its own matter; that it compares with that night is asked here
    assert release.status_of("drill gate") in (0, 1, 2), told
    decided = json.loads((checkout / "gate.json").read_text(encoding="utf-8"))
    assert decided["decision"]["baseline"] == [message["run"]]
    assert "not drilled by each run" not in release.summary, "-m gate drills less than a night"
    assert release.summary.startswith((checkout / "gate.md").read_text(encoding="utf-8"))
    assert release.status_of("drill gate") == 0 or "::" in release.ended[-2].printed, told  # annotations
    assert all(release.artifacts.values()), release.artifacts
