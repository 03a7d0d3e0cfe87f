"""Who repaired the service: each answer, and the seconds at which it turns into another."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_drill import BACK, INJECTED, RecordedDrill

from drill.judge import DrillVerdict, judge_credit, with_credit


@pytest.fixture
def drill(tmp_path: Path) -> DrillVerdict:
    """Restored 10 s after the injection, the procedure having started at 2 s."""
    return RecordedDrill(tmp_path / "drill").judged()


def _control(folder: Path, *, took: float | None, watched: float = 60.0) -> DrillVerdict:
    back = INJECTED + took if took is not None else 2000.0
    control = RecordedDrill(
        folder / "control", end=INJECTED + watched, outages=[(INJECTED, back)], procedure=None
    )
    control.started = {"control": True}
    return control.judged()


@pytest.mark.parametrize(
    ("took", "credit"),
    [
        (9.0, "platform"),
        (10.0, "platform"),
        (12.4, "platform"),
        (12.6, "too close to tell"),
        (15.1, "runbook"),
    ],
)
def test_both_restored(tmp_path: Path, drill: DrillVerdict, took: float, credit: str) -> None:
    assert judge_credit(drill, _control(tmp_path, took=took)) == credit


def test_the_margin_grows_with_the_controls_time(tmp_path: Path) -> None:
    slow = RecordedDrill(tmp_path / "drill", outages=[(INJECTED, BACK + 30)], end=1080.0).judged()
    assert slow.recovered_seconds == pytest.approx(40.0)
    assert judge_credit(slow, _control(tmp_path, took=53.0, watched=70)) == "too close to tell"
    assert judge_credit(slow, _control(tmp_path, took=53.5, watched=70)) == "runbook"


@pytest.mark.parametrize(("watched", "credit"), [(15.1, "runbook"), (14.9, "too close to tell")])
def test_the_control_was_never_restored(
    tmp_path: Path, drill: DrillVerdict, watched: float, credit: str
) -> None:
    assert judge_credit(drill, _control(tmp_path, took=None, watched=watched)) == credit


def test_a_control_in_which_nothing_failed_proves_nothing(tmp_path: Path, drill: DrillVerdict) -> None:
    assert judge_credit(drill, _control(tmp_path, took=0.0)) == "not measured"


def test_a_control_that_could_not_be_set_up_proves_nothing(tmp_path: Path, drill: DrillVerdict) -> None:
    control = RecordedDrill(
        tmp_path / "control", healthy=False, started={"control": True}, procedure=None
    ).judged()
    assert judge_credit(drill, control) == "not measured"


def test_without_a_control_it_is_not_measured(drill: DrillVerdict) -> None:
    assert drill.credit == "not measured"


def test_restored_before_anyone_acted_is_the_platforms_by_the_same_recording(tmp_path: Path) -> None:
    early = RecordedDrill(tmp_path / "early", procedure=(BACK + 0.1, BACK + 2)).judged()
    assert early.credit == "platform"
    assert judge_credit(early, _control(tmp_path, took=None)) == "platform"
    late = RecordedDrill(tmp_path / "late", procedure=(BACK - 0.1, BACK + 2)).judged()
    assert late.credit == "not measured"


def test_never_restored_is_nobodys_whatever_the_control_says(tmp_path: Path) -> None:
    out = RecordedDrill(tmp_path / "out", outages=[(INJECTED, 2000.0)]).judged()
    assert judge_credit(out, _control(tmp_path, took=5.0)) == "nobody"


def test_with_credit_changes_nothing_else(tmp_path: Path, drill: DrillVerdict) -> None:
    credited = with_credit(drill, _control(tmp_path, took=None))
    assert (credited.credit, credited.criteria, credited.verdict) == ("runbook", drill.criteria, "pass")
