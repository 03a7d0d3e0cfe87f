"""Drills with one part taken out, each on the real cluster: what a drill says when the recovery, the fault,
the load or the health is a sham.

Flows in: an altered copy of drill.toml, and of what it leads to, in a folder of its own. Flows out: the exit
status and the verdict of the real command. The target is put back by the run itself, which `drill put-back`
then confirms.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from target_state import ROOT, assert_as_known

from drill import settings as target_settings
from drill import wait
from drill.cluster.access import Cluster
from drill.cluster.health import Health, health_answer, wait_until_rolled_out
from drill.errors import DeadlineError
from drill.recording import Event, read_events
from drill.recording.events import FaultUnnoticed
from drill.settings import Settings
from drill.statistics.sequential import trials_needed

pytestmark = pytest.mark.cluster

RUNBOOK = "operations-runbook.md"
SCALE_UP, REDIS_RESTART = "emergency_scaleup_brings_back", "restarting_redis_lets"
NO_SCALE_UP = {
    "resource issue\nkubectl scale deployment novel-engine --replicas=5 -n "
    "novel-engine-production": "resource issue\ntrue",
    "kubectl wait deployment/novel-engine --for=jsonpath='{.status.availableReplicas}' --timeout=180s -n "
    "novel-engine-production": "true",
}
NO_REDIS_RESTART = {
    "kubectl rollout restart deployment/redis -n novel-engine-production": "true",
    "kubectl rollout status deployment/redis -n novel-engine-production --timeout=120s": "true",
    "kubectl exec deployment/redis -n novel-engine-production -- redis-cli ping | grep -x PONG": "true",
}
FAIL, INCONCLUSIVE, SETUP = 1, 2, 3
RUN_SECONDS = 1500
LOOK_EVERY_SECONDS = 0.1
# a service that stays out is watched for this long: the rest of a sabotaged recovery is waiting
SHORT_PATIENCE = {"patience_seconds = 20": "patience_seconds = 6"}
SPARE_REDIS = "redis-that-nobody-uses"
NOTHING_OPEN = "no drill has left anything open on this cluster: nothing was changed\n"


class Drilled(NamedTuple):
    """One run of one scenario. `drill`: its entry in summary.json; `verdict`: its verdict.json; `looks`: the
    health path's answers, with when.
    """

    status: int
    output: str
    drill: Mapping[str, Any]
    verdict: Mapping[str, Any]
    events: list[Event]
    looks: list[tuple[float, Health]]

    def outcomes(self) -> dict[str, str]:
        """Each criterion's verdict in summary.json, by name."""
        return {criterion["name"]: criterion["verdict"] for criterion in self.drill["criteria"]}

    def why(self, criterion: str) -> str:
        """The judge's words on one criterion."""
        return next(str(each["why"]) for each in self.verdict["criteria"] if each["name"] == criterion)

    def moment(self, kind: str) -> float:
        """When the first event of this kind was; monotonic seconds."""
        return next(event.monotonic for event in self.events if event.kind == kind)


@pytest.fixture
def spare_redis(cluster: Cluster) -> Iterator[str]:
    """A second real Redis, sound and reachable, which no part of the service talks to."""
    container = {
        "name": "redis",
        "image": "redis:drill",
        "command": ["redis-server", "--dir", "/tmp", "--save", ""],
        "imagePullPolicy": "IfNotPresent",
    }
    labels = {"app": SPARE_REDIS}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": SPARE_REDIS, "namespace": cluster.namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        },
    }
    cluster.kubectl("apply", "-f", "-", stdin=msgspec.json.encode(manifest))
    try:
        wait_until_rolled_out(cluster, SPARE_REDIS)
        yield SPARE_REDIS
    finally:
        cluster.kubectl("delete", "deployment", SPARE_REDIS, "-n", cluster.namespace, "--cascade=foreground")


