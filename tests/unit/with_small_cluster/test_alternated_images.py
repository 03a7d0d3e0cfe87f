"""The image of a workload is written down before a gate changes it, and put back however that gate ended; a
release in between is left alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
from small_cluster import SmallCluster, a_deployment

from drill import wait
from drill.cluster.access import Cluster
from drill.errors import SetupError
from drill.putback import close_drill, close_images, last_known, open_drill, open_images, put_back, run_image
from drill.putback.images import image_of, return_image
from drill.putback.ledger import Ledger
from drill.putback.place import state_folder
from drill.settings import Settings

KILLED_GATE = """
import os, signal, sys
from drill import settings as target_settings
from drill.cluster.access import connect
from drill.putback import open_drill, open_images, run_image
settings = target_settings.load(sys.argv[1])
cluster = connect(settings)
entry = open_images(settings, cluster, settings.target.workloads[0], ["web:1", "web:2"])
run_image(settings, cluster, entry, "web:2")
if sys.argv[2] == "in-a-drill":
    open_drill(settings, cluster)
if sys.argv[2] == "at-work":
    input()
os.kill(os.getpid(), signal.SIGKILL)
"""
RUN_BELOW = """
import subprocess, sys
from drill import settings as target_settings
from drill.cluster.access import connect
from drill.putback import close_images, open_images, run_image
settings = target_settings.load(sys.argv[1])
cluster = connect(settings)
entry = open_images(settings, cluster, settings.target.workloads[0], ["web:1", "web:2"])
run_image(settings, cluster, entry, "web:2")
below = '''
import sys
from drill import settings as target_settings
from drill.cluster.access import connect
from drill.putback import close_drill, open_drill, put_back
settings = target_settings.load(sys.argv[1])
cluster = connect(settings)
print(put_back(settings, cluster).lines())
open_drill(settings, cluster)
cluster.scale("web", 0)
print(close_drill(settings, cluster))
'''
subprocess.run([sys.executable, "-c", below, sys.argv[1]], check=True)
print(cluster.workload("web")["spec"]["template"]["spec"]["containers"][0]["image"], flush=True)
print(*close_images(settings, cluster, entry).lines())
"""


def image(small: SmallCluster) -> str:
    return str(small.get("Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"])


def gate(settings: Settings, how: str = "") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", KILLED_GATE, str(settings.file), how], stdin=subprocess.PIPE
    )


def killed_gate(settings: Settings, how: str = "") -> None:
    """A gate that set the other image and was killed, in a process of its own."""
    process = gate(settings, how)
    process.communicate()
    assert process.returncode == -9


def test_each_image_has_new_pods_and_the_found_one_is_put_back(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    entry = open_images(settings, cluster, settings.target.workloads[0], ["web:1", "web:2"])
    marks = set()
    for each in ("web:1", "web:2", "web:1", "web:2"):
        run_image(settings, cluster, entry, each)
        assert image(small) == each
        marks.add(str(small.get("Deployment", "web")["spec"]["template"]["metadata"]["annotations"]))
    assert len(marks) == 4
    assert close_images(settings, cluster, entry).undone == [
        "images-alternated: Deployment/web runs web:1, as before; it ran web:2"
    ]
    assert image(small) == image_of(cluster, settings.target.workloads[0]) == "web:1"
    assert Ledger(state_folder(cluster)).files() == []


def test_each_side_begins_with_as_many_pods(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    entry = open_images(settings, cluster, settings.target.workloads[0], ["web:2"])
    small.put("Deployment", a_deployment(replicas=5))  # an autoscaler's choice under load
    run_image(settings, cluster, entry, "web:2")
    assert small.get("Deployment", "web")["spec"]["replicas"] == 2


def test_an_image_that_a_killed_gate_left_is_put_back(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    open_drill(settings, cluster)
    close_drill(settings, cluster)
    before = last_known(cluster)
    killed_gate(settings)
    assert image(small) == "web:2"
    done = put_back(settings, cluster)
    assert done.undone == ["images-alternated: Deployment/web runs web:1, as before; it ran web:2"]
    assert image(small) == "web:1"
    assert last_known(cluster) == before
    assert put_back(settings, cluster).undone == []


def test_a_gate_that_was_killed_with_its_drill_leaves_neither(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    killed_gate(settings, "in-a-drill")
    small.put("Deployment", a_deployment(replicas=0, image="web:2"))
    done = put_back(settings, cluster)
    assert image(small) == "web:1"
    assert small.get("Deployment", "web")["spec"]["replicas"] == 2
    assert done.drills == 1
    assert any("image is 'web:2', was 'web:1'" in line for line in done.differences)
    known = last_known(cluster)
    assert known is not None
    spec = known.objects["Deployment"]["web"]["spec"]
    assert spec["template"]["spec"]["containers"][0]["image"] == "web:1"
    assert Ledger(state_folder(cluster)).files() == []


def test_somebodys_release_in_between_is_left_alone(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    entry = open_images(settings, cluster, settings.target.workloads[0], ["web:1", "web:2"])
    run_image(settings, cluster, entry, "web:2")
    small.put("Deployment", a_deployment(image="web:9"))
    with pytest.raises(SetupError, match="web:9, which the gate has not set: somebody released it"):
        run_image(settings, cluster, entry, "web:1")
    assert close_images(settings, cluster, entry).undone == [
        "images-alternated: Deployment/web is left at web:9, which somebody released meanwhile"
    ]
    assert image(small) == "web:9"
    assert Ledger(state_folder(cluster)).files() == []


def test_a_run_of_the_gates_own_drills_under_the_image_that_was_set(
    small: SmallCluster, settings: Settings
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN_BELOW, str(settings.file)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [
        "['no drill has left anything open on this cluster: nothing was changed']",
        "['Deployment/web: spec.replicas is 0, was 2']",
        "web:2",
        "undone: images-alternated: Deployment/web runs web:1, as before; it ran web:2",
    ], done.stderr


def test_a_gate_at_work_is_not_put_back_by_another(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    held = gate(settings, "at-work")
    try:
        wait.until("the gate's image", lambda: image(small), lambda seen: seen == "web:2", seconds=300)
        with pytest.raises(SetupError, match=rf"`drill gate alternate` of process {held.pid} is at work"):
            put_back(settings, cluster)
        with pytest.raises(SetupError, match="is still open, so this is no state to return to"):
            open_drill(settings, cluster)
        with pytest.raises(SetupError, match="is still open, so this is no state to return to"):
            open_images(settings, cluster, settings.target.workloads[0], ["web:2"])
    finally:
        held.kill()
        held.wait()
    assert put_back(settings, cluster).undone
    assert image(small) == "web:1"


def test_an_image_that_does_not_start_says_what_was_last_seen(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    entry = open_images(settings, cluster, settings.target.workloads[0], ["web:no-such"])
    with pytest.raises(SetupError, match=r"Deployment/web to run web:no-such; last seen: .*ErrImagePull"):
        run_image(settings, cluster, entry, "web:no-such", seconds=0.5)
    close_images(settings, cluster, entry)
    assert image(small) == "web:1"


def test_a_container_that_is_not_there_is_named(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    other = settings.target.workloads[0].model_copy(update={"container": "engine"})
    with pytest.raises(SetupError, match="has no container 'engine', but web"):
        open_images(settings, cluster, other, ["web:2"])
    assert Ledger(state_folder(cluster)).files() == []


def test_what_is_put_back_does_not_wait_for_an_image_that_never_runs(
    small: SmallCluster, settings: Settings, cluster: Cluster
) -> None:
    entry = open_images(settings, cluster, settings.target.workloads[0], ["web:no-such"])
    with pytest.raises(SetupError):
        run_image(settings, cluster, entry, "web:no-such", seconds=0.1)
    assert return_image(settings, cluster, entry).endswith("it ran web:no-such")
    assert [file.stem for file in Ledger(state_folder(cluster)).files()] == [entry.id]
