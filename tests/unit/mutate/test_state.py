"""What is kept survives, and what was found with other texts does not count."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.errors import InputError
from drill.lint.document import parse_document
from drill.mutate.drilling import Fate, MutationPlan, sample
from drill.mutate.followers import Follower
from drill.mutate.mutant import Mutant
from drill.mutate.operators import alert_mutants, mutants
from drill.mutate.state import CORRECTED, Outcome, Read, State, Tried
from drill.mutate.words import report_lines

TEXT = "# Repair\n\n```bash\nrm a\nsleep 1\nrm b\n```\n"


@pytest.fixture
def plan(tmp_path: Path) -> MutationPlan:
    feature = tmp_path / "repair.feature"
    feature.write_text("Feature: Repair\n", encoding="utf-8")
    made = mutants(parse_document(Path("runbook.md"), TEXT), range(1, 9))
    scenarios = (Follower("short", feature, ((4, 6),), 3), Follower("long", feature, ((4, 6),), 9))
    return MutationPlan(TEXT, tuple(made), scenarios, "[target]")


def tried(
    plan: MutationPlan, mutant: Mutant | None, scenario: int, outcome: Outcome, seconds: float = 5.0
) -> Tried:
    follower = plan.followers[scenario]
    identity = mutant.id if mutant else CORRECTED
    basis = plan.basis(mutant, follower)
    return Tried(identity, follower.scenario, basis, outcome, 0, seconds, "runs/x", "2026-11-29")


@pytest.mark.parametrize(
    ("corrected", "outcomes", "fate"),
    [
        ("as expected", ("as expected", "as expected"), "survived"),
        ("as expected", ("as expected", "not as expected"), "caught"),
        ("not as expected", ("not as expected", "not as expected"), "undecided"),
        ("as expected", ("as expected", "inconclusive"), "undecided"),
        ("as expected", ("refused",), "refused"),
        ("refused", ("refused",), "undecided"),
        ("as expected", ("as expected",), "undecided"),
        ("as expected", ("error", "error"), "not run"),
        ("as expected", (), "not run"),
    ],
)
def test_the_fate_of_a_mutant(
    plan: MutationPlan, tmp_path: Path, corrected: Outcome, outcomes: tuple[Outcome, ...], fate: Fate
) -> None:
    state, mutant = State(tmp_path / "state.json"), plan.mutants[0]
    for number in range(2):
        state.add(tried(plan, None, number, corrected))
    for number, outcome in enumerate(outcomes):
        state.add(tried(plan, mutant, number, outcome))
    assert plan.fate(mutant, State(state.file))[0] == fate
    assert plan.fate(plan.mutants[1], state)[0] == "not run"


def test_another_text_sets_aside_what_was_found(plan: MutationPlan, tmp_path: Path) -> None:
    state, mutant = State(tmp_path / "state.json"), plan.mutants[0]
    state.add(tried(plan, None, 0, "as expected"))
    state.add(tried(plan, mutant, 0, "not as expected"))
    assert plan.fate(mutant, state) == ("caught", "short")
    plan.followers[0].file.write_text("Feature: Another\n", encoding="utf-8")
    changed = MutationPlan(plan.text, plan.mutants, plan.followers, plan.target)
    assert changed.fate(mutant, state) == ("not run", "")


def test_the_cheapest_comes_first_as_measured(plan: MutationPlan, tmp_path: Path) -> None:
    state, mutant = State(tmp_path / "state.json"), plan.mutants[0]
    assert [each.scenario for each in plan.scenarios_of(mutant, state)] == ["short", "long"]
    state.add(tried(plan, None, 0, "as expected", seconds=90.0))
    state.add(tried(plan, None, 1, "as expected", seconds=30.0))
    assert [each.scenario for each in plan.scenarios_of(mutant, state)] == ["long", "short"]


def test_what_lint_found_is_of_one_text(tmp_path: Path) -> None:
    state = State(tmp_path / "state.json")
    state.read(Read("drop-1", "before", ()))
    state.read(Read("drop-2", "b", ()))
    state.read(Read("drop-1", "a", ("D501",)))
    again = State(state.file)
    assert again.rules("drop-1", "before") is None
    assert again.rules("drop-1", "a") == ("D501",)
    assert again.rules("drop-2", "b") == ()
    assert again.rules("drop-1", "other") is None


def test_a_sample_is_the_same_for_a_seed_and_grows(plan: MutationPlan) -> None:
    two, three = sample(plan.mutants, 2, seed=1), sample(plan.mutants, 3, seed=1)
    assert len(two) == 2
    assert set(two) < set(three)
    assert two == sample(plan.mutants, 2, seed=1)
    assert len({tuple(sample(plan.mutants, 1, seed)) for seed in range(20)}) > 1
    assert sample(plan.mutants, 99, seed=1) == list(plan.mutants)


@pytest.mark.parametrize("text", ["{", '{"version": 9}', '{"tried": 5}'])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="what `drill mutate` wrote"):
        State(file)


def test_mutants_of_alerts_that_no_scenario_follows_are_told_apart(
    plan: MutationPlan, tmp_path: Path
) -> None:
    alert = "# Alerts\n\n\n\n\n\n\n```yaml\n- alert: Down\n  expr: up == 0\n  labels: {severity: P0}\n```\n"
    (made,) = alert_mutants(parse_document(Path("runbook.md"), alert))
    both = MutationPlan(plan.text, (*plan.mutants[:2], made), plan.followers, plan.target)
    state = State(tmp_path / "state.json")
    assert both.fate(made, state) == ("not run", "")
    lines = list(report_lines(both, state, {}))
    assert "Not run: 2 (1 drop, 1 swap)" in lines
    assert "Followed by no scenario: 1 (1 alert)" in lines
