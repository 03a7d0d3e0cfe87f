"""`drill calibrate --unless-kept`: a calibration is measured only where none that is kept may be used. The
cluster's facts are given, since there is no cluster; what is kept is real."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill import cli
from drill.conduct.keeping import keep_calibration
from drill.errors import DrillError
from drill.recording.events import Calibration
from drill.run.facts import Cluster
from drill.settings import load
from tests.unit.gate.stored_sides import drill, service
from tests.unit.present import NOON, state_present

NOW = Cluster("kind-drill", "v1.34.4", "digest", {"novel-engine/novel-engine": "a@sha256:abc"})
DAY = 86400.0


class MeasuredError(DrillError):
    """In place of measuring."""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """drill.toml, and no cluster but its facts; the present is noon."""
    state_present(monkeypatch)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(cli, "connect", lambda settings, allowed: None)
    monkeypatch.setattr(cli, "cluster_facts", lambda settings, cluster: NOW)

    def measured(*arguments: object, **named: object) -> None:
        raise MeasuredError("measuring was begun")

    monkeypatch.setattr(cli, "calibrate", measured)
    return service(tmp_path / "service")


def keep(target: Path, facts: Cluster, days: float) -> None:
    evidence = target.parent / "evidence"
    evidence.mkdir()
    keep_calibration(load(target), facts, Calibration(taken_wall=NOON - days * DAY), evidence, "calibration")


def test_one_that_may_be_used_is_enough(target: Path) -> None:
    keep(target, NOW, days=3)
    status, said = drill(target, "calibrate", "--unless-kept")
    assert status == 0
    assert said.startswith("kept, 3 days old: ")


@pytest.mark.parametrize(
    ("facts", "days", "why"),
    [
        (NOW, 8, "measured anew: it is older than 7 days"),
        (Cluster("kind-drill", "v1.34.4", "another", {}), 1, "measured anew: the target's images or objects"),
        (None, 0, "measured anew: none is kept"),
    ],
)
def test_one_that_is_old_or_of_another_target_or_none_is_measured_anew(
    target: Path, facts: Cluster | None, days: float, why: str
) -> None:
    if facts is not None:
        keep(target, facts, days)
    status, said = drill(target, "calibrate", "--unless-kept")
    assert (status, "measuring was begun" in said) == (3, True)
    assert said.startswith(why)
