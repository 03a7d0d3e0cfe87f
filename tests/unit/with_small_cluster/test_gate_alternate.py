"""`drill gate alternate` on a small cluster: two images in turn, a decision on what their runs recorded, and
the image that was found afterwards, however it ended."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from alternated_service import LONG_SECONDS, Service
from small_cluster import SmallCluster, a_deployment

from drill import wait
from drill.cluster.access import Cluster
from drill.gate.alternate import released_image
from drill.machine.images import full_name
from drill.putback.ledger import Ledger
from drill.putback.place import state_folder
from drill.settings import Settings

SLOWED = {"web:2": {"slow": 0.016}}
HELD = "from drill import wait; wait.pause(60 if image_now(cluster) == 'web:2' else 0)"
"""A drill of the candidate stays where the target is broken."""
UNDECIDED = '\n[gate]\nblock = ["writes_lost"]\nwarn = []\n'
"""Of so few writes nothing can be told."""


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Of the service, with its drill.toml."""
    assert settings.file.parent == tmp_path
    return tmp_path


def test_a_slowed_image_is_blocked_and_the_found_one_runs_again(
    small: SmallCluster, folder: Path, cluster: Cluster
) -> None:
    service = Service(folder, small, SLOWED)
    # what runs stays as the node has it, whatever was built under its name since
    service.know(
        engine={"web:1": "sha256:later", "web:2": "sha256:2"}, node={"docker.io/library/web:1": "sha256:1"}
    )
    status, said, told = service.gate("web:2", "--rounds", 2, "--json", folder / "gate.json")
    assert status == 1, said + told
    assert "released web:1: one-1-released, one-2-released; candidate web:2: one-1-candidate" in said
    assert "REGRESSION: one-1-candidate, one-2-candidate against one-1-released, one-2-released" in said
    assert "regression: p95 all requests: 16 ms, baseline 10 ms" in said
    assert service.runs == [
        ("one-1-released", "released", "web:1"),
        ("one-1-candidate", "candidate", "web:2"),
        ("one-2-released", "released", "web:1"),
        ("one-2-candidate", "candidate", "web:2"),
    ]
    assert (folder / "gate.json").is_file()
    assert "images-alternated: Deployment/web runs web:1, as before; it ran web:2" in told
    assert service.image == "web:1"
    assert service.held() == {"docker.io/library/web:1": "sha256:1", "docker.io/library/web:2": "sha256:2"}
    assert Ledger(state_folder(cluster)).files() == []


def test_one_image_by_two_names_passes_and_that_is_said(small: SmallCluster, folder: Path) -> None:
    service = Service(folder, small, SLOWED)
    service.know(engine={"web:3": "sha256:1"}, node={"docker.io/library/web:1": "sha256:1"})
    status, said, told = service.gate("web:3", "--rounds", 2, "--budget-seconds", 0)
    assert status == 0, said + told
    assert said.startswith("both sides are the same image: web:1, web:3\n")
    assert "PASS: one-1-candidate, one-2-candidate against" in said
    assert service.image == "web:1"


def test_a_spent_budget_is_said_and_inconclusive(small: SmallCluster, folder: Path) -> None:
    service = Service(folder, small, {}, policy=UNDECIDED)
    status, said, told = service.gate("web:2", "--budget-seconds", 0)
    assert status == 2, said + told
    assert len(service.runs) == 2
    assert "no further round: one takes about" in said
    assert "of the budget of 0 s 0 s are left" in said
    assert "s more of drills would decide" in said
    assert service.image == "web:1"


def test_while_it_is_inconclusive_a_further_round_is_taken_until_it_is_decided(
    small: SmallCluster, folder: Path
) -> None:
    out = {"one-2-candidate": {"outages": [(1010.0, 1060.0)]}}
    policy = UNDECIDED.replace("writes_lost", 'limits", "writes_lost')
    service = Service(folder, small, out, policy=policy)
    status, said, told = service.gate("web:2", "--budget-seconds", 86400)
    assert status == 1, said + told
    assert [run for run, _, _ in service.runs] == [
        f"one-{number}-{side}" for number in (1, 2) for side in ("released", "candidate")
    ]
    assert "decisions, each with 1/" in said
    assert "no further round" not in said


