"""`drill incident --severities`: what users felt against what the fault's section says."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.incident.severities import stated_by
from tests.unit.evidence.judged_runs import judged_run
from tests.unit.gate.stored_sides import drill, service
from tests.unit.judge.recorded_drill import BACK, INJECTED, PER_SECOND, START

FIRST, SERVED = (round((moment - START) * PER_SECOND) for moment in (INJECTED, BACK))
DOWN = "deployment-scaled-to-zero | 1. Service Completely Down (P0) | P0"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return service(tmp_path_factory.mktemp("severities") / "service", "")


def told(target: Path, reports: Path, **changes: object) -> tuple[int, str]:
    return drill(target, "incident", judged_run(reports, **changes), "--severities")


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({}, f"| {DOWN} | P0 | as it says | nobody was served for "),
        (
            {"outages": [], "failing": set(range(FIRST, SERVED, 5))},
            f"| {DOWN} | P1 | less severe than it says | 20",
        ),
        ({"outages": [], "unnoticed": 15.0}, f"| {DOWN} | – | nobody felt it | nobody felt anything"),
    ],
)
def test_a_drill_is_as_severe_as_its_section_says_or_is_not(
    target: Path, tmp_path: Path, changes: dict[str, object], row: str
) -> None:
    status, said = told(target, tmp_path, **changes)
    assert row in said
    assert status == 0


def test_more_severe_than_the_faults_section_says(target: Path, tmp_path: Path) -> None:
    redis = "redis-locked-out"
    fault = {"fault": redis}
    events = [
        (INJECTED, "fault.injected", fault | {"seconds": 0.1}),
        (INJECTED + 0.6, "fault.witnessed", fault | {"what": "NOAUTH", "seconds": 0.5, "users": "failed"}),
    ]
    status, said = told(target, tmp_path, started={"faults": [fault]}, injected=None, extra=events)
    assert f"| {redis} | 2. High Error Rate (P1) | P1 | P0 | more severe than it says | nobody was " in said
    assert "1 drill: 1 more severe than it says" in said
    assert status == 0


def test_the_scenarios_severity_counts_where_the_section_names_none(target: Path, tmp_path: Path) -> None:
    fault = {"fault": "database-corrupted"}
    events = [
        (INJECTED, "fault.injected", fault | {"seconds": 0.1}),
        (INJECTED + 0.6, "fault.witnessed", fault | {"what": "damaged", "seconds": 0.5, "users": "failed"}),
    ]
    said = told(target, tmp_path, started={"faults": [fault]}, injected=None, extra=events)[1]
    assert "| database-corrupted | the scenario | P0 | P0 | as it says |" in said


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        (
            {"outages": [(INJECTED, INJECTED + 0.5)]},
            f"| {DOWN} | P0 or P1 | undecided | all 60 requests failed, too few",
        ),
        ({"healthy": False}, "| P0 | – | undecided | it was not carried out: the target was not healthy"),
    ],
)
def test_what_cannot_be_told_is_undecided_and_says_so(
    target: Path, tmp_path: Path, changes: dict[str, object], row: str
) -> None:
    status, said = told(target, tmp_path, **changes)
    assert row in said
    assert status == 2


def test_a_section_that_names_no_severity_states_none() -> None:
    assert [stated_by("2. High Error Rate (P1)"), stated_by("Database Recovery")] == ["P1", ""]
