"""Kinds of faults that change objects and volumes: made, deleted, patched, and put back, once and again."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from small_cluster import NAMESPACE, Json, LocalCluster, SmallCluster, a_deployment

from drill import settings as target_settings
from drill.cluster.access import Cluster
from drill.errors import FaultError
from drill.faults.catalogue import as_data, from_data
from drill.faults.create import Create, CreateParameters
from drill.faults.delete import Delete, DeleteParameters
from drill.faults.fault import Fault, Site
from drill.faults.name_server import NameServer, NameServerParameters
from drill.faults.namespace import MARK, Namespace
from drill.faults.node import Node, NodeParameters
from drill.faults.patch import Patch, PatchParameters
from drill.faults.pause import Pause
from drill.faults.secret import Secret, SecretParameters
from drill.faults.sights import Shows
from drill.faults.volume import Volume, VolumeParameters
from drill.inject.experiment import experiment_of
from drill.putback.known_state import differences, observe
from drill.settings import Settings

QUOTA = {"kind": "ResourceQuota", "metadata": {"name": "{workload}-budget"}, "spec": {"hard": {"pods": "1"}}}
AUTOSCALER = {
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "grow"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 4},
}
BACKUP = """
[parts.saved]
kind = "backup"
cronjob = "save"
newest = "/saved/*/notes.db"
"""


def a_site(cluster: Cluster, settings: Settings, part: str = "") -> Site:
    return Site(cluster, settings, settings.target.application, part, Path)


def kept(fault: Fault) -> Fault:
    """As the ledger has it."""
    return from_data(as_data(fault))


def test_what_was_made_is_deleted_again(small: SmallCluster, settings: Settings, cluster: Cluster) -> None:
    known = observe(cluster)
    refusal = {"message": 'pods "drill-asks-1" is forbidden: exceeded quota: web-budget'}
    parameters = CreateParameters([QUOTA], Shows(created="exceeded quota"), "one")
    fault = kept(Create.prepare(a_site(cluster, settings), parameters))
    assert not fault.look(cluster, {}).shows
    injected = fault.inject(cluster)
    small.dry_run = 403, refusal
    assert injected.detail == {"made": ["ResourceQuota/web-budget"], "lost": ["web-0"]}
    seen = fault.look(cluster, injected.detail)
    assert seen.shows
    assert "exceeded quota: web-budget" in seen.observed
    assert differences(known, observe(cluster)) == ["ResourceQuota/web-budget: was not there"]
    assert fault.undo(cluster) == "deleted ResourceQuota/web-budget"
    assert fault.undo(cluster) == "none of what was made is there: nothing was left to undo"
    assert differences(known, observe(cluster)) == []


def test_half_made_is_deleted_as_well(small: SmallCluster, settings: Settings, cluster: Cluster) -> None:
    two = [QUOTA, {**QUOTA, "metadata": {"name": "other"}}]
    fault = Create.prepare(a_site(cluster, settings), CreateParameters(two, Shows(ready="some")))
    small.put("ResourceQuota", two[1])
    assert fault.undo(cluster) == "deleted ResourceQuota/other"


def test_what_is_there_already_or_cannot_be_put_back_is_not_made(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    small.put("ResourceQuota", {**QUOTA, "metadata": {"name": "web-budget"}})
    with pytest.raises(FaultError, match="ResourceQuota/web-budget is there already"):
        Create.prepare(a_site(cluster, settings), CreateParameters([QUOTA], Shows(ready="some")))
    volume = {"kind": "PersistentVolume", "metadata": {"name": "x"}}
    with pytest.raises(
        FaultError, match="PersistentVolume: expected a kind that can be put back: Deployment"
    ):
        Create.prepare(a_site(cluster, settings), CreateParameters([volume], Shows(ready="some")))


def test_the_autoscaler_is_deleted_and_made_anew(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    parameters = DeleteParameters("autoscaler", Shows(autoscalers=0))
    with pytest.raises(FaultError, match="no autoscaler aims at web"):
        Delete.prepare(a_site(cluster, settings), parameters)
    small.put("HorizontalPodAutoscaler", AUTOSCALER)
    known = observe(cluster)
    fault = kept(Delete.prepare(a_site(cluster, settings), parameters))
    assert fault.look(cluster, {}).observed == "1 autoscalers of web: grow"
    fault.inject(cluster)
    assert fault.look(cluster, {}).shows
    assert fault.undo(cluster) == "made HorizontalPodAutoscaler/grow anew"
    assert fault.undo(cluster) == "HorizontalPodAutoscaler/grow is there: nothing was left to undo"
    assert differences(known, observe(cluster)) == []


def test_what_two_autoscalers_say_is_seen(small: SmallCluster, settings: Settings, cluster: Cluster) -> None:
    shows = Shows(autoscalers=2, scaling="AmbiguousSelector")
    subject = a_site(cluster, settings).subject
    condition = {"type": "ScalingActive", "status": "False", "reason": "AmbiguousSelector"}
    small.put("HorizontalPodAutoscaler", {**AUTOSCALER, "status": {"conditions": [condition]}})
    assert not shows.at(cluster, subject).shows
    second: Json = {**AUTOSCALER, "metadata": {"name": "second"}}
    small.put("HorizontalPodAutoscaler", second)
    assert not shows.at(cluster, subject).shows
    small.put("HorizontalPodAutoscaler", {**second, "status": {"conditions": [condition]}})
    assert shows.at(cluster, subject).shows


def test_operations_of_a_json_patch_are_put_back(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    ports = [{"port": 80, "targetPort": 8000}]
    spec = {"selector": {"app": "web"}, "clusterIP": "10.1.1.1", "ports": ports}
    small.put("Service", {"kind": "Service", "metadata": {"name": "web"}, "spec": spec})
    operation = {"op": "replace", "path": "/spec/ports/0/targetPort", "value": 9}
    parameters = PatchParameters([operation], Shows(endpoints="some"), "service")
    fault = kept(Patch.prepare(a_site(cluster, settings), parameters))
    fault.inject(cluster)
    assert small.get("Service", "web")["spec"]["ports"] == [{"port": 80, "targetPort": 9}]
    assert fault.undo(cluster) == "put Service/web back"
    assert small.get("Service", "web")["spec"]["ports"] == ports
    assert fault.undo(cluster) == "Service/web is as it was: nothing was left to undo"


def test_names_of_the_site_stand_in_patch_and_sight(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    patch = {
        "spec": {"template": {"spec": {"initContainers": [{"name": "{container}", "image": "{image}"}]}}}
    }
    fault = Patch.prepare(
        a_site(cluster, settings), PatchParameters(patch, Shows(look="echo {workload} in {namespace}"))
    )
    (made,) = fault.patch["spec"]["template"]["spec"]["initContainers"]  # type: ignore[call-overload]
    assert made == {"name": "web", "image": "web:1"}
    assert fault.shows.look == f"echo web in {NAMESPACE}"


@pytest.mark.parametrize(
    ("status", "shows", "words"),
    [
        ({"restartCount": 2}, Shows(restarts=2), "2 restarts"),
        ({"restartCount": 1}, Shows(restarts=2), ""),
        ({"lastState": {"terminated": {"reason": "OOMKilled"}}}, Shows(ended="OOM"), "ended: OOMKilled"),
        ({"state": {"terminated": {"reason": "OOMKilled"}}}, Shows(ended="OOM"), "ended: OOMKilled"),
        ({"lastState": {"terminated": {"reason": "Error"}}}, Shows(ended="OOM"), ""),
    ],
)
def test_ends_and_restarts_of_containers(
    small: SmallCluster, settings: Settings, cluster: Cluster, status: Json, shows: Shows, *, words: str
) -> None:
    small.put("Deployment", a_deployment(replicas=1))
    (pod,) = (each for each in cluster.pods("web"))
    pod["status"]["containerStatuses"][0] |= status
    small.objects[f"/api/v1/namespaces/{NAMESPACE}/pods"]["web-0"] = pod
    seen = shows.at(cluster, a_site(cluster, settings).subject)
    assert seen.shows == bool(words)
    assert words in seen.observed


def test_pods_that_no_node_has_taken_and_that_are_starting(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    subject = a_site(cluster, settings).subject
    assert not Shows(pending="some").at(cluster, subject).shows
    assert not Shows(starting="some").at(cluster, subject).shows
    pod = small.objects[f"/api/v1/namespaces/{NAMESPACE}/pods"]["web-0"]
    del pod["spec"]["nodeName"]
    pod["status"]["initContainerStatuses"] = [{"state": {"running": {}}}]
    assert Shows(pending="some").at(cluster, subject).shows
    assert Shows(starting="some").at(cluster, subject).shows


def test_addresses_at_which_nobody_listens(
    small: SmallCluster, settings: Settings, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = a_site(cluster, settings).subject
    answers: dict[str, bytes] = {}
    monkeypatch.setattr(
        Cluster, "endpoint_places", lambda self, service: [("10.0.0.1", 80), ("10.0.0.2", 80)]
    )
    monkeypatch.setattr(
        Cluster,
        "on_node",
        lambda self, node, command: next((answers[each] for each in answers if each in command[2]), b""),
    )
    assert Shows(answering="none").at(cluster, subject).shows
    answers["10.0.0.2/80"] = b"yes\n"
    seen = Shows(answering="none").at(cluster, subject)
    assert not seen.shows
    assert seen.observed == "1 of 2 of its addresses answer"


def with_backups(small: SmallCluster, settings: Settings, folder: Path) -> Settings:
    """The target with a CronJob whose backups lie in a folder of this machine."""
    container = {"name": "save", "volumeMounts": [{"name": "saved", "mountPath": "/saved"}]}
    volumes = [{"name": "saved", "persistentVolumeClaim": {"claimName": "saved"}}]
    template = {"spec": {"containers": [container], "volumes": volumes}}
    job = {"spec": {"template": template}}
    small.put("CronJob", {"kind": "CronJob", "metadata": {"name": "save"}, "spec": {"jobTemplate": job}})
    small.put("PersistentVolumeClaim", {"metadata": {"name": "saved"}, "spec": {"volumeName": "pv-1"}})
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node"]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
    volume = {"spec": {"hostPath": {"path": str(folder)}, "nodeAffinity": affinity}}
    small.objects["/api/v1/persistentvolumes"] = {"pv-1": volume}
    settings.file.write_text(settings.file.read_text() + BACKUP, encoding="utf-8")
    return target_settings.load(settings.file)


def hide(**changed: str) -> VolumeParameters:
    scripts = {
        "inject": "mv {file} {volume}/.{secret}",
        "undo": "if [ -e {volume}/.{secret} ]; then mv {volume}/.{secret} {file}; fi",
        "look": "test -e {file} && echo there || echo missing",
        "shows": "^missing",
    }
    return VolumeParameters(**{**scripts, **changed})


def test_the_newest_file_of_a_volume_is_changed_and_put_back(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    folder = tmp_path / "volume"
    saved = with_backups(small, settings, folder)
    with pytest.raises(FaultError, match="there is no such file; where it is a backup, make one first"):
        Volume.prepare(a_site(local, saved, "saved"), hide())
    for day in ("2026-01-02", "2026-01-01"):
        (folder / day).mkdir(parents=True)
        (folder / day / "notes.db").write_text(day)
    fault = kept(Volume.prepare(a_site(local, saved, "saved"), hide()))
    assert "{secret}" in fault.shown()["inject_script"]
    assert fault.undo(local) == "ran the undo"
    injected = fault.inject(local)
    assert sorted(os.listdir(folder / "2026-01-02")) == []
    assert fault.look(local, injected.detail).observed == "saved: missing"
    assert fault.look(local, injected.detail).shows
    assert fault.undo(local) == "ran the undo"
    assert (folder / "2026-01-02" / "notes.db").read_text() == "2026-01-02"
    assert not fault.look(local, injected.detail).shows
    assert fault.undo(local) == "ran the undo"


def test_a_damaged_backup_has_a_whole_one_before_it(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    folder = tmp_path / "volume"
    saved = with_backups(small, settings, folder)
    newest = folder / "2026-01-01" / "notes.db"
    newest.parent.mkdir(parents=True)
    newest.write_text("all of it")
    parameters = experiment_of(saved, "backup-damaged").parameters
    fault = kept(Volume.prepare(a_site(local, saved, "saved"), parameters))
    fault.inject(local)
    assert newest.read_text() == "all "
    (before,) = [path for path in folder.glob("*/notes.db") if path != newest]
    assert before.read_text() == "all of it"
    assert before.parent.name < newest.parent.name
    assert fault.look(local, {}).shows
    fault.undo(local)
    assert [path.read_text() for path in folder.rglob("*") if path.is_file()] == ["all of it"]
    assert sorted(os.listdir(folder)) == ["2026-01-01"]


def test_of_damaged_backups_none_is_whole_and_what_is_kept_is_not_found_as_one(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    folder = tmp_path / "volume"
    saved = with_backups(small, settings, folder)
    for day in ("2026-01-01", "2026-01-02"):
        (folder / day).mkdir(parents=True)
        (folder / day / "notes.db").write_text(f"{day} whole")
    parameters = experiment_of(saved, "backups-damaged").parameters
    fault = kept(Volume.prepare(a_site(local, saved, "saved"), parameters))
    fault.inject(local)
    assert [path.read_text() for path in sorted(folder.rglob("notes.db"))] == ["2026-01-"] * 2
    assert fault.look(local, {}).shows
    later = folder / "2026-01-02" / "notes.db"
    later.write_text("made meanwhile, and whole")
    assert not fault.look(local, {}).shows
    fault.undo(local)
    fault.undo(local)
    assert [path.read_text() for path in sorted(folder.rglob("*.db"))] == [
        "2026-01-01 whole",
        "made meanwhile, and whole",
    ]
    assert sorted(os.listdir(folder)) == ["2026-01-01", "2026-01-02"]


def test_an_undo_that_leaves_a_volume_as_it_was_is_an_error(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    saved = with_backups(small, settings, tmp_path / "volume")
    (tmp_path / "volume" / "1").mkdir(parents=True)
    (tmp_path / "volume" / "1" / "notes.db").touch()
    fault = Volume.prepare(a_site(local, saved, "saved"), hide(undo="echo tried"))
    fault.inject(local)
    with pytest.raises(FaultError, match=r"the undo ran and the volume still shows '\^missing': tried"):
        fault.undo(local)


def test_a_volume_that_is_no_folder_of_a_node_is_refused(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    saved = with_backups(small, settings, tmp_path)
    small.objects["/api/v1/persistentvolumes"]["pv-1"] = {"spec": {"csi": {"driver": "cloud"}}}
    with pytest.raises(FaultError, match="pv-1 of the claim saved: expected a folder of one node"):
        Volume.prepare(a_site(local, saved, "saved"), hide())
    with pytest.raises(FaultError, match="expected a part of kind sqlite or backup"):
        Volume.prepare(a_site(local, saved, ""), hide())


def test_something_is_run_on_the_nodes_of_the_pods(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    parameters = NodeParameters(
        inject=f"echo {{secret}} > {tmp_path}/hog",
        undo=f"rm -f {tmp_path}/hog",
        look=f"if [ -e {tmp_path}/hog ]; then echo busy; else echo idle; fi",
        shows="^busy",
    )
    fault = kept(Node.prepare(a_site(local, settings), parameters))
    assert not fault.look(local, {}).shows
    assert fault.inject(local).detail == {"nodes": ["node"]}
    assert (tmp_path / "hog").read_text().strip() not in str(fault.shown())
    assert fault.look(local, {}).observed == "node: busy"
    assert fault.undo(local) == "ran the undo on node"
    assert fault.undo(local) == "ran the undo on node"
    assert not fault.look(local, {}).shows
    small.remove("Deployment", "web")
    small.put("Deployment", a_deployment(replicas=0))
    with pytest.raises(FaultError, match="no pod of web runs: there is no node"):
        Node.prepare(a_site(local, settings), parameters)


def test_a_node_stands_still_and_goes_on(
    small: SmallCluster, settings: Settings, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.put("Node", {"metadata": {"name": "node", "labels": {}}, "spec": {}})
    paused: set[str] = set()
    monkeypatch.setattr("drill.faults.pause.pause", paused.add)
    monkeypatch.setattr("drill.faults.pause.resume", paused.remove)
    monkeypatch.setattr("drill.faults.pause.is_paused", lambda node: node in paused)
    fault = kept(Pause.prepare(a_site(cluster, settings), None))
    fault.inject(cluster)
    assert paused == {"node"}
    # the small cluster has no kubelets at all: nobody answers
    assert fault.look(cluster, {}).observed == "no answer from the kubelet of node"
    assert fault.undo(cluster) == "let node go on"
    assert fault.undo(cluster) == "no node stands still: nothing was left to undo"


def test_the_control_plane_is_never_held(small: SmallCluster, settings: Settings, cluster: Cluster) -> None:
    labels = {"node-role.kubernetes.io/control-plane": ""}
    small.put("Node", {"metadata": {"name": "node", "labels": labels}, "spec": {}})
    with pytest.raises(FaultError, match="web runs on node, which is the control plane"):
        Pause.prepare(a_site(cluster, settings), None)


COREFILE = ".:53 {\n    kubernetes example.local in-addr.arpa {\n    }\n}\n"
NAMES = "/api/v1/namespaces/kube-system/configmaps"


class NameServerPods:
    """The name server's pods, each replaced as soon as it is deleted, as its own deployment would."""

    def __init__(self, small: SmallCluster) -> None:
        self.made = 0
        self._path = "/api/v1/namespaces/kube-system/pods"
        small.objects[self._path] = {}
        small.objects[NAMES] = {"coredns": {"metadata": {"name": "coredns"}, "data": {"Corefile": COREFILE}}}
        self._pods = small.objects[self._path]
        for _ in range(2):
            self._make()
        answer = small._of_one

        def and_make(method: str, collection: str, name: str, body: Json | None) -> tuple[int, Json]:
            answered = answer(method, collection, name, body)
            if (method, collection) == ("DELETE", self._path):
                self._make()
            return answered

        small._of_one = and_make  # type: ignore[method-assign]

    def _make(self) -> None:
        self.made += 1
        name = f"coredns-{self.made}"
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        metadata = {"name": name, "uid": name, "labels": {"k8s-app": "kube-dns"}}
        self._pods[name] = {"metadata": metadata, "spec": {}, "status": ready}