def test_an_unknown_image_is_an_error_before_anything_is_changed(small: SmallCluster, folder: Path) -> None:
    service = Service(folder, small, {})
    small.changes.clear()
    status, said, told = service.gate("web:7")
    assert (status, said) == (3, "")
    assert "web:7: neither this machine's engine nor each node of kind-small has that image" in told
    assert "nothing was changed" in told
    assert small.changes == []
    assert not (folder / "reports").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_puts_drill_and_image_back(
    small: SmallCluster, folder: Path, cluster: Cluster, number: signal.Signals
) -> None:
    service = Service(folder, small, {}, meanwhile=HELD)
    process = service.start("web:2")
    try:
        _until_the_candidate_is_drilled(service)
        process.send_signal(number)
        _, told = process.communicate(timeout=LONG_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 130, told
    # the run itself put back what it broke
    assert "put back: " not in told
    assert service.image == "web:1"
    assert small.get("Deployment", "web")["spec"]["replicas"] == 2
    assert Ledger(state_folder(cluster)).files() == []


def test_after_kill_9_the_next_one_puts_it_back_first(
    small: SmallCluster, folder: Path, settings: Settings, cluster: Cluster
) -> None:
    service = Service(folder, small, {}, meanwhile=HELD)
    process = service.start("web:2")
    try:
        _until_the_candidate_is_drilled(service)
    finally:
        process.kill()
    # its run is told to end, puts back what it broke under the image that it drilled, and lets go of the pipe
    _, told = process.communicate(timeout=LONG_SECONDS)
    ledger = Ledger(state_folder(cluster))
    assert ledger.drills() == [], told
    assert service.image == "web:2"
    # nor does the next gate take it for what is released
    assert released_image(settings, cluster) == "web:1"
    assert service.image == "web:1"
    assert ledger.files() == []


def _until_the_candidate_is_drilled(service: Service) -> None:
    wait.until(
        "the candidate to be drilled",
        lambda: (service.image, service.small.get("Deployment", "web")["spec"]["replicas"]),
        lambda seen: seen == ("web:2", 0),
        seconds=LONG_SECONDS,
    )


def test_a_run_that_cannot_be_carried_out_ends_it(small: SmallCluster, folder: Path) -> None:
    service = Service(folder, small, {}, meanwhile="os._exit(3)")
    status, said, told = service.gate("web:2")
    assert (status, said) == (3, "")
    assert "one-1-released: its drills could not be carried out (exit status 3)" in told


def test_a_run_that_was_killed_leaves_neither_its_drill_nor_its_image(
    small: SmallCluster, folder: Path, cluster: Cluster
) -> None:
    killed = "os.kill(os.getpid(), 9 if image_now(cluster) == 'web:2' else 0)"
    service = Service(folder, small, {}, meanwhile=killed)
    status, _, told = service.gate("web:2")
    assert (status, "its drills could not be carried out (exit status 137)" in told) == (3, True), told
    assert (service.image, small.get("Deployment", "web")["spec"]["replicas"]) == ("web:1", 2)
    assert Ledger(state_folder(cluster)).files() == []


def test_a_run_of_that_name_is_refused(small: SmallCluster, folder: Path) -> None:
    service = Service(folder, small, {})
    (folder / "reports" / "one-1-released").mkdir(parents=True)
    small.changes.clear()
    status, _, told = service.gate("web:2")
    assert (status, "a run of that name exists; give another --run" in told) == (3, True)
    assert small.changes == []


def test_a_release_in_between_ends_it_and_stays(small: SmallCluster, folder: Path) -> None:
    service = Service(folder, small, {})
    process = service.start("web:2")
    try:
        wait.until(
            "the first run to have ended",
            (folder / "reports" / "one-1-released").is_dir,
            seconds=LONG_SECONDS,
        )
        small.put("Deployment", a_deployment(image="web:9"))
        _, told = process.communicate(timeout=LONG_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 3, told
    assert "web:9" in told
    assert service.image == "web:9"


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("web:1", "docker.io/library/web:1"),
        ("web", "docker.io/library/web:latest"),
        ("team/web:1", "docker.io/team/web:1"),
        ("localhost/web:1", "localhost/web:1"),
        ("registry.example.org:5000/web", "registry.example.org:5000/web:latest"),
    ],
)
def test_names_as_nodes_list_them(name: str, full: str) -> None:
    assert full_name(name) == full
