"""A drill opens itself, the target is changed, and is put back; or a release is left alone. On a small API
server that keeps what it is sent."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from small_cluster import NAMESPACE, Json, SmallCluster, a_deployment, kubeconfig

from drill import settings as target_settings
from drill import wait
from drill.cluster.access import AbsentError, Cluster, ClusterError, connect
from drill.cluster.objects import LAST_APPLIED
from drill.errors import InputError, SetupError, UsageError
from drill.putback import changed_since_open, close_drill, last_known, open_drill, put_back
from drill.putback.known_state import differences, observe, settled
from drill.putback.ledger import Ledger
from drill.putback.place import state_folder
from drill.settings import Settings
from tests.unit.commands import drill

AIMED = {"kind": "Deployment", "name": "other"}
KILLED_DRILL = """
import os, signal, sys
from drill import settings as target_settings
from drill import wait
from drill.cluster.access import connect
from drill.putback import open_drill
settings = target_settings.load(sys.argv[1])
open_drill(settings, connect(settings))
os.kill(os.getpid(), signal.SIGKILL)
"""


def a_killed_drill(settings: Settings) -> None:
    """A drill that opened itself and was killed, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", KILLED_DRILL, str(settings.file)], check=False)
    assert done.returncode == -9


def a_policy(name: str) -> dict[str, object]:
    return {"kind": "NetworkPolicy", "metadata": {"name": name}, "spec": {"podSelector": {}}}


