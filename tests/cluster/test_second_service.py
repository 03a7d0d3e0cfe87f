"""Another service under the same drills, described by one file: its folder, copied to where no part of drill
lies, drilled as its owner would.

Notebook keeps JSON files, and has no database, no Redis, no metrics, no backup and no resource limits: each
is named as not applicable.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from target_state import ROOT

from drill import settings as target_settings
from drill.cluster.access import Cluster, connect
from drill.parts.health import wait_until_healthy
from drill.putback.place import state_folder

pytestmark = pytest.mark.cluster

SERVICE = ROOT / "tests" / "second_service"
WITHIN_SECONDS = 1200
Drilled = Mapping[str, Any]


@pytest.fixture(scope="module")
def notebook(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The service's folder, outside the repository. Users enter at the node's own address, so the cluster
    needs no further port mapping.
    """
    folder = tmp_path_factory.mktemp("owner") / "notebook"
    shutil.copytree(SERVICE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    node = cluster.get("/api/v1/nodes")["items"][0]
    address = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
    file = folder / "drill.toml"
    file.write_text(file.read_text().replace("127.0.0.1:18081", f"{address}:30081"))
    cluster.kubectl("apply", "-k", str(folder / "manifests"))
    settings = target_settings.load(file)
    wait_until_healthy(connect(settings), settings)
    yield folder
    cluster.kubectl("delete", "namespace", "notebook", "--wait=false")


@pytest.fixture(scope="module")
def run(notebook: Path) -> subprocess.CompletedProcess[str]:
    """`pytest features`, in the service's own folder: its drill.toml is found there, and the sentences come
    with `steps`.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "features", "--target", "drill.toml", "--run", "notebook"],
        cwd=notebook,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done


@pytest.fixture(scope="module")
def drills(run: subprocess.CompletedProcess[str], notebook: Path) -> dict[str, Drilled]:
    """The drills of summary.json, by scenario."""
    file = notebook / "reports" / "notebook" / "summary.json"
    assert file.exists(), run.stdout
    return {drill["scenario"]: drill for drill in json.loads(file.read_text())["drills"]}


def test_all_goes_as_its_features_state(
    run: subprocess.CompletedProcess[str], drills: dict[str, Drilled]
) -> None:
    assert run.returncode == 0, run.stdout
    assert {drill["verdict"] for drill in drills.values()} == {"pass", "not applicable"}
    assert "Traceback" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("scenario", "repaired_by"),
    [
        (
            "Bring It Back serves users of a notebook that was scaled away",
            "Nobody Can Read Their Notes / Bring It Back",
        ),
        ("The platform brings back killed web pods", ""),
    ],
)
def test_faults_that_it_can_have_are_drilled(
    drills: dict[str, Drilled], scenario: str, repaired_by: str
) -> None:
    drill = drills[scenario]
    criteria = {each["name"]: each for each in drill["criteria"]}
    assert drill["verdict"] == "pass"
    assert drill["procedures"] == ([repaired_by] if repaired_by else [])
    assert [fault["witness_seconds"] > 0 for fault in drill["faults"]] == [True]
    assert drill["requests"]["failed"] > 0
    assert drill["writes"]["acknowledged"] > 0
    assert drill["writes"]["lost"] == 0
    assert {
        name
        for name in ("recovered", "response_time", "error_rate", "writes")
        if criteria[name]["verdict"] == "pass"
    } == {
        "recovered",
        "response_time",
        "error_rate",
        "writes",
    }
    assert criteria["response_time"]["limit"] == 0.8
    assert criteria["response_time"]["source"].startswith("runbook.md:")


@pytest.mark.parametrize(
    ("criterion", "why"),
    [
        ("cpu", "no container has a CPU limit"),
        ("memory", "no container has a memory limit"),
        ("database", "the target has no database and no metrics"),
        ("data_age", "the target has no backup"),
    ],
)
def test_what_cannot_be_measured_is_named(
    drills: dict[str, Drilled], notebook: Path, criterion: str, why: str
) -> None:
    drill = drills["The platform brings back killed web pods"]
    assert {each["name"]: each["verdict"] for each in drill["criteria"]}[criterion] == "not applicable"
    judged = json.loads((notebook / "reports" / "notebook" / drill["evidence"] / "verdict.json").read_text())
    assert {each["name"]: each["why"] for each in judged["criteria"]}[criterion] == why


@pytest.mark.parametrize(
    ("scenario", "part"),
    [
        ("A corrupted database of a notebook", "[sqlite]"),
        ("Redis of a notebook, redis-killed", "[redis]"),
        ("Redis of a notebook, redis-locked-out", "[redis]"),
        ("A backup of a notebook", "[backup]"),
    ],
)
def test_what_it_does_not_have_is_named_neither_failed_nor_passed(
    run: subprocess.CompletedProcess[str], drills: dict[str, Drilled], scenario: str, part: str
) -> None:
    assert drills[scenario]["verdict"] == "not applicable"
    assert drills[scenario]["criteria"] == []
    lines = run.stdout.splitlines()
    said = next(
        number
        for number, line in enumerate(lines)
        if line.strip() == f"not applicable: {scenario}: not applicable"
    )
    assert lines[said + 1].strip() == f"the target has no {part}"


def test_the_first_service_is_left_alone(
    run: subprocess.CompletedProcess[str], notebook: Path, cluster: Cluster
) -> None:
    """Each service has its own ledger and known state, also on one cluster."""
    assert run.returncode == 0, run.stdout
    beside = state_folder(cluster).parent / "notebook"
    assert json.loads((beside / "known-state.json").read_text())["namespace"] == "notebook"
    assert list((beside / "ledger").glob("*.json")) == []
    assert cluster.namespace != "notebook"
