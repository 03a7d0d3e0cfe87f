"""A benchmark's drill and its monitoring: both are gone again however it ends, and what is not is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import drilled as module
from benchmarks.drilled import drilled, monitored
from benchmarks.row import MeasureError
from drill.alerts.rules import alert_rules
from drill.cluster.access import Cluster
from drill.conduct.book import Book
from drill.inject.experiment import OWN_EXPERIMENTS
from drill.settings import load

SETTINGS = load(OWN_EXPERIMENTS.parent / "drill.toml")
FAULT = "redis-locked-out"


class MadeDrill:
    """In place of a drill: `close` is told, and says what could not be done."""

    closed = 0
    troubles: tuple[str, ...] = ()

    def __init__(self, *given: object, **more: object) -> None:
        type(self).closed = 0

    def close(self) -> list[str]:
        type(self).closed += 1
        return list(self.troubles)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> type[MadeDrill]:
    monkeypatch.setattr(MadeDrill, "troubles", ())
    monkeypatch.setattr(module, "Drill", MadeDrill)
    return MadeDrill


def test_a_drill_is_closed_when_it_ends(made: type[MadeDrill], cluster: Cluster, tmp_path: Path) -> None:
    with drilled(SETTINGS, cluster, FAULT, "why", tmp_path) as drill:
        assert (made.closed, isinstance(drill, MadeDrill)) == (0, True)
    assert made.closed == 1


@pytest.mark.parametrize("error", [MeasureError("no number"), KeyboardInterrupt()])
def test_a_drill_is_closed_when_it_is_broken_off_and_what_is_left_is_told(
    made: type[MadeDrill],
    cluster: Cluster,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    made.troubles = ("redis-locked-out is still in",)
    with pytest.raises(type(error)), drilled(SETTINGS, cluster, FAULT, "why", tmp_path):
        raise error
    assert made.closed == 1
    assert "not put back: redis-locked-out is still in" in capsys.readouterr().err


def test_what_is_not_put_back_is_no_measurement(
    made: type[MadeDrill], cluster: Cluster, tmp_path: Path
) -> None:
    made.troubles = ("redis-locked-out is still in",)
    with (
        pytest.raises(MeasureError, match="still in"),
        drilled(SETTINGS, cluster, FAULT, "why", tmp_path),
    ):
        pass
    assert made.closed == 1


@pytest.mark.parametrize("was_up", [True, False])
@pytest.mark.parametrize("fails_in", ["", "bring_up", "put_back", "the body"])
def test_monitoring_is_up_afterwards_only_where_it_was_before(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, was_up: bool, fails_in: str
) -> None:
    done: list[str] = []

    def doing(name: str) -> object:
        def act(*given: object) -> None:
            done.append(name)
            if name == fails_in:
                raise MeasureError(name)

        return act

    monkeypatch.setattr(module, "is_up", lambda *given: was_up)
    for name in ("bring_up", "put_back", "take_down"):
        monkeypatch.setattr(module, name, doing(name))

    def measure() -> None:
        with monitored(SETTINGS, cluster, alert_rules(Book(SETTINGS).corrected), []):
            done.append("the body")
            if fails_in == "the body":
                raise MeasureError(fails_in)

    if fails_in:
        with pytest.raises(MeasureError, match=fails_in):
            measure()
    else:
        measure()
    whole = ["bring_up", "put_back", "the body"]
    reached = whole[: whole.index(fails_in) + 1] if fails_in else whole
    assert done == [*reached, *([] if was_up else ["take_down"])]
