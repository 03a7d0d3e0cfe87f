"""The runbook as first written, and as corrected."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.lint.run import Options, lint_files, lint_text
from drill.runbook import load_errata

ROOT = Path(__file__).parents[3]
FIRST = ROOT / "runbook" / "as-first-written.md"
CORRECTED = ROOT / "runbook" / "operations-runbook.md"
READABLE: dict[str, list[tuple[str, int]]] = {
    "RB-001": [("D201", 32)],
    "RB-002": [("D307", 55)],
    "RB-003": [("D107", 64), ("D107", 273)],
    "RB-004": [("D106", 65), ("D106", 274), ("D106", 294), ("D502", 273)],
    "RB-005": [("D503", 273), ("D504", 273)],
    "RB-006": [("D303", 95)],
    "RB-007": [("D401", 81), ("D401", 320), ("D401", 498), ("D401", 505)],
    "RB-008": [("D408", 84)],
    "RB-009": [("D705", 139)],
    "RB-010": [("D701", 144), ("D603", 366)],
    "RB-011": [("D902", 178)],
    "RB-012": [("D302", 252)],
    "RB-013": [("D207", 281), ("D301", 281), ("D207", 374), ("D301", 475)],
    "RB-014": [("D506", 287), ("D704", 288), ("D108", 291), ("D107", 291)],
    "RB-015": [("D702", 311)],
    "RB-016": [("D403", 316), ("D706", 316)],
    "RB-017": [("D406", 378)],
    "RB-018": [("D108", 401)],
    "RB-019": [("D604", 531)],
    "RB-020": [],
    "RB-021": [("D107", 64), ("D106", 65)],
    "RB-022": [],
    "RB-023": [("D404", 464), ("D306", 460)],
    "RB-024": [("D301", 475)],
    "RB-025": [],
    "RB-026": [],
    "RB-027": [("D401", 498)],
    "RB-028": [("D601", 41), ("D601", 107)],
    "RB-029": [("D602", 110), ("D602", 393)],
    "RB-030": [("D501", 64), ("D501", 280), ("D501", 542)],
    "RB-031": [("D204", 95)],
    "RB-032": [("D905", 177), ("D907", 177), ("D905", 185)],
    "RB-033": [("D903", 186)],
    "RB-034": [("D007", 246)],
    "RB-035": [("D006", 254), ("D006", 493)],
    "RB-036": [("D309", 256), ("D309", 260), ("D309", 478)],
    "RB-037": [("D208", 280), ("D209", 373)],
    "RB-038": [("D109", 327), ("D703", 334)],
    "RB-039": [("D403", 377)],
    "RB-040": [("D301", 437)],
    "RB-041": [],
    "RB-042": [],
    "RB-043": [],
    "RB-044": [],
    "RB-045": [],
    "RB-046": [],
    "RB-047": [],
    "RB-048": [],
    "RB-049": [("D311", 132), ("D311", 343), ("D311", 347), ("D311", 351)],
    "RB-101": [],
    "RB-102": [],
    "RB-103": [],
    "RB-104": [],
    "RB-105": [],
}
"""Which rule finds which defect of errata.yaml, at which line of the runbook as first written; none where
only a drill can, since the text is not wrong in itself."""


@pytest.fixture(scope="module")
def found(beside: Options) -> set[tuple[str, int]]:
    return {(finding.rule, finding.span.line) for finding in lint_files([FIRST], beside).findings}


def test_every_defect_of_the_errata_is_looked_for() -> None:
    assert {defect.id for defect in load_errata(ROOT / "runbook" / "errata.yaml")} == set(READABLE)


def test_the_errata_name_the_rules_that_find_each_defect() -> None:
    named = {defect.id: set(defect.found_by) for defect in load_errata(ROOT / "runbook" / "errata.yaml")}
    assert named == {defect: {rule for rule, _ in places} for defect, places in READABLE.items()}


@pytest.mark.parametrize("defect", READABLE)
def test_the_defect_is_found_by_reading(defect: str, found: set[tuple[str, int]]) -> None:
    assert [place for place in READABLE[defect] if place not in found] == []


def test_nothing_is_found_in_the_corrected_runbook(beside: Options) -> None:
    assert [f"{f.span.line} {f.rule} {f.message}" for f in lint_files([CORRECTED], beside).findings] == []


def test_nothing_is_found_in_it_without_anything_beside_it() -> None:
    assert lint_files([CORRECTED], Options()).findings == ()


def test_every_block_of_both_is_read() -> None:
    outcome = lint_files([FIRST, CORRECTED], Options())
    assert outcome.blocks == 54
    assert outcome.unread_blocks == 0


def test_the_metrics_beside_the_target_are_its_own() -> None:
    from prometheus_client import REGISTRY  # noqa: PLC0415

    import novel_engine.app.metrics  # noqa: F401, PLC0415 - registers them

    exposed = {metric.name + ("_total" if metric.type == "counter" else "") for metric in REGISTRY.collect()}
    listed = set((ROOT / "novel_engine" / "metrics.txt").read_text(encoding="utf-8").split())
    assert listed <= exposed
    assert {name for name in exposed if not name.startswith(("process_", "python_"))} <= listed


def test_only_the_branches_that_fail_are_said_to_end_with_0(found: set[tuple[str, int]]) -> None:
    assert {line for rule, line in found if rule == "D309"} == {256, 260, 478}


def test_a_correction_of_the_first_text_makes_its_finding_go() -> None:
    text = FIRST.read_text(encoding="utf-8").replace(" --watch\n", "\n")
    assert not [finding for finding in lint_text(text) if finding.rule == "D201"]