def test_with_nothing_open_a_release_is_left_as_it_is(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    open_drill(settings, cluster)
    close_drill(settings, cluster)
    # a release between two runs: another image, five replicas, another deployment, and one thing less
    small.put("Deployment", a_deployment(replicas=5, image="web:2"))
    small.put("Deployment", a_deployment("worker"))
    small.remove("Service", "web")
    small.changes.clear()
    done = put_back(settings, cluster)
    assert (done.undone, done.differences) == ([], [])
    assert done.lines() == ["no drill has left anything open on this cluster: nothing was changed"]
    open_drill(settings, cluster)
    assert close_drill_without_health(settings, cluster) == []
    assert small.changes == []
    assert small.get("Deployment", "web")["spec"]["replicas"] == 5


def close_drill_without_health(settings: Settings, cluster: Cluster) -> list[str]:
    """What differs from the open drill's state; the service of these tests answers no health path without its
    Service."""
    known = last_known(cluster)
    assert known is not None
    return differences(known, observe(cluster))


def test_what_an_open_drill_left_changed_is_told_and_not_put_back(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    with pytest.raises(UsageError, match="no drill of this process is open"):
        changed_since_open(cluster)
    open_drill(settings, cluster)
    assert changed_since_open(cluster) == []
    small.put("Deployment", a_deployment("worker"))
    small.remove("Service", "web")
    small.changes.clear()
    assert changed_since_open(cluster) == ["Deployment/worker: was not there", "Service/web: is missing"]
    assert small.changes == []


def test_what_a_killed_drill_changed_is_put_back(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    small.put("ConfigMap", {"kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"mode": "well"}})
    a_killed_drill(settings)
    small.put("Deployment", a_deployment(replicas=0))
    small.put("ConfigMap", {"kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"mode": "broken"}})
    small.put("NetworkPolicy", a_policy("appeared"))
    done = put_back(settings, cluster)
    assert done.drills == 1
    assert set(done.differences) == {
        "Deployment/web: spec.replicas is 0, was 2",
        "ConfigMap/web: data.mode is 'broken', was 'well'",
        "NetworkPolicy/appeared: was not there",
    }
    assert small.get("Deployment", "web")["spec"]["replicas"] == 2
    assert small.get("ConfigMap", "web")["data"] == {"mode": "well"}
    assert Ledger(state_folder(cluster)).files() == []
    assert put_back(settings, cluster).drills == 0


@pytest.mark.parametrize(
    ("kind", "item", "changed"),
    [
        ("Secret", {"data": {"password": "d2VsbA=="}}, {"data": {"password": "YnJva2Vu"}}),
        ("ServiceAccount", {"secrets": []}, {"secrets": [{"name": "other"}]}),
        ("Role", {"rules": [{"verbs": ["get"]}]}, {"rules": []}),
        ("RoleBinding", {"subjects": [{"name": "web"}]}, {"subjects": []}),
        ("PersistentVolumeClaim", {"spec": {"storage": 1}}, {"spec": {"storage": 2}}),
        ("ResourceQuota", {"spec": {"hard": {"pods": "9"}}}, {"spec": {"hard": {"pods": "0"}}}),
        ("LimitRange", {"spec": {"limits": [1]}}, {"spec": {"limits": [2]}}),
        ("HorizontalPodAutoscaler", {"spec": {"maxReplicas": 3, "scaleTargetRef": AIMED}}, None),
        ("ValidatingWebhookConfiguration", {"webhooks": []}, {"webhooks": [{"name": "dead"}]}),
    ],
)
@pytest.mark.parametrize("how", ["changed", "deleted"])
def test_each_kind_that_can_be_changed_is_put_back(
    small: SmallCluster, settings: Settings, kind: str, item: Json, changed: Json | None, *, how: str
) -> None:
    cluster = connect(settings)
    whole = {"kind": kind, "metadata": {"name": "one"}, **item}
    small.put(kind, whole)
    known = observe(cluster)
    open_drill(settings, cluster)
    if how == "deleted" or changed is None:
        small.remove(kind, "one")
    else:
        small.put(kind, {"kind": kind, "metadata": {"name": "one"}, **changed})
    assert len(differences(known, observe(cluster))) == 1
    assert len(close_drill(settings, cluster)) == 1
    assert differences(known, observe(cluster)) == []
    assert {key: small.get(kind, "one")[key] for key in item} == item


def a_service(address: str, port: int) -> Json:
    addresses = {"clusterIP": address, "clusterIPs": [address]}
    spec = {**addresses, "selector": {"app": "edge"}, "ports": [{"port": port}]}
    return {"kind": "Service", "metadata": {"name": "edge"}, "spec": spec}


def test_a_service_that_was_made_anew_is_put_back_at_the_address_that_it_has_now(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    small.put("Service", a_service("10.96.0.1", 443))
    open_drill(settings, cluster)
    small.remove("Service", "edge")
    small.put("Service", a_service("10.96.0.2", 9))
    assert close_drill(settings, cluster) == ["Service/edge: spec.ports[0].port is 9, was 443"]
    assert small.get("Service", "edge")["spec"] == a_service("10.96.0.2", 443)["spec"]


def test_another_address_alone_is_no_difference_but_having_none_is(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    small.put("Service", a_service("10.96.0.1", 443))
    known = observe(cluster)
    small.put("Service", a_service("10.96.0.2", 443))
    assert differences(known, observe(cluster)) == []
    small.put("Service", a_service("None", 443))
    assert len(differences(known, observe(cluster))) > 0


def a_claim(applied_from: str, **annotations: str) -> Json:
    """A bound claim; `applied_from` is what kubectl apply remembers of it."""
    annotated = {LAST_APPLIED: applied_from, "pv.kubernetes.io/bind-completed": "yes", **annotations}
    spec = {"storageClassName": "standard", "volumeName": "pvc-1"}
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "annotations": annotated},
        "spec": spec,
    }


def test_what_a_claim_was_applied_from_is_put_back_and_it_stays_bound(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    """Else kubectl apply would want to take away what the operator's text had and the manifest has not."""
    small.put("PersistentVolumeClaim", a_claim("the manifest"))
    open_drill(settings, cluster)
    small.put("PersistentVolumeClaim", a_claim("the operator's backup"))
    assert close_drill(settings, cluster) == [
        "PersistentVolumeClaim/data: applied from is \"the operator's backup\", was 'the manifest'"
    ]
    put_back = small.get("PersistentVolumeClaim", "data")
    assert (put_back["metadata"]["annotations"], put_back["spec"]) == (
        a_claim("the manifest")["metadata"]["annotations"],
        a_claim("the manifest")["spec"],
    )


def test_a_secret_is_told_by_digests_and_kept_where_only_its_owner_reads(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    small.put("Secret", {"kind": "Secret", "metadata": {"name": "key"}, "data": {"password": "d2VsbC1rZXB0"}})
    open_drill(settings, cluster)
    for file in state_folder(cluster).rglob("*.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    small.put("Secret", {"kind": "Secret", "metadata": {"name": "key"}, "data": {"password": "b3RoZXI="}})
    (line,) = close_drill(settings, cluster)
    assert line.startswith("Secret/key: data.password is 'sha256:")
    assert "d2VsbC1rZXB0" not in line
    assert small.get("Secret", "key")["data"] == {"password": "d2VsbC1rZXB0"}


def a_node(**spec: object) -> Json:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"kind": "Node", "metadata": {"name": "node-1"}, "spec": spec, "status": ready}


def test_a_cordoned_node_and_the_name_server_are_put_back(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    core = {"kind": "ConfigMap", "metadata": {"name": "coredns", "namespace": "kube-system"}}
    small.put("ConfigMap", {**core, "data": {"Corefile": "well"}}, "kube-system")
    small.put("Node", a_node())
    open_drill(settings, cluster)
    small.put("Node", a_node(unschedulable=True, taints=[{"key": "drained", "effect": "NoSchedule"}]))
    small.put("ConfigMap", {**core, "data": {"Corefile": "broken"}}, "kube-system")
    found = close_drill(settings, cluster)
    assert "Node/node-1: spec.unschedulable is True, was False" in found
    assert "NameServer/coredns: data.Corefile is 'broken', was 'well'" in found
    node = small.objects["/api/v1/nodes"]["node-1"]
    assert (node["spec"]["unschedulable"], node["spec"]["taints"]) == (False, [])


def test_a_taint_of_the_cluster_itself_is_no_difference(small: SmallCluster, cluster: Cluster) -> None:
    small.put("Node", a_node())
    known = observe(cluster)
    small.put("Node", a_node(taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]))
    assert differences(known, observe(cluster)) == []


def an_impostor(name: str) -> Json:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "other"}},
        "spec": {"containers": []},
        "status": {"phase": "Running"},
    }


def test_a_bare_pod_that_appeared_goes_and_one_that_was_there_stays(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    small.put("Pod", an_impostor("somebodys"))
    open_drill(settings, cluster)
    small.put("Pod", an_impostor("impostor"))
    assert close_drill(settings, cluster) == ["Pod/impostor: was not there"]
    pods = small.objects[f"/api/v1/namespaces/{NAMESPACE}/pods"]
    assert "impostor" not in pods
    assert "somebodys" in pods


def test_in_a_context_that_is_not_kind_nothing_is_deleted(
    small: SmallCluster, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILL_KUBECONFIG", str(kubeconfig(tmp_path, small.address, "production")))
    text = settings.file.read_text().replace("kind-small", "production")
    settings.file.write_text(text)
    foreign = target_settings.load(settings.file)
    cluster = connect(foreign, "production")
    open_drill(foreign, cluster)
    small.put("Pod", an_impostor("somebodys"))
    small.put("Deployment", a_deployment("release"))
    small.put("Deployment", a_deployment(replicas=0))
    small.changes.clear()
    found = close_drill(foreign, cluster)
    assert "Pod/somebodys: was not there, and stays: only in kind-* is anything deleted" in found
    assert [change for change in small.changes if change.startswith("DELETE")] == []
    assert small.get("Deployment", "web")["spec"]["replicas"] == 2
    assert small.get("Deployment", "release")


def an_autoscaler(least: int = 2, most: int = 5) -> Json:
    aimed = {"kind": "Deployment", "name": "web"}
    spec = {"minReplicas": least, "maxReplicas": most, "scaleTargetRef": aimed}
    return {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": spec}


def test_replicas_return_to_what_was_asked_for_though_the_autoscaler_moves_them(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    small.put("HorizontalPodAutoscaler", an_autoscaler())
    open_drill(settings, cluster)
    small.put("Deployment", a_deployment(replicas=4))
    assert close_drill(settings, cluster) == ["Deployment/web: spec.replicas is 4, was 2"]
    assert small.get("Deployment", "web")["spec"]["replicas"] == 2
    # afterwards the autoscaler goes to 5, and a fresh checkout drills: 5 is not what is known
    small.put("Deployment", a_deployment(replicas=5))
    open_drill(settings, cluster)
    known = last_known(cluster)
    assert known is not None
    assert known.objects["Deployment"]["web"]["spec"]["replicas"] == 2
    # and an autoscaler that insists is let be, within its bounds
    small.autoscaled["web"] = 3
    close_drill(settings, cluster)
    assert small.get("Deployment", "web")["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("changed", "asked", "anew"),
    [
        (an_autoscaler(least=4), 4, True),  # its own rules were changed
        (an_autoscaler(), 4, True),  # the load made it ask for twice as many pods
        (an_autoscaler(), 3, False),
    ],
)
def test_an_autoscaler_that_would_go_on_asking_for_more_is_made_anew(  # noqa: PLR0917 - parameters
    small: SmallCluster, settings: Settings, cluster: Cluster, changed: Json, asked: int, anew: bool
) -> None:
    small.put("HorizontalPodAutoscaler", an_autoscaler())
    open_drill(settings, cluster)
    small.put("HorizontalPodAutoscaler", {**changed, "status": {"desiredReplicas": asked}})
    small.put("Deployment", a_deployment(replicas=asked))
    small.changes.clear()
    close_drill(settings, cluster)
    asked_of = [change.split()[0] for change in small.changes if "horizontalpodautoscalers" in change]
    assert asked_of == (["DELETE", "POST"] if anew else [])
    assert small.get("HorizontalPodAutoscaler", "web")["spec"] == an_autoscaler()["spec"]
    assert small.get("Deployment", "web")["spec"]["replicas"] == 2


def test_an_autoscaler_of_a_cluster_that_is_nobodys_throw_away_is_changed_back_in_place(
    small: SmallCluster, settings: Settings, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.put("HorizontalPodAutoscaler", an_autoscaler())
    open_drill(settings, cluster)
    small.put("HorizontalPodAutoscaler", an_autoscaler(least=4))
    small.changes.clear()
    monkeypatch.setattr("drill.putback.repair.is_throw_away", lambda context: context != "kind-small")
    close_drill(settings, cluster)
    assert not any(change.startswith("DELETE") for change in small.changes)
    assert small.get("HorizontalPodAutoscaler", "web")["spec"] == an_autoscaler()["spec"]


@pytest.mark.parametrize(
    ("release", "replicas"),
    [
        (a_deployment(replicas=4, image="web:2"), 4),  # somebody's release
        (a_deployment(replicas=4), 2),  # the autoscaler's choice
        (a_deployment(replicas=9), 2),
    ],
)
def test_a_release_is_told_from_a_choice_of_the_autoscaler(
    small: SmallCluster, cluster: Cluster, release: Json, replicas: int
) -> None:
    small.put("HorizontalPodAutoscaler", an_autoscaler())
    before = observe(cluster)
    small.put("Deployment", release)
    known = settled(observe(cluster), before)
    assert known.objects["Deployment"]["web"]["spec"]["replicas"] == replicas


def test_without_an_autoscaler_replicas_are_those_that_are_there(
    small: SmallCluster, cluster: Cluster
) -> None:
    before = observe(cluster)
    small.put("Deployment", a_deployment(replicas=4))
    assert settled(observe(cluster), before).objects["Deployment"]["web"]["spec"]["replicas"] == 4


def test_a_cluster_that_does_not_answer_is_an_error_and_nothing_is_claimed(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    small.stop()
    with pytest.raises(ClusterError, match="no answer from the API server") as raised:
        put_back(settings, cluster)
    assert raised.value.exit_status == 3
    assert "known state" not in str(raised.value)


def test_drill_put_back_against_a_cluster_that_does_not_answer(
    small: SmallCluster, settings: Settings, tmp_path: Path
) -> None:
    command, leads = ["--target", str(settings.file), "restore"], os.environ["DRILL_KUBECONFIG"]
    answering = drill(tmp_path, *command, DRILL_KUBECONFIG=leads)
    assert (answering.returncode, answering.stdout) == (
        0,
        "no drill has left anything open on this cluster: nothing was changed\n",
    )
    small.stop()
    silent = drill(tmp_path, *command, DRILL_KUBECONFIG=leads)
    assert (silent.returncode, silent.stdout) == (3, "")
    assert "no answer from the API server" in silent.stderr
    assert "Traceback" not in silent.stderr


def test_a_drill_at_work_is_not_put_back_by_another(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    held_drill = KILLED_DRILL.replace("os.kill(os.getpid(), signal.SIGKILL)", "input()")
    held = subprocess.Popen([sys.executable, "-c", held_drill, settings.file], stdin=subprocess.PIPE)
    try:
        folder = Ledger(state_folder(cluster)).folder
        wait.until("the drill to be open", lambda: list(folder.glob("drill-*.json")), seconds=300)
        with pytest.raises(SetupError, match=f"a drill of process {held.pid} is at work"):
            put_back(settings, cluster)
        with pytest.raises(SetupError, match="is still open, so this is no state to return to"):
            open_drill(settings, cluster)
    finally:
        held.kill()
        held.wait()
    assert put_back(settings, cluster).drills == 1


def test_kinds_that_may_not_be_listed_are_named_and_left_alone(small: SmallCluster, cluster: Cluster) -> None:
    small.put("Secret", {"kind": "Secret", "metadata": {"name": "key"}, "data": {}})
    known = observe(cluster)
    small.forbidden.add(f"/api/v1/namespaces/{NAMESPACE}/secrets")
    now = observe(cluster)
    assert now.unseen == ["Secret"]
    assert differences(known, now) == []


def test_a_damaged_last_state_is_named(small: SmallCluster, settings: Settings, cluster: Cluster) -> None:
    open_drill(settings, cluster)
    path = state_folder(cluster) / "known-state.json"
    path.write_text("{")
    with pytest.raises(InputError, match=r"known-state\.json: .*a known state as JSON"):
        last_known(cluster)


def test_two_clusters_and_two_namespaces_have_folders_of_their_own(
    small: SmallCluster, cluster: Cluster, tmp_path: Path
) -> None:
    one = state_folder(cluster)
    assert one == tmp_path / "state" / "drill" / "kind-small-01234567" / NAMESPACE
    small.put("Namespace", {"metadata": {"name": "kube-system", "uid": "another-cluster"}})
    assert state_folder(cluster) != one


def test_a_fault_that_its_experiment_undid_meanwhile_is_told_by_its_name(
    settings: Settings, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Ledger(state_folder(cluster)).folder / "admission-blocked-18625-1795559954861.json"
    monkeypatch.setattr(Ledger, "files", lambda _: [gone])  # listed, and undone before it was read
    assert put_back(settings, cluster).undone == ["admission-blocked: its experiment undid it"]


def test_a_namespace_that_is_gone_has_no_known_state(small: SmallCluster, cluster: Cluster) -> None:
    assert observe(cluster).objects["Deployment"]
    del small.objects["/api/v1/namespaces"][NAMESPACE]
    with pytest.raises(AbsentError):
        observe(cluster)
