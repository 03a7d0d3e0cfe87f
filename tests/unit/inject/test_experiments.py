"""Experiment files: those of the repository are whole, a malformed one is named with file, line and value."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaoslib.experiment import ensure_experiment_is_valid
from chaoslib.loader import load_experiment

from drill import settings as target_settings
from drill.errors import InputError, UsageError
from drill.faults.catalogue import FAULTS, fault_named, lacking, not_applicable
from drill.inject.experiment import OWN_EXPERIMENTS, read_experiment
from drill.inject.injection import affected_requests

ROOT = Path(__file__).parents[3]


def test_there_is_one_experiment_for_each_fault_and_no_other() -> None:
    assert sorted(path.stem for path in OWN_EXPERIMENTS.iterdir()) == sorted(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_experiment_is_valid_for_the_toolkit_and_for_drill(fault: str) -> None:
    path = OWN_EXPERIMENTS / f"{fault}.yaml"
    ensure_experiment_is_valid(load_experiment(str(path)))
    experiment = read_experiment(path)
    assert (experiment.activities, experiment.rollbacks) == (3, 1)
    assert path.read_text().count(f"fault: {fault},") == 4


def broken(folder: Path, old: str, new: str) -> Path:
    text = (OWN_EXPERIMENTS / "pods-killed.yaml").read_text()
    assert old in text
    path = folder / "pods-killed.yaml"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: Every", 'title: "Every', r"pods-killed\.yaml:\d+: .*YAML"),
        (
            "func: inject",
            "func: hold",
            r"pods-killed\.yaml:\d+: .*drill\.actions\.announce, drill\.actions\.inject",
        ),
        ("rollbacks:\n", "rollback:\n", r"pods-killed\.yaml:\d+: .*rollbacks: a list"),
        ("func: undo", "func: announce", r"pods-killed\.yaml:\d+: .*drill\.actions\.undo"),
        (
            "steady-state-hypothesis:",
            "steady-state:",
            r"pods-killed\.yaml: .*steady-state-hypothesis: a dict",
        ),
        (
            "    provider: {type: python, module: drill.inject.activities, func: hold",
            "    providers: {type: python, module: drill.inject.activities, func: hold",
            "a provider",
        ),
    ],
)
def test_a_malformed_experiment_is_named_with_its_place(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        read_experiment(broken(tmp_path, old, new))


def test_an_unknown_fault_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'pod-killed' is no fault.*pods-killed"):
        fault_named("pod-killed")


def test_a_fault_of_a_part_that_the_target_lacks_is_not_applicable_by_name(tmp_path: Path) -> None:
    whole = target_settings.load(ROOT / "drill.toml")
    assert {fault: lacking(whole, fault) for fault in FAULTS} == dict.fromkeys(FAULTS, ())
    bare = whole.model_copy(update={"database": None, "redis": None})
    assert {fault for fault in FAULTS if not lacking(bare, fault)} == {
        "pods-killed",
        "deployment-scaled-to-zero",
    }
    assert not_applicable("database-corrupted", lacking(bare, "database-corrupted")).endswith(
        "describes no [database]"
    )


def test_failures_of_requests_that_need_the_part_witness_its_faults() -> None:
    settings = target_settings.load(ROOT / "drill.toml")
    assert affected_requests(settings, ("redis",)) == ["POST /simulations"]
    assert affected_requests(settings, ()) == [request.name for request in settings.load.requests]
