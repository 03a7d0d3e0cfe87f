"""Each fault on the real target with users on it: injected, witnessed on both sides, held, undone, the target
as it was.

And each check shown to fail: an injection that does nothing, users who feel nothing, a target that is not
well.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from random_kills import BREAKING, one_of_each_kind
from target_state import ROOT, assert_as_known, ledger_of, remember, wait_until_lastingly_well

from drill import settings as target_settings
from drill import wait
from drill.cluster.access import Cluster
from drill.cluster.health import running_pods
from drill.errors import DrillError, FaultError, InputError, SetupError, UsageError
from drill.faults.catalogue import as_data, from_data
from drill.faults.fault import StruckWorkload
from drill.faults.scale import Scale
from drill.faults.sights import Shows
from drill.inject import Injection
from drill.inject.experiment import experiment_of
from drill.inject.journal import complaints, read_journal
from drill.load.process import Load
from drill.load.tail import RequestTail
from drill.observe import Sampler
from drill.parts import part_named
from drill.parts.health import parts_health, wait_until_healthy
from drill.putback import close_drill, open_drill
from drill.putback import put_back as put_back_what_drills_left
from drill.putback.ledger import FaultEntry, process
from drill.putback.repair import repair
from drill.recording import Event, Recorder, read_events
from drill.recording.events import FaultUndone
from drill.settings import Settings, Sqlite

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("put_back")]

ALONE_SECONDS = 300


def events_of(recorder: Recorder, kind: str) -> list[Event]:
    return [event for event in read_events(recorder.path) if event.kind == kind]


EACH = [
    pytest.param(fault, marks=[] if fault in one_of_each_kind() else [pytest.mark.quarterly])
    for fault in BREAKING
]


@pytest.fixture(scope="session")
def backed_up(settings: Settings, cluster: Cluster) -> None:
    """A backup to be broken."""
    part_named(cluster, settings, "backup").back_up(seconds=90)


@pytest.mark.usefixtures("backed_up")
@pytest.mark.parametrize("fault", EACH)
def test_a_fault_is_witnessed_by_platform_and_users_then_held_then_undone(
    settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder, fault: str
) -> None:
    users = RequestTail(
        tmp_path / "requests.jsonl", settings.load.timeout_seconds, settings.load.requests_per_second
    )
    injection = Injection(settings, cluster, fault, tmp_path, recorder, users=users)
    with Load(settings, tmp_path, recorder), Sampler(settings, recorder):
        injection.start()
        injection.wait_until_announced()
        assert injection.inject().kind == "fault.injected"
        witness = injection.wait_until_effective()
        assert ledger_of(cluster).files() != []
        wait.pause(2)
    injection.undo()
    injection.wait_until_undone()
    experiment = experiment_of(settings, fault)
    assert 0 < witness.seconds <= max(settings.judge.witness_seconds, experiment.witness_seconds)
    if experiment.felt == "latent":
        assert witness.users == ""
    else:
        assert "failed request" in witness.users or "slow" in witness.users
    faults = [event for event in read_events(recorder.path) if event.kind.startswith("fault.")]
    assert [event.kind for event in faults] == [
        "fault.announced",
        "fault.injected",
        "fault.witnessed",
        "fault.undone",
    ]
    assert [event.monotonic for event in faults] == sorted(event.monotonic for event in faults)
    assert events_of(recorder, "sample.resources")
    assert events_of(recorder, "sample.database")
    print(f"{fault}: witnessed after {witness.seconds:.3f} s: {witness.what}")
    repair(cluster, settings, remember(cluster))
    if experiment.felt == "slow" or (experiment.felt == "failed" and experiment.part == "sqlite"):
        wait_until_lastingly_well(settings, cluster)
    assert_as_known(settings, cluster)


def test_an_injection_that_does_nothing_is_an_error_that_names_the_fault(
    cluster: Cluster, tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the experiment's process finds an emptied kill in the place of the real one
    (tmp_path / "sitecustomize.py").write_text(
        "import drill.faults.kill as kill\nkill.KILL_SCRIPT = 'echo $EPOCHREALTIME'\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    hurried = with_witness_seconds(tmp_path, 5)
    injection = Injection(hurried, cluster, "pods-killed", tmp_path, recorder)
    injection.start()
    injection.wait_until_announced()
    injection.inject()
    with pytest.raises(
        FaultError,
        match=r"pods-killed was injected but not witnessed within 5 s.*of (\d+) killed .* has \1 running",
    ):
        injection.wait_until_effective()
    injection.undo()
    injection.wait_until_undone()
    assert events_of(recorder, "fault.unwitnessed")


def test_a_fault_that_no_user_noticed_is_a_result(
    cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    nobody = RequestTail(tmp_path / "requests.jsonl", 1.0, 1.0)
    injection = Injection(
        with_witness_seconds(tmp_path, 5), cluster, "redis-locked-out", tmp_path, recorder, users=nobody
    )
    injection.start()
    injection.wait_until_announced()
    injection.inject()
    assert injection.wait_until_effective().users == ""
    injection.undo()
    injection.wait_until_undone()
    assert events_of(recorder, "fault.unnoticed")
    assert events_of(recorder, "fault.witnessed") == []


def with_witness_seconds(folder: Path, seconds: int) -> Settings:
    """The target with a shorter deadline."""
    text = (ROOT / "drill.toml").read_text()
    changed = re.sub(r"witness_seconds = \d+", f"witness_seconds = {seconds}", text)
    assert changed != text
    for name in ("runbook", "novel_engine"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "drill.toml").write_text(changed)
    return target_settings.load(folder / "drill.toml")


def test_a_target_that_is_not_well_is_never_injected(
    settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # nobody brings it back: the experiment's process need not wait for 15 s
    (tmp_path / "sitecustomize.py").write_text("import drill.inject.probes as p\np.WELL_SECONDS = 2\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    cluster.scale(settings.target.deployment, 0)
    injection = Injection(settings, cluster, "redis-locked-out", tmp_path, recorder)
    wait.until(
        "no endpoints", lambda: cluster.endpoints(settings.target.service), lambda left: not left, seconds=120
    )
    injection.start()
    with pytest.raises(FaultError, match=r"redis-locked-out: .*not healthy before the injection"):
        injection.wait_until_announced()
    assert ledger_of(cluster).files() == []
    assert events_of(recorder, "fault.injected") == []
    assert repair(cluster, settings, remember(cluster)) == [
        "Deployment/novel-engine: spec.replicas is 0, was 3"
    ]


def test_the_order_is_enforced(
    settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    injection = Injection(settings, cluster, "redis-locked-out", tmp_path, recorder)
    injection.wait_until_undone()
    for too_early in (injection.inject, injection.wait_until_effective):
        with pytest.raises(UsageError):
            too_early()
    injection.start()
    injection.wait_until_announced()
    with pytest.raises(UsageError, match="started already"):
        injection.start()
    with pytest.raises(UsageError, match="nobody asked for"):
        injection.wait_until_undone()
    injection.undo()
    # let go before it was injected: that is no trouble, and leaves nothing behind
    injection.wait_until_undone()
    assert_as_known(settings, cluster)


def test_a_database_that_someone_repaired_is_left_as_it_is(
    settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    injection = Injection(settings, cluster, "database-corrupted", tmp_path, recorder)
    injection.start()
    injection.wait_until_announced()
    injection.inject()
    injection.wait_until_effective()
    (entry,) = ledger_of(cluster).faults()
    # the repair: the undo itself, called by someone else
    from_data(entry.record).undo(cluster)
    wait_until_healthy(cluster, settings)
    assert parts_health(cluster, settings).healthy
    injection.undo()
    injection.wait_until_undone()
    (undone,) = [event.data for event in events_of(recorder, "fault.undone")]
    assert isinstance(undone, FaultUndone)
    assert undone.detail == "the database is sound: nothing was left to undo"
    repair(cluster, settings, remember(cluster))
    assert_as_known(settings, cluster)


def test_half_a_database_that_a_procedure_left_is_put_back(settings: Settings, cluster: Cluster) -> None:
    open_drill(settings, cluster)
    database = part_named(cluster, settings, "database").described_as(Sqlite)
    pod = running_pods(cluster, settings.target.deployment, "novel-engine")[0]["metadata"]["name"]
    halved = f"import os; os.truncate({database.path!r}, os.path.getsize({database.path!r}) // 2)"
    cluster.exec(pod, "novel-engine", ["python", "-c", halved])
    assert not parts_health(cluster, settings).healthy
    assert "database: was broken, and holds what it held before the drill" in close_drill(settings, cluster)
    assert parts_health(cluster, settings).healthy
    assert_as_known(settings, cluster)


@pytest.mark.parametrize("ending", ["end of input", "SIGTERM", "SIGINT"])
def test_an_experiment_runs_alone_and_undoes(
    settings: Settings, cluster: Cluster, tmp_path: Path, ending: str
) -> None:
    path = ROOT / "experiments" / "redis-locked-out.yaml"
    command = [
        sys.executable,
        "-m",
        "chaostoolkit",
        "--no-version-check",
        "--no-log-file",
        "run",
        "--journal-path",
        str(tmp_path / "j.json"),
        str(path),
    ]
    with (tmp_path / "log").open("wb") as log:
        alone = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait.until(
            "the fault to be in",
            (tmp_path / "log").read_text,
            lambda said: "fault.injected" in said,
            seconds=ALONE_SECONDS,
        )
        with pytest.raises(
            SetupError, match=f"of process {alone.pid} is at work|held by process {alone.pid}, which"
        ):
            put_back_what_drills_left(settings, cluster)
        if ending == "end of input":
            assert alone.stdin is not None
            alone.stdin.close()
        else:
            alone.send_signal(getattr(signal, ending))
        alone.wait(ALONE_SECONDS)
    finally:
        alone.kill()
        alone.wait()
    journal = read_journal(tmp_path / "j.json")
    assert [each.status for each in journal.rollbacks] == ["succeeded"]
    assert (complaints(journal, activities=3, rollbacks=1) == []) == (ending == "end of input")
    assert_as_known(settings, cluster)


def test_what_a_procedure_changed_is_put_back(settings: Settings, cluster: Cluster) -> None:
    open_drill(settings, cluster)
    namespace, deployment = settings.target.namespace, settings.target.deployment
    # first of all, or it takes back the number of replicas
    cluster.kubectl("delete", "hpa", "novel-engine-hpa", "-n", namespace)
    cluster.kubectl("scale", "deployment", deployment, "--replicas=4", "-n", namespace)
    cluster.kubectl("rollout", "restart", f"deployment/{deployment}", "-n", namespace)
    cluster.kubectl(
        "autoscale", "deployment", "redis", "--cpu-percent=70", "--min=1", "--max=2", "-n", namespace
    )
    policy = '[{"op": "replace", "path": "/spec/ingress", "value": []}]'
    cluster.kubectl(
        "patch", "networkpolicy", "novel-engine-network-policy", "-n", namespace, "--type=json", "-p", policy
    )
    found = close_drill(settings, cluster)
    assert "Deployment/novel-engine: spec.replicas is 4, was 3" in found
    assert "HorizontalPodAutoscaler/novel-engine-hpa: is missing" in found
    assert "HorizontalPodAutoscaler/redis: was not there" in found
    assert any(
        line.startswith("NetworkPolicy/novel-engine-network-policy: spec.ingress is absent") for line in found
    )
    assert len(found) == 4
    assert_as_known(settings, cluster)


def test_an_undo_gets_past_what_a_procedure_broke(
    settings: Settings, cluster: Cluster, tmp_path: Path, recorder: Recorder
) -> None:
    open_drill(settings, cluster)
    injection = Injection(settings, cluster, "redis-locked-out", tmp_path, recorder)
    injection.start()
    injection.wait_until_announced()
    injection.inject()
    injection.wait_until_effective()
    cluster.kubectl(
        "scale", "deployment", settings.target.deployment, "--replicas=0", "-n", settings.target.namespace
    )
    injection.undo()
    injection.wait_until_undone()
    (undone,) = [event.data for event in events_of(recorder, "fault.undone")]
    assert isinstance(undone, FaultUndone)
    assert undone.detail == "ran the undo"
    assert close_drill(settings, cluster) == ["Deployment/novel-engine: spec.replicas is 0, was 3"]
    assert_as_known(settings, cluster)


def test_an_open_fault_is_no_state_to_begin_with_and_a_damaged_entry_keeps_nothing_else_from_being_undone(
    settings: Settings, cluster: Cluster
) -> None:
    ledger = ledger_of(cluster)
    with subprocess.Popen(["true"]) as ended:
        gone = process(os.getpid())
    gone = type(gone)(ended.pid, gone.started)
    web = settings.target.application
    replicas = cluster.workload(web.name)["spec"]["replicas"]
    subject = StruckWorkload(web.name, web.kind, web.container, settings.target.service)
    record = as_data(Scale(subject, 0, replicas, Shows(endpoints="none")))

    def entry(number: int) -> FaultEntry:
        name = "deployment-scaled-to-zero"
        place = (str(settings.file), cluster.context, cluster.namespace)
        return FaultEntry(f"{name}-{ended.pid}-{number}", name, *place, record, 0.0, gone)

    damaged = ledger.open(entry(1))
    damaged.write_bytes(damaged.read_bytes()[:50])
    ledger.open(entry(2))
    try:
        cluster.scale(web.name, 0)
        with pytest.raises(InputError, match=re.escape(str(damaged))):
            open_drill(settings, cluster)
        with pytest.raises(InputError, match=re.escape(str(damaged))) as raised:
            put_back_what_drills_left(settings, cluster)
        assert isinstance(raised.value, DrillError)
        assert ledger.files() == [damaged]
    finally:
        damaged.unlink()
    assert_as_known(settings, cluster)
