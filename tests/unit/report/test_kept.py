"""Controls and calibrations that outlive their run: found again, and stale for every reason there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from recorded_runs import CONTROL, make_drill

from drill.conduct.ground import ground_of, target_digest
from drill.errors import SetupError
from drill.recording.events import SCHEMA_VERSION, Calibration
from drill.run import facts
from drill.run.kept import MOST_KEPT, Ground, Note, bring, calibrations_of, controls_of, find, keep, store_of
from drill.settings import load

GROUND = Ground(target="t", cluster="v1", load="l", faults="f")
TAKEN = 1_795_000_000.0
DAY = 86400.0
FAULTS = ("deployment-scaled-to-zero",)


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    make_drill(tmp_path / "run", replace(CONTROL, before=1, end=2))
    return tmp_path / "run" / "evidence" / CONTROL.drill


def _keep(tmp_path: Path, evidence: Path, ground: Ground = GROUND, taken: float = TAKEN) -> Path:
    note = Note(ground, "20261124", taken, {}, CONTROL.drill, CONTROL.scenario, FAULTS)
    return keep(controls_of(tmp_path / "store", FAULTS), evidence, note)


def _stale(tmp_path: Path, ground: Ground = GROUND, now: float = TAKEN + DAY) -> list[str]:
    found = find(controls_of(tmp_path / "store", FAULTS), ground, now, most_days=7)
    return [kept.stale for kept in found]


def test_control_is_found_again_with_its_age(tmp_path: Path, evidence: Path) -> None:
    folder = _keep(tmp_path, evidence)
    (found,) = find(controls_of(tmp_path / "store", FAULTS), GROUND, TAKEN + 3 * DAY, most_days=7)
    assert (found.folder, found.stale, found.age_seconds) == (folder, "", 3 * DAY)
    assert (found.note.run, found.note.drill, found.note.faults) == ("20261124", CONTROL.drill, FAULTS)
    assert (folder / "recording.jsonl").read_bytes() == (evidence / "recording.jsonl").read_bytes()
    assert not (folder / "verdict.json").exists()


def test_nothing_is_kept_of_other_faults(tmp_path: Path, evidence: Path) -> None:
    _keep(tmp_path, evidence)
    assert find(controls_of(tmp_path / "store", ["redis-killed"]), GROUND, TAKEN, most_days=7) == []


@pytest.mark.parametrize(
    ("ground", "days", "why"),
    [
        (Ground("t2", "v1", "l", "f"), 1, "the target's images or objects have changed"),
        (Ground("t", "v2", "l", "f"), 1, "the cluster's version was v1, it is v2"),
        (Ground("t", "v1", "l2", "f"), 1, "the load has changed"),
        (Ground("t", "v1", "l", "f2"), 1, "the fault has changed"),
        (GROUND, 7.01, "it is older than 7 days"),
        (GROUND, -0.1, "it was taken in the future: the clock of this machine has been set"),
        (GROUND, 6.99, ""),
    ],
)
def test_stale_says_why(tmp_path: Path, evidence: Path, ground: Ground, days: float, why: str) -> None:
    _keep(tmp_path, evidence)
    assert _stale(tmp_path, ground, TAKEN + days * DAY) == [why]


def _cut(folder: Path) -> None:
    path = folder / "requests.jsonl"
    path.write_bytes(path.read_bytes()[:1000])


def _remove(folder: Path) -> None:
    (folder / "recording.jsonl").unlink()


def _add(folder: Path) -> None:
    (folder / "transcripts" / "02.txt").write_text("x")


@pytest.mark.parametrize("harm", [_cut, _remove, _add])
def test_altered_files_make_it_stale(tmp_path: Path, evidence: Path, harm: Callable[[Path], None]) -> None:
    harm(_keep(tmp_path, evidence))
    assert _stale(tmp_path) == ["its files were altered"]


def test_note_that_cannot_be_read_is_stale_by_name(tmp_path: Path, evidence: Path) -> None:
    (_keep(tmp_path, evidence) / "kept.json").write_text('{"ground": 7}')
    (why,) = _stale(tmp_path)
    assert why.startswith("cannot be read:")


def test_recording_of_another_version_is_stale(tmp_path: Path, evidence: Path) -> None:
    note = Note(GROUND, "x", TAKEN, {}, schema=SCHEMA_VERSION + 1)
    keep(controls_of(tmp_path / "store", FAULTS), evidence, note)
    assert _stale(tmp_path) == ["it was recorded by another version of drill"]


def test_newest_come_first_and_the_oldest_go(tmp_path: Path, evidence: Path) -> None:
    for number in range(MOST_KEPT + 2):
        _keep(tmp_path, evidence, taken=TAKEN + number)
    _keep(tmp_path, evidence, Ground("other", "v1", "l", "f"), taken=TAKEN - 10)
    found = find(controls_of(tmp_path / "store", FAULTS), GROUND, TAKEN + DAY, most_days=7)
    assert [kept.note.taken_wall - TAKEN for kept in found] == [6, 5, 4, 3, 2, -10]


def test_same_fact_twice_is_one(tmp_path: Path, evidence: Path) -> None:
    assert _keep(tmp_path, evidence) == _keep(tmp_path, evidence)
    assert _stale(tmp_path) == [""]


def test_what_a_kill_left_half_made_is_not_found(tmp_path: Path, evidence: Path) -> None:
    folder = _keep(tmp_path, evidence)
    folder.rename(folder.with_name(f".{folder.name}.17"))
    assert _stale(tmp_path) == []


def test_copy_in_a_run_is_whole(tmp_path: Path, evidence: Path) -> None:
    folder = _keep(tmp_path, evidence)
    (found,) = find(controls_of(tmp_path / "store", FAULTS), GROUND, TAKEN, most_days=7)
    copy = tmp_path / "run" / "controls" / "one"
    bring(found, copy)
    names = {path.relative_to(folder) for path in folder.rglob("*")}
    assert names == {path.relative_to(copy) for path in copy.rglob("*")}
    with pytest.raises(SetupError, match="could not be written"):
        bring(found, copy)


def test_store_that_cannot_be_written_is_one_message(tmp_path: Path, evidence: Path) -> None:
    (tmp_path / "store").write_text("a file in its place")
    with pytest.raises(SetupError, match="could not be written"):
        _keep(tmp_path, evidence)


def test_calibration_is_kept_with_its_numbers(tmp_path: Path, evidence: Path) -> None:
    calibration = Calibration(dispersion=1.8, correlation_seconds=0.7, taken_wall=TAKEN)
    place = calibrations_of(tmp_path / "store")
    keep(place, evidence, Note(GROUND, "x", TAKEN, {}, calibration=calibration))
    (found,) = find(place, GROUND, TAKEN, most_days=7)
    assert found.note.calibration == calibration


def test_clusters_do_not_meet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert store_of("kind-a", "x") != store_of("kind-b", "x")
    assert store_of("kind-a/../b", "x").is_relative_to(tmp_path / "drill")


DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "metadata": {"name": "web", "labels": {"app": "web"}, "annotations": {"x": "1"}},
    "spec": {
        "replicas": 3,
        "template": {
            "metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}},
            "spec": {"containers": [{"name": "web", "image": "web:1", "env": []}]},
        },
    },
}


def _objects(**spec: object) -> dict[str, dict[str, dict[str, object]]]:
    changed = msgspec.json.decode(msgspec.json.encode(DEPLOYMENT))
    changed["spec"].update(spec)
    return {"Deployment": {"web": changed}}


IMAGES = {"web/web": "sha256:1"}


def test_digest_is_the_same_after_a_restart_and_a_scale_up() -> None:
    objects = _objects(replicas=5)
    objects["Deployment"]["web"]["spec"]["template"]["metadata"]["annotations"] = {}  # type: ignore[index]
    assert target_digest(objects, IMAGES) == target_digest(_objects(), IMAGES)
    beside = {**objects, "Pod": {"bare": {"spec": {}}}, "Node": {"one": {"spec": {"unschedulable": True}}}}
    assert target_digest(beside, IMAGES) == target_digest(_objects(), IMAGES)


def test_digest_changes_with_image_and_objects() -> None:
    digests = {
        target_digest(_objects(), IMAGES),
        target_digest(_objects(), {"web/web": "sha256:2"}),
        target_digest(_objects(minReadySeconds=10), IMAGES),
        target_digest({**_objects(), "ConfigMap": {"a": {"data": {"x": "1"}}}}, IMAGES),
        target_digest({**_objects(), "ConfigMap": {"a": {"data": {"x": "2"}}}}, IMAGES),
    }
    assert len(digests) == 5


def test_ground_follows_the_faults_and_the_load() -> None:
    settings = load("drill.toml")
    cluster = facts.Cluster("kind-drill", "v1.34.0", "digest")
    one = ground_of(settings, cluster, ["redis-killed"])
    assert one == ground_of(settings, cluster, ["redis-killed"])
    assert one.changed(ground_of(settings, cluster, ["redis-locked-out"])) == ["the fault has changed"]
    faster = settings.model_copy(
        update={"load": settings.load.model_copy(update={"requests_per_second": 7.0})}
    )
    assert one.changed(ground_of(faster, cluster, ["redis-killed"])) == ["the load has changed"]
    assert ground_of(settings, cluster, ()).faults == ""