def test_a_key_command_that_does_nothing_fails_the_recovery(
    tmp_path: Path, settings: Settings, cluster: Cluster, put_back: None
) -> None:
    runbook = altered_runbook(tmp_path, NO_SCALE_UP)
    target = altered_target(tmp_path, {f'"{ROOT}/runbook/{RUNBOOK}"': f'"{runbook}"', **SHORT_PATIENCE})
    run = drilled(target, SCALE_UP)
    assert run.status == FAIL, run.output
    assert run.drill["verdict"] == "fail"
    failed = [name for name, outcome in run.outcomes().items() if outcome == "fail"]
    assert failed == ["recovered", "left_behind"]
    assert run.outcomes()["procedure"] == "pass"
    assert run.why("recovered").startswith("users are still out ")
    assert run.verdict["why"].startswith(f"recovered: {run.why('recovered')}")
    assert [command["command"] for command in run.verdict["commands"]][-2:] == ["true", "true"]
    assert_put_back(target, settings, cluster)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (
            "method: []",
            "method: [{type: action}]",
            "expected []; drill.inject.ritual adds what is to be done",
        ),
        ("drill.inject.ritual", "drill.inject.other", "module: drill.inject.ritual"),
    ],
)
def test_an_experiment_without_its_injection_is_an_error(
    tmp_path: Path, right: str, wrong: str, expected: str
) -> None:
    experiment = (ROOT / "experiments" / "redis-locked-out.yaml").read_text(encoding="utf-8")
    file = tmp_path / "experiments" / "redis-locked-out.yaml"
    file.parent.mkdir()
    file.write_text(altered(experiment, {right: wrong}), encoding="utf-8")
    run = subprocess.run(
        command_line(altered_target(tmp_path, {}), REDIS_RESTART),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    assert run.returncode == SETUP, run.stdout
    assert "high_error_rate.feature:" in run.stderr
    assert f"{file}:" in run.stderr
    assert expected in run.stderr
    assert list(tmp_path.glob("reports/*/evidence")) == []


def test_a_fault_that_hits_nothing_that_users_need_is_not_noticed(
    tmp_path: Path, settings: Settings, cluster: Cluster, put_back: None, spare_redis: str
) -> None:
    changes = {
        '[[target.workloads]]\nname = "redis"': f'[[target.workloads]]\nname = "{spare_redis}"',
        'workload = "redis"': f'workload = "{spare_redis}"',
        "witness_seconds = 15": "witness_seconds = 4",
        # what users see of a service that is well is not asked here
        "after_seconds = 22": "after_seconds = 5",
        "after_at_most_seconds = 108": "after_at_most_seconds = 5",
    }
    run = drilled(altered_target(tmp_path, changes), REDIS_RESTART)
    (unnoticed,) = [event.data for event in run.events if event.kind == "fault.unnoticed"]
    assert isinstance(unnoticed, FaultUnnoticed)
    assert unnoticed.fault == "redis-locked-out"
    assert unnoticed.watched_seconds == 4
    assert run.drill["verdict"] != "setup", run.output
    assert_put_back(tmp_path / "drill.toml", settings, cluster, but=spare_redis)


def test_a_tenth_of_the_load_proves_nothing(
    tmp_path: Path, settings: Settings, cluster: Cluster, put_back: None
) -> None:
    changes = {
        "requests_per_second = 150": "requests_per_second = 15",
        "minimum_requests = 500": "minimum_requests = 300",
        # so few requests decide nothing however long the window goes on
        "after_at_most_seconds = 108": "after_at_most_seconds = 30",
    }
    target = altered_target(tmp_path, changes)
    run = drilled(target, SCALE_UP)
    assert run.status == INCONCLUSIVE, run.output
    assert run.drill["verdict"] == "inconclusive"
    outcomes = run.outcomes()
    assert outcomes["recovered"] == "pass"
    assert outcomes["error_rate"] == "inconclusive"
    assert "fail" not in outcomes.values()
    count = next(
        criterion["samples"] for criterion in run.drill["criteria"] if criterion["name"] == "error_rate"
    )
    assert 0 < count < trials_needed(0.001)
    assert_put_back(target, settings, cluster)


def test_health_that_lies_does_not_pass_for_users_being_served(
    tmp_path: Path, settings: Settings, cluster: Cluster, put_back: None
) -> None:
    runbook = altered_runbook(tmp_path, NO_REDIS_RESTART)
    changes = {
        f'"{ROOT}/runbook/{RUNBOOK}"': f'"{runbook}"',
        'health_path = "/health"': 'health_path = "/metrics"',
        **SHORT_PATIENCE,
    }
    target = altered_target(tmp_path, changes)
    run = drilled(target, REDIS_RESTART)
    out = [
        look
        for moment, look in run.looks
        if run.moment("fault.witnessed") < moment < run.moment("load.stopped")
    ]
    assert len(out) > 20
    # the autoscaler may take a pod away just then, and each look opens a connection of its own
    lying = [look for look in out if look.healthy]
    assert len(lying) >= 0.9 * len(out), [look.observed for look in out if not look.healthy]
    assert all("/metrics: 200 " in look.observed for look in lying)
    assert run.status == FAIL, run.output
    assert run.drill["verdict"] == "fail"
    assert [name for name, outcome in run.outcomes().items() if outcome == "fail"] == ["recovered"]
    assert run.outcomes()["procedure"] == "pass"
    assert run.why("recovered").startswith("users are still out ")
    assert_put_back(target, settings, cluster)


def altered_runbook(folder: Path, changes: Mapping[str, str]) -> Path:
    """A copy of the runbook under its own name, other in these places and nowhere else; lines keep their
    numbers.
    """
    file = folder / RUNBOOK
    file.write_text(
        altered((ROOT / "runbook" / RUNBOOK).read_text(encoding="utf-8"), changes), encoding="utf-8"
    )
    return file


def altered_target(folder: Path, changes: Mapping[str, str]) -> Path:
    """A copy of drill.toml whose paths lead to the repository, other in these places and nowhere else."""
    text = (ROOT / "drill.toml").read_text(encoding="utf-8")
    target = tomllib.loads(text)["target"]
    paths = [target[name] for name in ("runbook", "runbook_as_written", "errata", "manifests")]
    text = altered(text, {f'= "{path}"': f'= "{ROOT}/{path}"' for path in paths})
    (folder / "novel_engine").symlink_to(ROOT / "novel_engine")
    file = folder / "drill.toml"
    file.write_text(altered(text, changes), encoding="utf-8")
    return file


def altered(text: str, changes: Mapping[str, str]) -> str:
    """The text with each key, found exactly once, replaced."""
    for old, new in changes.items():
        assert text.count(old) == 1, (
            f"expected {old!r} once, it is there {text.count(old)} times: the sabotage would miss"
        )
        text = text.replace(old, new)
    return text


def command_line(target: Path, scenario: str) -> list[str]:
    """The command as a user types it, for one scenario; its reports go beside the target's file."""
    options = [
        "-k",
        scenario,
        "--target",
        str(target),
        "--reports",
        str(target.parent / "reports"),
        "--run",
        "sabotage",
    ]
    return [sys.executable, "-m", "pytest", "features", *options]


def drilled(target: Path, scenario: str) -> Drilled:
    """Run one scenario to its end, looking at the health path all the while."""
    settings, folder = target_settings.load(target), target.parent / "reports" / "sabotage"
    log = target.parent / "log.txt"
    looks: list[tuple[float, Health]] = []
    with log.open("wb") as file:
        run = subprocess.Popen(
            command_line(target, scenario),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )

    def look() -> bool:
        looks.append((time.monotonic(), health_answer(settings)))
        return run.poll() is not None

    try:
        wait.until("the drill to end", look, seconds=RUN_SECONDS, every_seconds=LOOK_EVERY_SECONDS)
    except DeadlineError as error:
        recording = folder.glob("evidence/*/recording.jsonl")
        seen = [file.read_text(encoding="utf-8").splitlines() for file in (log, *recording)]
        raise AssertionError(
            "\n".join([str(error), *(line for lines in seen for line in lines[-15:])])
        ) from error
    finally:
        if run.poll() is None:
            run.terminate()
            run.wait()
    output = log.read_text(encoding="utf-8")
    print(output)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["exit_status"] == run.returncode
    (drill,) = summary["drills"]
    evidence = folder / drill["evidence"]
    verdict = json.loads((evidence / "verdict.json").read_text(encoding="utf-8"))
    return Drilled(run.returncode, output, drill, verdict, read_events(evidence / "recording.jsonl"), looks)


def assert_put_back(target: Path, settings: Settings, cluster: Cluster, *, but: str | None = None) -> None:
    """The run itself left nothing: `drill put-back` finds nothing to do. `but`: a deployment of the test's
    own, which is still there.
    """
    restore = [str(Path(sys.executable).with_name("drill")), "--target", str(target), "put-back"]
    done = subprocess.run(restore, cwd=ROOT, capture_output=True, text=True, check=False, timeout=RUN_SECONDS)
    assert (done.returncode, done.stdout) == (0, NOTHING_OPEN), done.stderr
    if but is None:
        assert_as_known(settings, cluster)
