"""What the gate reads of a drill in the history."""

from __future__ import annotations

import pytest

from drill.gate.observed import seen_in_history
from drill.history.store import PastDrill, PastRun
from drill.history.taken import Measure

RUN = PastRun(
    1, "night", "2026-12-01T00:00:00", 0.0, "service", 0, "digest", "commit", 0, 2, "6", "kind-x", "1", {}, {}
)


def phases(**at: float) -> dict[str, float]:
    """The phases of a drill whose moments came at these seconds; `_` in a name is a blank."""
    names = {name.replace("_", " "): seconds for name, seconds in at.items()}
    measures = {("phase", name): Measure("phase", name, seconds, "s") for name, seconds in names.items()}
    drill = PastDrill(
        RUN, "slow", "A slow one", "P2", "", "pass", "pass", True, "", False, "", "", 0.0,
        names.get("recovered"), measures, (),
    )  # fmt: skip
    (run,) = seen_in_history([drill])
    return {
        key.of: pytest.approx(level.value)
        for key, level in run.drills["slow"].levels.items()
        if key.criterion == "phase"
    }


def test_the_phases_are_the_same_whether_users_are_served_before_the_procedure_is_over_or_after() -> None:
    common = {"injected": 0.0, "first_felt": 0.1, "witnessed": 1.0, "procedure_started": 1.5}
    before = phases(**common, recovered=10.0, procedure_done=10.1)
    after = phases(**common, procedure_done=10.0, recovered=10.2)
    assert before == {
        "injected to first felt": 0.1,
        "injected to witnessed": 1.0,
        "witnessed to procedure started": 0.5,
        "procedure started to procedure done": 8.6,
        "procedure started to recovered": 8.5,
    }
    assert after == before | {
        "procedure started to procedure done": 8.5,
        "procedure started to recovered": 8.7,
    }


def test_a_procedure_on_top_of_a_service_that_healed_is_no_phase_of_its_recovery() -> None:
    found = phases(injected=0.0, witnessed=0.3, recovered=4.0, procedure_started=9.0, procedure_done=19.0)
    assert found == {"injected to witnessed": 0.3, "witnessed to recovered": 3.7}


def test_what_does_not_recover_has_no_phase() -> None:
    assert phases(injected=0.0, witnessed=0.3, procedure_started=0.5, procedure_done=2.0) == {}
