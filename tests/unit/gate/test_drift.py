"""What changed over many runs: a step is told, a spike and an improvement are none."""

from __future__ import annotations

from datetime import date

import pytest
from made_runs import Truth, run, runs

from drill.gate.compare import sides_of
from drill.gate.decide import Row, decide
from drill.gate.observed import SeenRun
from drill.settings import Gate

TODAY = date(2026, 12, 1)


def drift_rows(past: list[SeenRun], candidate: SeenRun, **policy: object) -> dict[str, Row]:
    decision = decide(sides_of([candidate], past[-5:]), past, Gate(**policy), TODAY)  # type: ignore[arg-type]
    return {row.name: row for row in decision.rows if row.name.startswith("drift")}


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("drift recovery", Truth(recovery=20)),
        ("drift p95 all requests", Truth(slower=1.5)),
        ("drift error_rate", Truth(failing=0.01)),
    ],
)
def test_a_step_for_the_worse_some_runs_ago_is_told_with_its_run(name: str, worse: Truth) -> None:
    past = [*runs(10), *runs(5, worse, prefix="since")]
    row = drift_rows(past, run("candidate", worse))[name]
    assert row.outcome == "regression"
    assert "since run since-0" in row.why
    assert not row.blocks


def test_nothing_that_changed_a_spike_and_an_improvement_are_none() -> None:
    spike = run("spike", Truth(recovery=60, slower=3.0))
    for past in (
        runs(15),
        [*runs(8), spike, *runs(6, prefix="later")],
        [*runs(9, Truth(slower=2.0)), *runs(6, prefix="since")],
    ):
        assert {row.outcome for row in drift_rows(past, run("candidate")).values()} == {"pass"}


def test_few_runs_tell_nothing() -> None:
    found = drift_rows(runs(4), run("candidate"))
    assert {row.outcome for row in found.values()} == {"not compared"}


def test_a_change_that_is_long_past_was_decided_on_then() -> None:
    past = [*runs(10), *runs(20, Truth(recovery=20), prefix="since")]
    assert drift_rows(past, run("candidate", Truth(recovery=20)), runs=10)["drift recovery"].outcome == "pass"


def test_drift_blocks_where_the_policy_says_so() -> None:
    past = [*runs(10), *runs(5, Truth(recovery=20), prefix="since")]
    found = drift_rows(past, run("candidate", Truth(recovery=20)), block=("drift",), warn=())
    assert found["drift recovery"].blocks
