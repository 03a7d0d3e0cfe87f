"""How often symptoms hold under a section's faults and only there. The drills are stored runs that the tests
make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from drill.cli import cli
from drill.judge.symptoms import Holding, SymptomHeld
from drill.matrix.crossing import CrossedFault
from drill.matrix.diagnosis import SymptomSeen, share_of, symptoms_seen
from drill.matrix.diagnosis_words import diagnosis_lines
from drill.matrix.stored import NO_FAULT
from drill.runbook import ListedSymptom
from tests.unit.report.recorded_runs import Shape, make_run

ROOT = Path(__file__).parents[3]
OUT = ListedSymptom("1. Down (P0)", "every request fails", 6, ("failed requests",), 0.95, "")
LATE = ListedSymptom("1. Down (P0)", "answers come late", 7, ("response time",), None, "")
UNTOLD = ListedSymptom("1. Down (P0)", "people complain", 8, untold="nobody records it")
FAULTS = [
    *(CrossedFault(name, "1. Down (P0)") for name in ("gone", "lost", "stuck")),
    *(CrossedFault(name, "Slow") for name in ("hog", "delay", "lock")),
]


def seen(symptom: ListedSymptom = OUT, **held: Holding) -> list[SymptomSeen]:
    return [
        SymptomSeen(symptom, fault.replace("_", "-"), f"run/{fault}", SymptomHeld(holding, "so"))
        for fault, holding in held.items()
    ]


RIGHT: dict[str, Holding] = {
    **dict.fromkeys(("gone", "lost", "stuck"), "holds"),
    **dict.fromkeys(("hog", "delay", "lock"), "absent"),
}


def share(drills: list[SymptomSeen]) -> float | None:
    return share_of([OUT], drills, FAULTS).share


def test_one_that_holds_under_its_sections_faults_and_only_there_has_all() -> None:
    found = share_of([OUT], seen(**RIGHT), FAULTS)
    assert (found.share, found.undrilled, found.would_tell) == (1.0, (), "")
    assert found.interval is not None
    assert found.interval[0] == pytest.approx(0.292, abs=0.001)


def test_one_that_holds_under_a_foreign_fault_too_has_less() -> None:
    assert share(seen(**RIGHT | {"hog": "holds"})) == pytest.approx(3 / 4)
    assert share(seen(**RIGHT | {"hog": "holds", "delay": "holds"})) == pytest.approx(3 / 5)
    assert share(seen(**RIGHT, no_fault="holds")) == pytest.approx(3 / 4)


def test_one_that_is_missing_under_a_fault_of_its_section_has_less() -> None:
    assert share(seen(**RIGHT | {"gone": "absent"})) == pytest.approx(2 / 3)
    assert share(seen(**RIGHT | dict.fromkeys(("gone", "lost", "stuck"), "absent"))) == 0


def test_a_fault_counts_once_however_many_drills_it_has() -> None:
    again = seen(hog="holds") + seen(hog="absent") + seen(gone="holds") * 20
    assert share(seen(**RIGHT) + again) == pytest.approx(3 / (3 + 1 / 3))


@pytest.mark.parametrize(
    ("drills", "said"),
    [
        (RIGHT | {"gone": "undecided"}, "2 of its faults decided, of 3; drills of gone would tell"),
        (RIGHT | {"hog": "undecided"}, "2 faults of other sections decided, of 3"),
        ({}, "0 of its faults decided, of 3; drills of gone, lost, stuck would tell"),
    ],
)
def test_too_few_faults_are_inconclusive_and_it_says_what_would_tell(
    drills: dict[str, Holding], said: str
) -> None:
    found = share_of([OUT], seen(**drills), FAULTS)
    assert (found.share, found.interval) == (None, None)
    assert said in found.would_tell


def test_a_sections_share_is_of_all_its_symptoms_together() -> None:
    both = seen(**RIGHT) + seen(LATE, **RIGHT | {"gone": "absent", "hog": "holds"})
    assert share_of([OUT, LATE], both, FAULTS).share == pytest.approx(5 / 7)


def test_several_symptoms_of_the_same_faults_tell_no_more_than_one() -> None:
    both = seen(**RIGHT) + seen(LATE, **RIGHT)
    assert share_of([OUT, LATE], both, FAULTS).interval == share_of([OUT], seen(**RIGHT), FAULTS).interval


def test_the_table_has_a_row_a_fault_a_share_a_symptom_and_names_what_no_drill_tells() -> None:
    drills = seen(**RIGHT | {"hog": "holds", "lock": "undecided"}, no_fault="absent")
    lines = list(diagnosis_lines([OUT, UNTOLD], drills, FAULTS))
    assert "| gone | 1. Down (P0) | 1 | 1 of 1 |" in lines
    assert "| hog | Slow | 1 | 1 of 1 |" in lines
    assert "| lock | Slow | 1 | undecided |" in lines
    assert f"| {NO_FAULT} | none | 1 | 0 of 1 |" in lines
    assert "| 1. Down (P0) | every request fails | 3 of 3 | 1 of 3 | 75% (19% to 99%) |" in lines
    assert lines[-1] == ("not told by any drill: 1. Down (P0) / people complain (line 8): nobody records it")
    none = list(diagnosis_lines([OUT], [], FAULTS))
    assert "| gone | 1. Down (P0) | 0 | - |" in none
    assert any("inconclusive: 0 of its faults decided" in line for line in none)


def test_stored_runs_are_read_but_not_those_that_say_nothing(tmp_path: Path) -> None:
    alone = Shape(control=True, procedure_at=None)
    shapes = [
        alone,
        replace(alone, drill="other", scenario="Other", fault="redis-killed"),
        replace(alone, drill="not-made", scenario="Not made", verdict="setup"),
    ]
    make_run(tmp_path, shapes)
    found = symptoms_seen([OUT, UNTOLD], tmp_path, "Novel Engine")
    assert [(each.fault, each.held.holding) for each in found] == [
        ("deployment-scaled-to-zero", "holds"),
        ("redis-killed", "holds"),
    ]
    assert symptoms_seen([OUT], tmp_path, "Another") == []
    assert symptoms_seen([OUT], tmp_path / "nothing", "Novel Engine") == []


def test_the_command_tells_it_from_stored_runs(tmp_path: Path) -> None:
    make_run(tmp_path, [Shape(control=True, procedure_at=None)])
    options = ["--target", str(ROOT / "drill.toml"), "matrix", "--symptoms", "--reports", str(tmp_path)]
    done = CliRunner().invoke(cli, options, catch_exceptions=False, standalone_mode=False)
    assert "| deployment-scaled-to-zero | 1. Service Completely Down (P0) | 1 | 1 of 1 |" in done.output
    assert "not told by any drill: 1. Service Completely Down (P0) / `/health`" in done.output
