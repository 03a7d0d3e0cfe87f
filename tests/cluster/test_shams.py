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
from test_sabotage import altered

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


LOST_WRITES = "An empty database in the place of a broken one"
RELAPSES = "Repaired, and broken again after 40 s"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Ran]:
    """Every scenario of tests/shams, by the command that a user types, against drill.toml with another
    runbook. A run in which the sample of a true repair was too small to decide is followed by another of the
    true repairs alone: that a judge admits it is no fault of his, but he must not admit it always.
    """
    folder = tmp_path_factory.mktemp("shams")
    target = (ROOT / "drill.toml").read_text(encoding="utf-8")
    changes = {
        'runbook = "runbook/operations-runbook.md"': f'runbook = "{SHAMS}/runbook.md"',
        'runbook_as_written = "runbook/as-first-written.md"': "",
        'errata = "runbook/errata.yaml"': "",
        'manifests = "novel_engine/manifests"': f'manifests = "{ROOT}/novel_engine/manifests"',
    }
    (folder / "drill.toml").write_text(altered(target, changes), encoding="utf-8")
    shutil.copytree(SHAMS / "features", folder / "features", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("conftest.py", "pytest.ini"):
        shutil.copy(SHAMS / file, folder)
    shutil.copytree(
        ROOT / "novel_engine", folder / "novel_engine", ignore=shutil.ignore_patterns("__pycache__")
    )
    first = drilled(folder, "shams")
    if "inconclusive" in {drill["verdict"] for drill in true_repairs(first)} <= {"pass", "inconclusive"}:
        print("a true repair was not decided: the true repairs are drilled again")
        return [first, drilled(folder, "again", "-m", "true-repair")]
    return [first]


def drilled(folder: Path, name: str, *options: str) -> Ran:
    """Run the features of the folder."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "features", "--target", "drill.toml", "--run", name, *options],
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


def true_repairs(ran: Ran) -> list[Drilled]:
    return [drill for drill in drills_of(ran) if "true-repair" in drill["tags"]]


@pytest.fixture(scope="module")
def drills(runs: list[Ran]) -> list[Drilled]:
    """All drills of the first run, in which each scenario was drilled."""
    return drills_of(runs[0])


def test_no_sham_procedure_passes(drills: list[Drilled]) -> None:
    shams = [drill for drill in drills if "sham" in drill["tags"]]
    passed = [drill["scenario"] for drill in shams if drill["verdict"] == "pass"]
    print(f"sham procedures: {len(shams)}, of which passed: {len(passed)}")
    assert len(shams) == 9
    assert passed == []


def test_each_sham_fails_for_what_it_is(drills: list[Drilled]) -> None:
    """Inconclusive is not enough: each is caught, by the criterion that it breaks."""
    failed = {
        drill["scenario"]: {each["name"] for each in drill["criteria"] if each["verdict"] == "fail"}
        for drill in drills
        if "sham" in drill["tags"]
    }
    assert {
        scenario: "recovered" in names or "writes" in names for scenario, names in failed.items()
    } == dict.fromkeys(failed, True)
    assert "writes" in failed[LOST_WRITES]
    assert "recovered" in failed[RELAPSES]


def test_no_sham_earns_credit(drills: list[Drilled]) -> None:
    assert {drill["credit"] for drill in drills if "sham" in drill["tags"]} <= {"nobody", "not measured"}


def test_true_repairs_pass(runs: list[Ran]) -> None:
    repairs = true_repairs(runs[-1])
    passed = [drill["scenario"] for drill in repairs if drill["verdict"] == "pass"]
    print(f"true repairs: {len(repairs)}, of which passed: {len(passed)}; runs: {len(runs)}")
    assert len(repairs) == 2
    assert len(passed) == len(repairs), runs[-1].stdout


def test_the_run_ends_as_its_scenarios_state(runs: list[Ran], settings: Settings, cluster: Cluster) -> None:
    """0; 2 where one was not decided."""
    assert [ran.status for ran in runs] == [2, 0][-len(runs) :], runs[-1].stdout
    assert_as_known(settings, cluster)