def test_a_name_is_lost_and_found_again(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    pods = NameServerPods(small)
    site = a_site(local, settings)
    parameters = NameServerParameters(disconnect=f"touch {tmp_path}/disconnected")
    fault = kept(NameServer.prepare(site, parameters))
    injected = fault.inject(local)
    assert injected.detail == {"names": [f"web.{NAMESPACE}.svc.example.local"]}
    corefile = small.objects[NAMES]["coredns"]["data"]["Corefile"]
    assert corefile.startswith(f"web.{NAMESPACE}.svc.example.local:53 {{")
    assert corefile.endswith(COREFILE)
    assert pods.made == 4
    assert (tmp_path / "disconnected").exists()
    # this machine does not know that name either
    assert fault.look(local, {}).shows
    assert fault.undo(local) == "put the name server's configuration back"
    assert small.objects[NAMES]["coredns"]["data"]["Corefile"] == COREFILE
    assert pods.made == 6
    assert fault.undo(local) == "started the name server anew"


def test_a_name_server_that_is_not_understood_is_left_alone(
    small: SmallCluster, settings: Settings, local: LocalCluster
) -> None:
    NameServerPods(small)
    small.objects[NAMES]["coredns"]["data"]["Corefile"] = ".:53 {}"
    with pytest.raises(FaultError, match="expected a Corefile with a line `kubernetes`"):
        NameServer.prepare(a_site(local, settings), NameServerParameters("true"))
    small.objects[NAMES]["coredns"]["data"]["Corefile"] = COREFILE
    small.remove("Service", "web")
    with pytest.raises(FaultError, match="no Service leads to web"):
        NameServer.prepare(a_site(local, settings), NameServerParameters("true"))


def with_password(small: SmallCluster, folder: Path, started: str) -> Json:
    """A part whose container takes its password from a Secret, and has it in a file of this machine."""
    item = a_deployment(replicas=1)
    reference = {"secretKeyRef": {"name": "door", "key": "word"}}
    item["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "WORD", "valueFrom": reference}]
    small.started_at = started
    small.put("Deployment", item)
    old = base64.b64encode(b"mellon").decode()
    small.put("Secret", {"kind": "Secret", "metadata": {"name": "door"}, "data": {"word": old}})
    (folder / "word").write_text("mellon")
    return item


def a_rotation(folder: Path) -> SecretParameters:
    return SecretParameters(
        change=f"grep -qx {{old}} {folder}/word && printf %s {{new}} > {folder}/word; true",
        shows=Shows(look=f"grep -qx {{new}} {folder}/word && echo new || echo old", says="^new"),
    )


def test_a_password_is_changed_and_changed_back(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    with_password(small, tmp_path, "2020-01-01T00:00:00Z")
    known = observe(local)
    fault = kept(Secret.prepare(a_site(local, settings), a_rotation(tmp_path)))
    assert isinstance(fault, Secret)
    assert not fault.look(local, {}).shows
    fault.inject(local)
    assert (tmp_path / "word").read_text() == fault.new
    assert differences(known, observe(local)) != []
    assert fault.look(local, {}).shows
    assert fault.new not in str(fault.shown())
    assert "mellon" not in str(fault.shown())
    assert fault.undo(local) == "put the Secret back"
    assert (tmp_path / "word").read_text() == "mellon"
    assert differences(known, observe(local)) == []
    assert fault.undo(local) == "the Secret is as it was, and nothing started meanwhile"


def test_what_started_with_the_new_password_is_replaced(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    with_password(small, tmp_path, "2099-01-01T00:00:00Z")
    fault = Secret.prepare(a_site(local, settings), a_rotation(tmp_path))
    fault.inject(local)
    small.remove("Secret", "door")
    done = fault.undo(local)
    assert done.startswith("made the Secret anew; replaced web-0, which started meanwhile")
    assert f"DELETE /api/v1/namespaces/{NAMESPACE}/pods/web-0" in small.changes


def test_a_part_without_a_password_is_refused(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    with pytest.raises(FaultError, match="web takes nothing from a Secret: there is no password"):
        Secret.prepare(a_site(local, settings), a_rotation(tmp_path))


def test_what_a_pod_logs_is_seen(small: SmallCluster, settings: Settings, cluster: Cluster) -> None:
    subject = a_site(cluster, settings).subject
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/shell/log"
    small.objects[path.removesuffix("/log")] = {"log": {"said": "sent 12 bytes to 10.0.0.9"}}
    seen = Shows(logs={"shell": r"sent \d+ bytes"}).at(cluster, subject)
    assert seen.shows
    assert seen.observed == "shell logs: sent 12 bytes"
    assert not Shows(logs={"shell": "got"}).at(cluster, subject).shows


VOLUMES = "/api/v1/persistentvolumes"
NAMESPACES = "/api/v1/namespaces"


def with_a_volume(small: SmallCluster) -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"volumeName": "pv-1"}, "status": {"phase": "Bound"}}
    small.put("PersistentVolumeClaim", {"kind": "PersistentVolumeClaim", **claim})
    spec = {"persistentVolumeReclaimPolicy": "Delete", "claimRef": {"name": "data", "uid": "old"}}
    small.objects[VOLUMES] = {"pv-1": {"metadata": {"name": "pv-1"}, "spec": spec, "status": {}}}


def lose_everything(small: SmallCluster) -> None:
    """What Kubernetes does of itself once a namespace is deleted."""
    for path in [each for each in small.objects if f"/namespaces/{NAMESPACE}/" in each]:
        small.objects[path] = {}
    small.objects[VOLUMES]["pv-1"]["status"] = {"phase": "Released"}


def bind_at_once(small: SmallCluster) -> None:
    """A claim that names its volume is bound as soon as it is made."""
    keep = small._keep

    def and_bind(collection: str, item: Json) -> None:
        keep(collection, item)
        if collection.endswith("persistentvolumeclaims"):
            small.objects[collection][item["metadata"]["name"]]["status"] = {"phase": "Bound"}
        if collection == NAMESPACES:
            small.objects[collection][item["metadata"]["name"]]["metadata"].setdefault("uid", "anew")

    small._keep = and_bind  # type: ignore[method-assign]


def test_a_namespace_is_deleted_and_made_anew_with_its_volumes(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    with_a_volume(small)
    small.put("Secret", {"kind": "Secret", "metadata": {"name": "door"}, "data": {"word": "bWVsbG9u"}})
    known = observe(cluster)
    fault = kept(Namespace.prepare(a_site(cluster, settings), None))
    assert "bWVsbG9u" not in str(fault.shown())
    assert not fault.look(cluster, {}).shows
    assert fault.undo(cluster) == "the namespace is there: nothing was left to undo"
    injected = fault.inject(cluster)
    assert injected.detail == {"objects": 4, "volumes": 1}
    policy = small.objects[VOLUMES]["pv-1"]["spec"]
    assert policy["persistentVolumeReclaimPolicy"] == "Retain"
    lose_everything(small)
    assert fault.look(cluster, {}).observed == f"the namespace {NAMESPACE} is gone"
    bind_at_once(small)
    assert fault.undo(cluster) == "made the namespace anew, with 4 objects and 1 volumes"
    assert differences(known, observe(cluster)) == []
    assert small.get("PersistentVolumeClaim", "data")["spec"]["volumeName"] == "pv-1"
    volume = small.objects[VOLUMES]["pv-1"]["spec"]
    assert volume["claimRef"] == {"name": "data"}
    assert volume["persistentVolumeReclaimPolicy"] == "Delete"
    assert small.objects[NAMESPACES][NAMESPACE]["metadata"]["annotations"] == {}


def test_an_undo_that_was_killed_half_way_goes_on(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    with_a_volume(small)
    known = observe(cluster)
    fault = Namespace.prepare(a_site(cluster, settings), None)
    fault.inject(cluster)
    lose_everything(small)
    bind_at_once(small)
    half = {"metadata": {"name": NAMESPACE, "uid": "half", "annotations": {MARK: fault.mark}}}
    small.put("Namespace", half)
    small.put("Service", next(item for item in fault.objects if item["kind"] == "Service"))
    assert fault.undo(cluster).startswith("made the namespace anew")
    assert differences(known, observe(cluster)) == []


def test_a_namespace_that_somebody_made_anew_is_theirs(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    with_a_volume(small)
    fault = Namespace.prepare(a_site(cluster, settings), None)
    fault.inject(cluster)
    lose_everything(small)
    small.put("Namespace", {"metadata": {"name": NAMESPACE, "uid": "theirs"}})
    small.changes.clear()
    assert fault.undo(cluster) == "the namespace was made anew by somebody: it is left as it is"
    assert small.changes == [f"PATCH {VOLUMES}/pv-1"]
    assert small.objects[VOLUMES]["pv-1"]["spec"]["persistentVolumeReclaimPolicy"] == "Delete"


def test_a_volume_that_is_gone_is_named(small: SmallCluster, settings: Settings, cluster: Cluster) -> None:
    with_a_volume(small)
    fault = Namespace.prepare(a_site(cluster, settings), None)
    fault.inject(cluster)
    lose_everything(small)
    del small.objects[VOLUMES]["pv-1"]
    with pytest.raises(FaultError, match="the volume pv-1 of data is gone"):
        fault.undo(cluster)
