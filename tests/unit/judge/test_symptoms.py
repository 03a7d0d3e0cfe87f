"""Symptoms in one recording: each measure above its number, at most that, and not to be told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drill.judge.case import Case
from drill.judge.symptoms import Measure, as_found, symptom_holds
from tests.unit.judge.recorded_drill import BACK, END, INJECTED, PER_SECOND, START, RecordedDrill

NOBODY = {"procedure": None, "changes": list[float]()}
"""Nobody acts, so the fault is as it was found until users are served again."""
SLOW = [(INJECTED, BACK)]
LONG = {"outages": [(INJECTED, INJECTED + 20)]}


def holding(folder: Path, measure: Measure, above: float | None = None, **spoilt: object) -> str:
    drill = RecordedDrill(folder, **{**NOBODY, **spoilt})  # type: ignore[arg-type]
    return symptom_holds(Case(drill.write()), [measure], above).holding


@pytest.mark.parametrize(
    ("measure", "above", "spoilt", "holds"),
    [
        ("failed requests", 0.95, {}, "holds"),
        ("failed requests", None, {}, "holds"),
        ("failed requests", 0.95, {"outages": [], "slowness": SLOW}, "absent"),
        ("more errors answered", None, {}, "holds"),
        ("more errors answered", None, {"outages": [], "slowness": SLOW}, "absent"),
        ("response time", 0.5, {"outages": [], "slowness": SLOW}, "holds"),
        ("response time", 1.0, {"outages": [], "slowness": SLOW}, "absent"),
        ("response time", None, {}, "absent"),
        ("cpu", 0.9, LONG | {"cpu_share": lambda moment: 0.95}, "holds"),
        ("cpu", 0.9, LONG, "absent"),
        ("cpu", 0.9, LONG | {"sample_every": 15.0}, "undecided"),
        ("memory", 0.9, LONG | {"memory_share": lambda moment: 0.95}, "holds"),
        ("memory", 0.9, LONG, "absent"),
        ("memory", 0.9, LONG | {"sample_every": 45.0}, "undecided"),
        ("query time", None, LONG | {"query_seconds": 0.06}, "holds"),
        ("query time", None, LONG, "absent"),
        ("query time", None, LONG | {"queries_per_second": 1.0}, "undecided"),
    ],
)
def test_a_symptom_holds_or_does_not(
    tmp_path: Path, measure: Measure, above: float | None, spoilt: dict[str, object], holds: str
) -> None:
    assert holding(tmp_path, measure, above, **spoilt) == holds


def test_a_share_on_both_sides_of_the_number_is_undecided(tmp_path: Path) -> None:
    half = {START + number / PER_SECOND for number in range(0, PER_SECOND * 60, 2)}
    drill = RecordedDrill(tmp_path, outages=[], slowness=SLOW, **NOBODY)  # type: ignore[arg-type]
    drill.failing = {number for number in drill.indexes(INJECTED, BACK) if drill.planned()[number] in half}
    assert symptom_holds(Case(drill.write()), ["failed requests"], 0.5).holding == "undecided"
    assert symptom_holds(Case(drill.write()), ["failed requests"], 0.4).holding == "holds"
    assert symptom_holds(Case(drill.write()), ["failed requests"], 0.6).holding == "absent"


def test_without_a_number_or_a_baseline_nothing_is_told(tmp_path: Path) -> None:
    drill = RecordedDrill(tmp_path, **NOBODY)  # type: ignore[arg-type]
    del drill.limits["error_rate"], drill.limits["response_time"]
    case = Case(drill.write())
    for measure in ("failed requests", "response time"):
        held = symptom_holds(case, [measure], None)  # type: ignore[list-item]
        assert (held.holding, "state a number" in held.why) == ("undecided", True)


def test_of_several_measures_one_is_enough_and_all_must_be_known_to_be_absent(tmp_path: Path) -> None:
    def of_both(cpu: Callable[[float], float], every: float) -> str:
        drill = RecordedDrill(tmp_path, cpu_share=cpu, sample_every=every, **{**NOBODY, **LONG})  # type: ignore[arg-type]
        return symptom_holds(Case(drill.write()), ["cpu", "memory"], 0.9).holding

    assert of_both(lambda moment: 0.95, 2.0) == "holds"
    assert of_both(lambda moment: 0.2, 2.0) == "absent"
    assert of_both(lambda moment: 0.2, 15.0) == "undecided"


def test_the_fault_is_looked_at_until_somebody_changes_something(tmp_path: Path) -> None:
    acted = RecordedDrill(tmp_path / "acted", changes=[INJECTED - 1, INJECTED + 7.0])
    assert as_found(Case(acted.write())) == pytest.approx((INJECTED, INJECTED + 7.0), abs=0.01)
    unread = RecordedDrill(tmp_path / "unread", changes=None)
    assert as_found(Case(unread.write())) == pytest.approx((INJECTED, INJECTED + 2.0), abs=0.01)
    alone = RecordedDrill(tmp_path / "alone", **NOBODY)  # type: ignore[arg-type]
    assert as_found(Case(alone.write())) == pytest.approx((INJECTED, BACK), abs=0.01)
    out = RecordedDrill(tmp_path / "out", outages=[(INJECTED, END)], **NOBODY)  # type: ignore[arg-type]
    assert as_found(Case(out.write())) == pytest.approx((INJECTED, END), abs=0.01)


def test_a_fault_that_was_repaired_at_once_or_never_came_tells_nothing(tmp_path: Path) -> None:
    short = symptom_holds(Case(RecordedDrill(tmp_path / "short").write()), ["failed requests"], 0.05)
    assert (short.holding, short.why) == (
        "undecided",
        "the fault was as it was found for 3.0 s, less than 5 s",
    )
    never = RecordedDrill(tmp_path / "never", injected=None, outages=[])
    assert symptom_holds(Case(never.write()), ["failed requests"], 0.05).holding == "undecided"
