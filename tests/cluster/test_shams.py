"""A standing proof that the judge cannot be fooled: procedures that repair nothing never pass, and true
repairs of the same faults do. Each is a scenario in tests/shams, drilled on the real cluster; both counts are
printed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from target_state import ROOT, assert_as_known
from test_sabotage import SHORT_PATIENCE, altered

from drill.cluster.access import Cluster
from drill.settings import Settings

pytestmark = pytest.mark.cluster

SHAMS = ROOT / "tests" / "shams"
WITHIN_SECONDS = 2400
Drilled = Mapping[str, Any]


class Ran(NamedTuple):
    """What came of the run. `summary`: its summary.json."""

    status: int
    stdout: str
    summary: Path


SHORT_WATCH = {**SHORT_PATIENCE, "after_at_most_seconds = 108": "after_at_most_seconds = 54"}
"""Of the shams alone: a service that stays out is waited for, and one that is lost again after 40 s is lost
well within this window. A true repair has as long as any drill to be decided."""
LOST_WRITES = "An empty database in the place of a broken one"
RELAPSES = "Repaired, and broken again after 40 s"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenarios of tests/shams, with drill.toml and with one that watches for a shorter time; both name
    another runbook."""
    folder = tmp_path_factory.mktemp("shams")
    target = (ROOT / "drill.toml").read_text(encoding="utf-8")
    changes = {
        'runbook = "runbook/operations-runbook.md"': f'runbook = "{SHAMS}/runbook.md"',
        'runbook_as_written = "runbook/as-first-written.md"': "",
        'errata = "runbook/errata.yaml"': "",
        'manifests = "novel_engine/manifests"': f'manifests = "{ROOT}/novel_engine/manifests"',
    }
    for name, others in {"drill.toml": {}, "watched-shortly.toml": SHORT_WATCH}.items():
        (folder / name).write_text(altered(target, {**changes, **others}), encoding="utf-8")
    shutil.copytree(SHAMS / "features", folder / "features", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("conftest.py", "pytest.ini"):
        shutil.copy(SHAMS / file, folder)
    shutil.copytree(
        ROOT / "novel_engine", folder / "novel_engine", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


@pytest.fixture(scope="module")
def shams(folder: Path) -> Ran:
    """Every sham, by the command that a user types."""
    return drilled(folder, "watched-shortly.toml", "sham")


@pytest.fixture(scope="module")
def true_repairs(folder: Path) -> list[Ran]:
    """The true repairs. A run in which the sample of one was too small to decide is followed by another: that
    a judge admits it is no fault of his, but he must not admit it always.
    """
    first = drilled(folder, "drill.toml", "true-repair")
    if "inconclusive" in {drill["verdict"] for drill in drills_of(first)} <= {"pass", "inconclusive"}:
        print("a true repair was not decided: the true repairs are drilled again")
        return [first, drilled(folder, "drill.toml", "true-repair", "again")]
    return [first]


def drilled(folder: Path, target: str, tag: str, name: str = "") -> Ran:
    """Drill the scenarios of that tag; `name`: of the run, if not the tag."""
    name = name or tag
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "features", "--target", target, "--run", name, "-m", tag],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    print(done.stdout[-6000:], done.stderr[-3000:])
    return Ran(done.returncode, done.stdout, folder / "reports" / name / "summary.json")


def drills_of(ran: Ran) -> list[Drilled]:
    """The drills of summary.json."""
    assert ran.summary.exists(), ran.stdout
    found: list[Drilled] = json.loads(ran.summary.read_text(encoding="utf-8"))["drills"]
    return found


@pytest.fixture(scope="module")
def drills(shams: Ran) -> list[Drilled]:
    """Of the shams."""
    return drills_of(shams)


def test_no_sham_procedure_passes(drills: list[Drilled]) -> None:
    passed = [drill["scenario"] for drill in drills if drill["verdict"] == "pass"]
    print(f"sham procedures: {len(drills)}, of which passed: {len(passed)}")
    assert len(drills) == 9
    assert passed == []


def test_each_sham_fails_for_what_it_is(drills: list[Drilled]) -> None:
    """Inconclusive is not enough: each is caught, by the criterion that it breaks."""
    failed = {
        drill["scenario"]: {each["name"] for each in drill["criteria"] if each["verdict"] == "fail"}
        for drill in drills
    }
    assert {
        scenario: "recovered" in names or "writes" in names for scenario, names in failed.items()
    } == dict.fromkeys(failed, True)
    assert "writes" in failed[LOST_WRITES]
    assert "recovered" in failed[RELAPSES]


def test_no_sham_earns_credit(drills: list[Drilled]) -> None:
    assert {drill["credit"] for drill in drills} <= {"nobody", "not measured"}


def test_true_repairs_pass(true_repairs: list[Ran]) -> None:
    repairs = drills_of(true_repairs[-1])
    passed = [drill["scenario"] for drill in repairs if drill["verdict"] == "pass"]
    print(f"true repairs: {len(repairs)}, of which passed: {len(passed)}; runs: {len(true_repairs)}")
    assert len(repairs) == 2
    assert len(passed) == len(repairs), true_repairs[-1].stdout


def test_the_runs_end_as_their_scenarios_state(
    shams: Ran, true_repairs: list[Ran], settings: Settings, cluster: Cluster
) -> None:
    """0; 2 where one was not decided."""
    assert shams.status == 0, shams.stdout
    assert [ran.status for ran in true_repairs] == [2, 0][-len(true_repairs) :], true_repairs[-1].stdout
    assert_as_known(settings, cluster)
