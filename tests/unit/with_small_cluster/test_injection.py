"""Whole injections: the Chaos Toolkit in processes of its own, the experiments of experiments/, the ledger;
on a small cluster that shows what a patch does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from small_cluster import SmallCluster, a_deployment

from drill import wait
from drill.cluster.access import Cluster
from drill.errors import FaultError, UsageError
from drill.inject import Injection
from drill.inject.journal import complaints, read_journal
from drill.putback import close_drill, open_drill
from drill.putback.known_state import differences, observe
from drill.putback.ledger import Ledger
from drill.putback.place import state_folder
from drill.recording import Recorder, Request, read_events
from drill.recording.events import FaultUnnoticed, FaultUnwitnessed, FaultWitnessed
from drill.settings import Settings

ROOT = Path(__file__).parents[3]
OF_THE_API_SERVER = ["deployment-scaled-to-zero", "image-missing", "readiness-broken", "selector-wrong"]


class Users:
    """Users who see the same from the injection on: a request of so many seconds, failed or not."""

    def __init__(self, seconds: float, error: str = "") -> None:
        self.seconds, self.error = seconds, error

    def poll(self) -> None:
        """Nothing is to be read."""

    def measured_since(self, monotonic: float, names: Collection[str]) -> list[Request]:
        planned = [monotonic + number / 100 for number in range(20)]
        return [
            Request(each, each, each + self.seconds, "GET /", 0 if self.error else 200, self.error)
            for each in planned
            if each < time.monotonic()
        ]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "recording.jsonl")
    yield made
    made.close()


def take_effect(injection: Injection) -> None:
    injection.start()
    injection.wait_until_announced()
    injection.inject()
    injection.wait_until_effective()


@pytest.mark.parametrize("fault", OF_THE_API_SERVER)
def test_a_fault_is_witnessed_and_undone(
    small: SmallCluster,
    settings: Settings,
    cluster: Cluster,
    tmp_path: Path,
    recorder: Recorder,
    *,
    fault: str,
) -> None:
    known = observe(cluster)
    injection = Injection(settings, cluster, fault, tmp_path, recorder, users=Users(0.01, "503"))
    take_effect(injection)
    assert differences(known, observe(cluster)) != []
    (entry,) = Ledger(state_folder(cluster)).faults()
    assert entry.fault == fault
    injection.undo()
    injection.wait_until_undone()
    assert differences(known, observe(cluster)) == []
    assert Ledger(state_folder(cluster)).files() == []
    (witnessed,) = [event.data for event in read_events(recorder.path) if event.kind == "fault.witnessed"]
    assert isinstance(witnessed, FaultWitnessed)
    assert witnessed.users == "failed request GET /: 503"
    assert "endpoints of service web" in witnessed.what


def test_several_faults_are_open_at_once_and_all_are_undone(
    small: SmallCluster, settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    known = observe(cluster)
    injections = [
        Injection(settings, cluster, fault, tmp_path, recorder)
        for fault in ("selector-wrong", "image-missing")
    ]
    for injection in injections:
        injection.start()
    for injection in injections:
        injection.wait_until_announced()
    for injection in injections:
        injection.inject()
        injection.wait_until_effective()
    assert {entry.fault for entry in Ledger(state_folder(cluster)).faults()} == {
        "selector-wrong",
        "image-missing",
    }
    for injection in reversed(injections):
        injection.undo()
    for injection in reversed(injections):
        injection.wait_until_undone()
    assert differences(known, observe(cluster)) == []
    assert sorted(file.name for file in tmp_path.glob("journal-*.json")) == [
        "journal-image-missing.json",
        "journal-selector-wrong.json",
    ]


def test_nobody_noticed_is_a_result(
    small: SmallCluster, settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    injection = Injection(settings, cluster, "selector-wrong", tmp_path, recorder, users=Users(0.01))
    take_effect(injection)
    injection.undo()
    injection.wait_until_undone()
    (unnoticed,) = [event.data for event in read_events(recorder.path) if event.kind == "fault.unnoticed"]
    assert isinstance(unnoticed, FaultUnnoticed)
    assert unnoticed.watched_seconds == settings.judge.witness_seconds


def test_a_fault_that_hit_nothing_is_an_error(
    small: SmallCluster, settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    small.put(
        "Service", {"kind": "Service", "metadata": {"name": "other"}, "spec": {"selector": {"app": "web"}}}
    )
    injection = Injection(settings, cluster, "selector-wrong", tmp_path, recorder, users=Users(0.01, "503"))
    injection.start()
    injection.wait_until_announced()
    injection.inject()
    with pytest.raises(
        FaultError, match=r"selector-wrong was injected but not witnessed within 3 s: expected pods are"
    ):
        injection.wait_until_effective()
    (data,) = [event.data for event in read_events(recorder.path) if event.kind == "fault.unwitnessed"]
    assert isinstance(data, FaultUnwitnessed)
    injection.undo()
    injection.wait_until_undone()


def test_no_fault_breaks_nothing(
    small: SmallCluster, settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    small.changes.clear()
    injection = Injection(settings, cluster, "no-fault", tmp_path, recorder, users=Users(0.01))
    take_effect(injection)
    injection.undo()
    injection.wait_until_undone()
    assert small.changes == []
    assert [event.kind for event in read_events(recorder.path)] == [
        "fault.announced",
        "fault.injected",
        "fault.witnessed",
        "fault.undone",
    ]


def test_an_undo_after_the_deployment_was_deleted_and_the_drill_brings_it_back(
    small: SmallCluster, settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    known = observe(cluster)
    open_drill(settings, cluster)
    injection = Injection(settings, cluster, "deployment-scaled-to-zero", tmp_path, recorder)
    take_effect(injection)
    small.remove("Deployment", "web")
    injection.undo()
    injection.wait_until_undone()
    assert close_drill(settings, cluster) == ["Deployment/web: is missing"]
    assert differences(known, observe(cluster)) == []
    assert Ledger(state_folder(cluster)).files() == []


def test_a_target_that_is_not_well_is_never_injected(
    small: SmallCluster,
    settings: Settings,
    cluster: Cluster,
    tmp_path: Path,
    recorder: Recorder,
    *,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # nobody brings it back: the experiment's process need not wait for 15 s
    (tmp_path / "sitecustomize.py").write_text("import drill.inject.probes as p\np.WELL_SECONDS = 2\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    small.put("Deployment", a_deployment(replicas=0))
    injection = Injection(settings, cluster, "selector-wrong", tmp_path, recorder)
    injection.start()
    with pytest.raises(FaultError, match=r"selector-wrong: .*not healthy before the injection"):
        injection.wait_until_announced()
    assert Ledger(state_folder(cluster)).files() == []


def test_the_order_is_enforced(
    small: SmallCluster, settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    injection = Injection(settings, cluster, "selector-wrong", tmp_path, recorder)
    injection.wait_until_undone()
    for too_early in (injection.inject, injection.wait_until_effective, injection.wait_until_announced):
        with pytest.raises(UsageError):
            too_early()
    injection.start()
    with pytest.raises(UsageError, match="started already"):
        injection.start()
    injection.wait_until_announced()
    with pytest.raises(UsageError, match="nobody asked for"):
        injection.wait_until_undone()
    injection.undo()
    # let go before it was injected: that is no trouble, and leaves nothing behind
    injection.wait_until_undone()
    assert Ledger(state_folder(cluster)).files() == []


def test_what_can_be_refused_is_refused_before_anything_starts(
    small: SmallCluster, settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    with pytest.raises(UsageError, match="'pods-hugged' is no fault: expected one of admission-blocked, "):
        Injection(settings, cluster, "pods-hugged", tmp_path, recorder)
    with pytest.raises(UsageError, match=r"redis-killed is not applicable: .* describes no \[parts"):
        Injection.check(settings, "redis-killed")
    assert read_events(recorder.path) == []


@pytest.mark.parametrize("ending", ["end of input", "SIGTERM"])
def test_an_experiment_runs_alone_and_is_its_own_drill(
    small: SmallCluster, settings: Settings, cluster: Cluster, tmp_path: Path, *, ending: str
) -> None:
    known = observe(cluster)
    journal = tmp_path / "journal.json"
    command = [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "run"]
    experiment = ROOT / "experiments" / "deployment-scaled-to-zero.yaml"
    with (tmp_path / "log").open("wb") as log:
        alone = subprocess.Popen(
            [*command, "--journal-path", str(journal), str(experiment)],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    try:
        wait.until("the fault", lambda: small.get("Deployment", "web")["spec"]["replicas"] == 0, seconds=300)
        assert len(Ledger(state_folder(cluster)).files()) == 2
        if ending == "SIGTERM":
            alone.terminate()
        else:
            assert alone.stdin is not None
            alone.stdin.close()
        alone.wait(60)
    finally:
        alone.kill()
        alone.wait()
    found = read_journal(journal)
    assert [each.status for each in found.rollbacks] == ["succeeded"], (tmp_path / "log").read_text()
    assert (complaints(found, activities=3, rollbacks=1) == []) == (ending == "end of input")
    assert differences(known, observe(cluster)) == []
    assert Ledger(state_folder(cluster)).files() == []
