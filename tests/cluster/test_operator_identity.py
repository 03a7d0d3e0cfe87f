"""The operator's own identity and the audit log, on the cluster that `drill up` made; and its two nodes."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from drill import settings as target_settings
from drill import wait
from drill.cluster.access import Cluster, connect
from drill.cluster.identity import NAME, ensure_identity, operator_kubeconfig
from drill.conduct.world import world_of
from drill.observe.changes import read_changes, record_changes
from drill.operate import Operator
from drill.recording import Recorder, now, read_events
from drill.recording.events import ChangesRead, ClusterChanged, CommandFinished
from drill.runbook import Step, parse
from drill.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def target() -> Settings:
    return target_settings.load(ROOT / "drill.toml")


@pytest.fixture(scope="module")
def reached(target: Settings) -> Cluster:
    return connect(target)


def step(folder: Path, text: str) -> Step:
    path = folder / "runbook.md"
    path.write_text(f"# Procedure\n\n```bash\n{text}\n```\n", encoding="utf-8")
    return parse(path).step("Procedure")


def test_each_change_of_a_procedure_is_told_with_its_moment(
    target: Settings, reached: Cluster, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "recording.jsonl")
    started = now()
    reached.request(
        "POST", reached.core("configmaps"), {"metadata": {"name": "of-drill"}, "data": {"x": "1"}}
    )
    text = (
        f"kubectl -n {reached.namespace} get pods\n"
        f"kubectl -n {reached.namespace} create configmap of-the-operator\n"
        "sleep 0.5\n"
        f"kubectl -n {reached.namespace} exec deployment/redis -- redis-cli ECHO hello\n"
        f"kubectl -n {reached.namespace} delete configmap of-the-operator\n"
        f"kubectl -n {reached.namespace} delete configmap of-the-operator\n"
    )
    try:
        with Operator(target, tmp_path, recorder, world_of(target, tmp_path / "files", reached)) as operator:
            operator.check()
            operator.follow("Procedure", [step(tmp_path, text)])
    finally:
        reached.delete(reached.core("configmaps", "of-drill"))
    record_changes(reached, recorder, started)
    events = read_events(recorder.path)
    changes = [(event.monotonic, event.data) for event in events if isinstance(event.data, ClusterChanged)]
    commands = [event.data for event in events if isinstance(event.data, CommandFinished)]
    assert [(data.verb, data.object.split("-")[0], data.command) for _, data in changes] == [
        ("create", "configmaps/of", ""),
        ("exec", "pods/redis", "redis-cli ECHO hello"),
        ("delete", "configmaps/of", ""),
    ]
    for (moment, _), command in zip(changes, (commands[1], commands[3], commands[4]), strict=True):
        assert command.started < moment < command.finished
    (read,) = [event.data for event in events if isinstance(event.data, ChangesRead)]
    assert read == ChangesRead(available=True, count=3)


def test_a_procedure_that_only_looks_changed_nothing(
    target: Settings, reached: Cluster, tmp_path: Path
) -> None:
    started = now()
    text = (
        f"kubectl -n {reached.namespace} get pods\nkubectl -n {reached.namespace} describe deployment\n"
        f"kubectl -n {reached.namespace} logs deployment/redis --tail=1\nkubectl top nodes\n"
        f"kubectl -n {reached.namespace} create configmap x --dry-run=server\nkubectl auth can-i delete pods"
    )
    with Operator(
        target,
        tmp_path,
        Recorder(tmp_path / "recording.jsonl"),
        world_of(target, tmp_path / "files", reached),
    ) as operator:
        assert operator.follow("Procedure", [step(tmp_path, text)]).status == 0
    assert read_changes(reached, started) == []


def test_a_token_that_the_cluster_does_not_know_is_renewed(reached: Cluster) -> None:
    path = operator_kubeconfig(reached.context)
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    first, middle, last = config["users"][0]["user"]["token"].split(".")
    config["users"][0]["user"]["token"] = f"{first}.{middle}.{last[::-1]}"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    ensure_identity(reached)
    who = subprocess.run(
        [*reached.kubectl_command("auth", "whoami")[:1], "--kubeconfig", str(path), "auth", "whoami"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert NAME in who.stdout
    before = path.read_bytes()
    ensure_identity(reached)
    assert path.read_bytes() == before


def test_the_two_nodes_have_networks_of_their_own(reached: Cluster) -> None:
    nodes = reached.get("/api/v1/nodes")["items"]
    assert len({node["spec"]["podCIDR"] for node in nodes}) == len(nodes) >= 2
    for node in nodes:
        ready = [each["status"] for each in node["status"]["conditions"] if each["type"] == "Ready"]
        assert ready == ["True"], node["metadata"]["name"]


@pytest.fixture
def worker(reached: Cluster) -> Iterator[str]:
    node = reached.pods("redis")[0]["spec"]["nodeName"]
    assert not node.endswith("-control-plane")
    yield node
    subprocess.run(["docker", "unpause", node], capture_output=True, check=False)


def test_the_api_server_stays_when_the_worker_is_lost(reached: Cluster, worker: str) -> None:
    subprocess.run(["docker", "pause", worker], capture_output=True, check=True)
    for _ in range(5):
        assert reached.request("GET", "/readyz") == b"ok"
        assert reached.get("/apis/metrics.k8s.io/v1beta1/nodes")["items"]
        time_before = time.monotonic()
        reached.get(reached.core("pods"))
        assert time.monotonic() - time_before < 10
        wait.pause(0.2)


@pytest.mark.parametrize(
    ("label", "expected"), [("novel-engine", "NOAUTH"), ("somebody", "no answer")], ids=["allowed", "denied"]
)
def test_pods_of_both_nodes_reach_each_other_as_the_policies_say(
    reached: Cluster, label: str, expected: str
) -> None:
    """A pod on the control plane asks Redis on the worker, by name."""
    name = f"asker-{uuid.uuid4().hex[:6]}"
    command = "timeout 4 redis-cli -h redis PING || echo no answer"
    pod = {
        "metadata": {"name": name, "labels": {"app": label}},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"node-role.kubernetes.io/control-plane": ""},
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": 0,
            "containers": [
                # a moment for the policy to know the pod
                {"name": "asker", "image": "redis:drill", "command": ["sh", "-c", f"sleep 2; {command}"]}
            ],
        },
    }
    reached.request("POST", reached.core("pods"), pod)
    try:
        wait.until(
            f"the pod {name} to end",
            lambda: reached.get(reached.core("pods", name))["status"].get("phase"),
            lambda phase: phase in {"Succeeded", "Failed"},
            seconds=180,
        )
        said = reached.kubectl("logs", "-n", reached.namespace, name).decode()
    finally:
        reached.delete(reached.core("pods", name), grace_seconds=0)
    assert expected in said
