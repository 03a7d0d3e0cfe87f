"""What is known of the runbook's lines without a command of theirs: severities, symptoms, template, contacts,
checklists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from drill.conduct.coverage import CoveredRuns
from drill.errors import InputError
from drill.report.annotated import MarkedUnit
from drill.run.facts import Role, read_facts, write_facts
from drill.run.inputs import keep_inputs
from drill.run.manifest import write_manifest
from tests.unit.evidence.judged_runs import SCENARIO, judged_run
from tests.unit.judge.recorded_drill import BACK, END, INJECTED, PER_SECOND, START

ROOT = Path(__file__).parents[3]
FIRST, SERVED = (round((moment - START) * PER_SECOND) for moment in (INJECTED, BACK))
PARTLY: Mapping[str, object] = {"outages": [], "failing": set(range(FIRST, SERVED, 5))}
UNNOTICED: Mapping[str, object] = {"outages": [], "unnoticed": 15.0}
TEXT = "runbook/operations-runbook.md"
OWN: list[tuple[Role, str]] = [
    ("target", "drill.toml"),
    ("runbook", TEXT),
    ("symptoms", "runbook/symptoms.yaml"),
    ("experiment", "experiments/deployment-scaled-to-zero.yaml"),
]
LISTS = """# Operations

## Daily Checklist

- [ ] Is it up?
- [ ] Teach the team
- [ ] Ask a machine
"""
UP, TEACH, MACHINE = 5, 6, 7
PROOFS = f"""checklists:
- item: Daily Checklist / Is it up?
  scenarios: ["{SCENARIO}"]
- item: Daily Checklist / Ask a machine
  command: "true"
"""
DAY = "2001-09-09"


def line_of(beginning: str) -> int:
    lines = (ROOT / TEXT).read_text(encoding="utf-8").splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if line.startswith(beginning)]
    return found


P0, P1, P2 = (line_of(f"- **{name} (") for name in ("P0", "P1", "P2"))
ERROR_RATE, SUBJECT = line_of("- Error rate > 5%"), line_of("Subject: [P{severity}]")
LEVEL_1, LEVEL_2 = line_of("- **Level 1**"), line_of("- **Level 2**")
EVERY, HEALTH = line_of("- every request ends in 500"), line_of("- `/health` fails")


def _kept(tmp_path: Path, changes: Mapping[str, object], root: Path, files: list[tuple[Role, str]]) -> Path:
    run = judged_run(tmp_path, **changes)
    inputs = keep_inputs(run, root, [(role, Path(path)) for role, path in files])
    write_facts(run, msgspec.structs.replace(read_facts(run), inputs=inputs))
    write_manifest(run)
    return run


def _units(run: Path) -> dict[int, MarkedUnit]:
    ((_, units),) = CoveredRuns([run]).units
    return {unit.number: unit for unit in units}


def test_a_severity_that_the_section_states_and_users_felt_is_proven(tmp_path: Path) -> None:
    units = _units(_kept(tmp_path, {}, ROOT, OWN))
    assert units[P0].mark == "proven"
    assert {units[line].mark for line in (P1, P2, LEVEL_2)} == {"never touched"}
    assert (units[SUBJECT].mark, units[LEVEL_1].mark) == ("proven", "proven")


def test_one_that_users_felt_and_the_section_does_not_state_is_not(tmp_path: Path) -> None:
    """It is told by the level of what they felt, and by the share of errors."""
    units = _units(_kept(tmp_path, PARTLY, ROOT, OWN))
    assert {units[line].mark for line in (P0, P1, ERROR_RATE)} == {"not proven"}
    assert units[P2].mark == "never touched"


def test_a_drill_that_nobody_felt_tells_of_no_severity(tmp_path: Path) -> None:
    units = _units(_kept(tmp_path, UNNOTICED, ROOT, OWN))
    assert {units[line].mark for line in (P0, P1, SUBJECT, LEVEL_1)} == {"never touched"}


def test_a_symptom_is_proven_where_it_holds_under_its_sections_fault(tmp_path: Path) -> None:
    long_enough = {"changes": [BACK - 1]}
    units = _units(_kept(tmp_path, long_enough, ROOT, OWN))
    assert (units[EVERY].mark, units[HEALTH].mark) == ("proven", "not drilled")
    partly = _units(_kept(tmp_path / "partly", {**PARTLY, **long_enough}, ROOT, OWN))
    assert partly[EVERY].mark == "not proven"
    short = _units(_kept(tmp_path / "short", {"changes": [INJECTED + 1]}, ROOT, OWN))
    assert short[EVERY].mark == "never touched"


def test_without_the_experiment_or_the_targets_file_less_is_told(tmp_path: Path) -> None:
    units = _units(_kept(tmp_path, {}, ROOT, OWN[1:3]))
    assert {units[line].mark for line in (P0, EVERY, SUBJECT)} == {"never touched"}


def _lists(
    tmp_path: Path, attested: str = "", proofs: str = PROOFS, **changes: object
) -> dict[int, MarkedUnit]:
    root = tmp_path / "service"
    root.mkdir(parents=True)
    files: list[tuple[Role, str]] = [("runbook", "r.md"), ("checklists", "checklists.yaml")]
    (root / "r.md").write_text(LISTS)
    (root / "checklists.yaml").write_text(proofs)
    if attested:
        (root / "attestations.yaml").write_text(attested)
        files.append(("attestations", "attestations.yaml"))
    return _units(_kept(tmp_path, changes, root, files))


def test_an_item_is_proven_by_its_scenarios_named_by_its_command_and_left_to_people(tmp_path: Path) -> None:
    units = _lists(tmp_path)
    assert (units[UP].mark, units[UP].drills) == ("proven", ("scaled",))
    assert (units[MACHINE].mark, units[TEACH].mark) == ("not drilled", "not proven")
    assert units[TEACH].notes == ("only people can do it, and nobody has attested it",)


def test_an_item_is_not_proven_by_a_scenario_that_failed_or_by_one_of_two(tmp_path: Path) -> None:
    assert _lists(tmp_path / "failed", outages=[(INJECTED, END)])[UP].mark == "not proven"
    two = PROOFS.replace(f'["{SCENARIO}"]', f'["{SCENARIO}", "Another"]')
    assert _lists(tmp_path / "two", proofs=two)[UP].mark == "not proven"
    none = PROOFS.replace(SCENARIO, "Another")
    unit = _lists(tmp_path / "none", proofs=none)[UP]
    assert (unit.mark, unit.notes) == ("never touched", ("not among this run's drills: Another",))


@pytest.mark.parametrize(
    ("date", "days", "mark"),
    [(DAY, 1, "proven"), ("2001-09-01", 3, "not proven"), ("2001-09-10", 9, "not proven")],
)
def test_an_attestation_counts_on_the_days_on_which_it_holds(
    tmp_path: Path, date: str, days: int, mark: str
) -> None:
    text = f"""attestations:
- {{item: Daily Checklist / Teach the team, name: A. Person, date: {date}, days: {days}}}
"""
    assert _lists(tmp_path, text)[TEACH].mark == mark


def test_an_item_that_the_runbook_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is it down"):
        _lists(tmp_path, proofs=PROOFS.replace("Is it up", "Is it down"))
