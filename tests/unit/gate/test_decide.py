"""The decision: each criterion regresses, passes and is inconclusive; the policy says what that means."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from made_runs import NAME, REQUESTS, Truth, run, runs

from drill.errors import UsageError
from drill.gate.compare import sides_of
from drill.gate.decide import Decision, Row, decide, judged
from drill.gate.observed import ALL, Key, SeenRun
from drill.judge.verdict import Criterion
from drill.settings import Gate, Waiver
from drill.statistics import Counted, MeanDifference

TODAY = date(2026, 12, 1)
BASELINE = runs(6)
EVERYTHING = Gate(
    block=(
        "limits",
        "p50",
        "p95",
        "p99",
        "error_rate",
        "throughput",
        "recovery",
        "phase",
        "writes_lost",
        "cpu",
        "memory",
    ),
    warn=("drift",),
)
NOISY, SEED = Truth(noise=1.5), 1
WORSE = {
    "p50": Truth(slower=1.3),
    "p95": Truth(slower=1.3),
    "p99": Truth(slower=2.0),
    "error_rate": Truth(failing=0.004),
    "throughput": Truth(served=0.96),
    "recovery": Truth(recovery=16.0),
    "phase": Truth(recovery=16.0),
    "writes_lost": Truth(lost=4),
    "cpu": Truth(heavier=1.3),
    "memory": Truth(heavier=1.3),
}


def decided(candidate: SeenRun, baseline: list[SeenRun] | None = None, policy: Gate = EVERYTHING) -> Decision:
    return decide(sides_of([candidate], BASELINE if baseline is None else baseline), [], policy, TODAY)


def rows_of(decision: Decision, criterion: str) -> list[Row]:
    found = [row for row in decision.rows if row.name.split(" ")[0] == criterion]
    assert found, criterion
    return found


@pytest.mark.parametrize("criterion", WORSE)
def test_what_is_worse_is_a_regression_and_blocks(criterion: str) -> None:
    decision = decided(run("candidate", WORSE[criterion]))
    assert "regression" in {row.outcome for row in rows_of(decision, criterion)}
    assert (decision.outcome, decision.exit_status) == ("regression", 1)


@pytest.mark.parametrize("criterion", WORSE)
def test_what_is_the_same_passes(criterion: str) -> None:
    decision = decided(run("candidate"))
    assert {row.outcome for row in rows_of(decision, criterion)} == {"pass"}
    assert (decision.outcome, decision.exit_status) == ("pass", 0)


@pytest.mark.parametrize("criterion", sorted({*WORSE} - {"error_rate", "writes_lost"}))
def test_what_the_noise_hides_is_inconclusive_and_more_seconds_would_tell(criterion: str) -> None:
    decision = decided(run("noisy", NOISY, seed=SEED), runs(6, NOISY))
    found = rows_of(decision, criterion)
    assert "inconclusive" in {row.outcome for row in found}
    assert (decision.outcome, decision.exit_status) == ("inconclusive", 2)
    assert any(row.more_seconds for row in found)
    assert decision.more_seconds
    assert decision.more_seconds > 0


@pytest.mark.parametrize("criterion", ["error_rate", "writes_lost"])
def test_too_few_requests_and_writes_are_inconclusive(criterion: str) -> None:
    small = Truth(drills=1)
    thin = [_thinned(each) for each in runs(2, small)]
    decision = decided(_thinned(run("candidate", small)), thin)
    (row,) = rows_of(decision, criterion)
    assert row.outcome == "inconclusive"
    assert row.more_seconds
    assert "more of drills would" in row.why


def _thinned(seen: SeenRun) -> SeenRun:
    drills = {
        name: replace(drill, counts={key: each._replace(trials=200) for key, each in drill.counts.items()})
        for name, drill in seen.drills.items()
    }
    return replace(seen, drills=drills)


def test_so_many_more_seconds_do_decide() -> None:
    undecided = MeanDifference(0.06, 0.02, 12, 1, 6)
    assert judged(undecided, 0.2, 0.001, 0.05) == "inconclusive"
    assert judged(undecided.longer(40, 40), 0.2, 0.001, 0.05) == "pass"
    assert judged(replace(undecided, estimate=0.15).longer(40, 40), 0.2, 0.001, 0.05) == "regression"


def test_a_difference_that_is_certain_and_small_is_no_regression() -> None:
    decision = decided(
        run("candidate", Truth(slower=1.06, noise=0.001)), runs(6, Truth(noise=0.001)), Gate(run_spread=0)
    )
    row = rows_of(decision, "p95")[0]
    assert row.interval is not None
    assert row.interval[0] > 0
    assert row.outcome == "pass"


def test_a_difference_that_is_large_and_uncertain_is_no_regression() -> None:
    decision = decided(run("candidate", replace(NOISY, slower=1.5)), runs(6, NOISY))
    assert {row.outcome for row in rows_of(decision, "p95")} == {"inconclusive"}


def test_what_only_warns_does_not_change_the_outcome() -> None:
    policy = Gate(block=("error_rate", "p95"), warn=("recovery",))
    decision = decided(run("candidate", Truth(recovery=20)), policy=policy)
    assert rows_of(decision, "recovery")[0].outcome == "regression"
    assert (decision.outcome, decision.exit_status) == ("pass", 0)


def test_a_criterion_that_the_policy_does_not_name_is_not_looked_at() -> None:
    decision = decided(run("candidate", Truth(recovery=20)), policy=Gate(block=("p95",), warn=()))
    assert {row.name.split(" ")[0] for row in decision.rows} == {"p95"}


def test_a_criterion_that_the_candidate_no_longer_measures_is_inconclusive() -> None:
    decision = decided(_without(run("candidate"), Key("memory")))
    (row,) = rows_of(decision, "memory")
    assert (row.outcome, row.why) == ("inconclusive", "not measured by the candidate")
    assert decision.exit_status == 2


def test_a_request_that_is_new_has_nothing_to_be_compared_with() -> None:
    decision = decided(run("candidate"), [_without(each, Key("p95", NAME)) for each in BASELINE])
    (row,) = [row for row in rows_of(decision, "p95") if row.name == f"p95 {NAME}"]
    assert (row.outcome, row.why) == ("not compared", "not measured by the baseline")
    assert decision.exit_status == 0


@pytest.mark.parametrize("key", [Key("recovery"), Key("throughput"), Key("p95", ALL), Key("error_rate")])
def test_what_one_drill_of_the_candidate_no_longer_measures_is_not_passed_by_the_others(key: Key) -> None:
    """Users who stay out have no time to recovery, and are no faster for that."""
    decision = decided(_without(run("candidate"), key, ("drill-3",)))
    row = next(row for row in decision.rows if row.name == str(key))
    assert row.outcome == "inconclusive"
    assert row.why == "not measured by each run of the candidate, as the baseline did, in drill-3"
    assert decision.exit_status == 2


def test_a_request_that_was_once_sent_too_seldom_is_told_by_the_other_drills() -> None:
    decision = decided(_without(run("candidate"), Key("p95", NAME), ("drill-3",)))
    assert {row.outcome for row in rows_of(decision, "p95")} == {"pass"}


def test_failures_are_counted_in_the_same_drills_on_both_sides() -> None:
    """One drill has many failures in the baseline, and was not counted in each of its runs."""
    before = [_failing(each, "drill-0", 300) for each in BASELINE]
    before[0] = _without(before[0], Key("error_rate"), ("drill-0",))
    candidate = run("candidate", Truth(failing=0.01))
    decision = decided(_without(candidate, Key("error_rate"), ("drill-0",)), before)
    assert {row.outcome for row in rows_of(decision, "error_rate")} == {"regression"}


def _failing(seen: SeenRun, name: str, events: int) -> SeenRun:
    drill = seen.drills[name]
    counts = {**drill.counts, Key("error_rate"): Counted(events, REQUESTS)}
    return replace(seen, drills={**seen.drills, name: replace(drill, counts=counts)})


def test_what_only_warns_does_not_make_up_for_what_blocks_and_could_not_be_compared() -> None:
    bare = [_without(_without(each, Key("p95", NAME)), Key("p95", ALL)) for each in BASELINE]
    decision = decided(run("candidate", Truth(slower=3)), bare, Gate(block=("p95",), warn=("memory",)))
    assert {row.outcome for row in rows_of(decision, "p95")} == {"not compared"}
    assert (decision.outcome, decision.exit_status) == ("inconclusive", 2)


def test_nothing_compared_is_not_passed() -> None:
    bare = replace(
        run("candidate", Truth(drills=1)),
        drills={"drill-0": replace(run("x").drills["drill-0"], levels={}, counts={})},
    )
    decision = decided(bare, [replace(bare, run="before")])
    assert (decision.outcome, decision.exit_status) == ("inconclusive", 2)


def _without(seen: SeenRun, key: Key, names: tuple[str, ...] = ()) -> SeenRun:
    """In these drills, or in all."""
    drills = {
        name: replace(
            drill,
            levels={each: level for each, level in drill.levels.items() if each != key},
            counts={each: counted for each, counted in drill.counts.items() if each != key},
        )
        for name, drill in seen.drills.items()
        if name in (names or seen.drills)
    }
    return replace(seen, drills={**seen.drills, **drills})


BROKEN = Criterion(
    "recovered", "fail", "Users served again", 1000.0, 900.0, "s", source="runbook.md:17", why="late"
)


@pytest.mark.parametrize(
    ("verdict", "criterion", "outcome"),
    [("fail", "fail", "regression"), ("inconclusive", "inconclusive", "inconclusive")],
)
def test_a_limit_of_the_runbook_that_is_broken_blocks_whatever_the_baseline_did(
    verdict: str, criterion: str, outcome: str
) -> None:
    limits = (replace_criterion(criterion),)
    candidate = _judged(run("candidate"), verdict, limits)
    decision = decided(candidate, [_judged(each, verdict, limits) for each in BASELINE])
    broken = [row for row in rows_of(decision, "limits") if row.outcome != "pass"]
    assert [(row.name, row.outcome, row.source) for row in broken] == [
        ("limits drill-0", outcome, "runbook.md:17")
    ]
    assert decision.outcome == outcome


def replace_criterion(verdict: str) -> Criterion:
    return Criterion(BROKEN.name, verdict, BROKEN.title, 1000.0, 900.0, "s", source=BROKEN.source, why="late")  # type: ignore[arg-type]


def _judged(seen: SeenRun, verdict: str, limits: tuple[Criterion, ...]) -> SeenRun:
    first = replace(seen.drills["drill-0"], outcome=verdict, as_expected=False, limits=limits)
    return replace(seen, drills={**seen.drills, "drill-0": first})


def test_a_drill_that_the_candidate_left_out_is_inconclusive() -> None:
    decision = decided(run("candidate", Truth(drills=7)), runs(6))
    (row,) = [row for row in rows_of(decision, "limits") if row.outcome != "pass"]
    assert (row.name, row.outcome) == ("limits drill-7", "inconclusive")
    assert decision.exit_status == 2


def test_what_the_candidates_command_line_leaves_out_is_not_missing() -> None:
    """As of a release's `-m gate` against nights that drill more."""
    candidate = replace(run("candidate", Truth(drills=6)), not_selected=frozenset({"drill-7"}))
    decision = decided(candidate, runs(6))
    (row,) = [row for row in rows_of(decision, "limits") if row.outcome != "pass"]
    assert row.name == "limits drill-6", "selected, and not drilled"
    assert decision.left_out == ("drill-6", "drill-7")
    both = replace(candidate, not_selected=frozenset({"drill-6", "drill-7"}))
    assert decided(both, runs(6)).outcome == "pass"


def test_each_run_of_the_candidate_drills_what_it_selects() -> None:
    whole = run("first")
    part = replace(run("second", Truth(drills=7)), not_selected=frozenset())
    decision = decide(sides_of([whole, part], runs(6)), [], EVERYTHING, TODAY)
    assert [row.name for row in rows_of(decision, "limits") if row.outcome != "pass"] == ["limits drill-7"]


def waiver(criterion: str, day: date) -> Gate:
    return EVERYTHING.model_copy(
        update={"waivers": (Waiver(criterion=criterion, owner="A. Person", reason="known", expires=day),)}
    )


def test_a_waiver_lets_pass_what_it_names_and_nothing_else() -> None:
    slow = run("candidate", Truth(recovery=20))
    alive = waiver("recovery", TODAY)
    decision = decided(slow, policy=alive)
    assert "A. Person" in rows_of(decision, "recovery")[0].waived
    assert decision.outcome == "regression"  # the phase is not waived
    both = alive.model_copy(update={"waivers": (*alive.waivers, *waiver("phase", TODAY).waivers)})
    assert decided(slow, policy=both).outcome == "pass"


@pytest.mark.parametrize(("name", "outcome"), [("drill-0", "pass"), ("drill", "regression")])
def test_a_waiver_of_one_drill_is_not_of_those_whose_names_begin_so(name: str, outcome: str) -> None:
    candidate = _judged(run("candidate"), "fail", (BROKEN,))
    first = replace(candidate.drills["drill-0"], scenario="drill 0")
    candidate = replace(candidate, drills={**candidate.drills, "drill-0": first})
    policy = waiver(f"limits {name.replace('-', ' ')}", TODAY)
    assert decided(candidate, policy=policy).outcome == outcome


def test_a_waiver_that_nothing_needs_is_named() -> None:
    decision = decided(run("candidate"), policy=waiver("p95", TODAY))
    assert [each.criterion for each in decision.unused] == ["p95"]
    assert decision.outcome == "pass"


def test_an_expired_waiver_blocks_and_is_named_whatever_was_measured() -> None:
    decision = decided(run("candidate"), policy=waiver("p95", date(2026, 11, 30)))
    assert [each.criterion for each in decision.expired] == ["p95"]
    assert (decision.outcome, decision.exit_status) == ("regression", 1)


def test_many_comparisons_are_paid_for() -> None:
    """Twenty more criteria that are the same make a difference that was just told apart inconclusive."""
    candidate = run("candidate", Truth(slower=1.14))
    alone = decided(candidate, policy=Gate(block=("p95",), warn=(), minimum_effects={"p95": 0.2}))
    many = decided(candidate, policy=EVERYTHING)
    assert rows_of(alone, "p95")[0].interval[0] > rows_of(many, "p95")[0].interval[0]  # type: ignore[index]


def test_runs_of_other_drills_are_no_baseline() -> None:
    with pytest.raises(UsageError, match=r"^other, another: none has half of the 8 drills of candidate"):
        sides_of([run("candidate")], [replace(run(name), drills={}) for name in ("other", "another")])


def test_runs_without_a_drill_in_common_are_named() -> None:
    halves = [run("first"), run("second")]
    halves = [
        replace(half, drills={name: half.drills[name] for name in sorted(half.drills)[part]})
        for half, part in zip(halves, (slice(4), slice(4, 8)), strict=True)
    ]
    with pytest.raises(UsageError, match=r"^candidate, first, second: no drill was carried out in all"):
        sides_of([run("candidate")], halves)


def test_another_load_is_not_compared() -> None:
    heavier = {name: replace(drill, per_second=200.0) for name, drill in run("candidate").drills.items()}
    with pytest.raises(UsageError, match="candidate: 200/s"):
        sides_of([replace(run("candidate"), drills=heavier)], BASELINE)


def test_runs_of_one_side_are_taken_together() -> None:
    slow = [run(f"candidate-{number}", Truth(slower=1.2)) for number in range(3)]
    one, three = (decide(sides_of(side, BASELINE), [], EVERYTHING, TODAY) for side in (slow[:1], slow))
    widths = [
        row.interval[1] - row.interval[0]
        for row in (rows_of(one, "p95")[0], rows_of(three, "p95")[0])
        if row.interval
    ]
    assert widths[1] < widths[0]


def test_a_policy_of_limits_alone_needs_no_comparison() -> None:
    decision = decided(run("candidate"), policy=Gate(block=("limits",), warn=()))
    assert (decision.outcome, decision.exit_status) == ("pass", 0)
    assert decided(run("candidate"), policy=Gate(block=(), warn=())).outcome == "inconclusive"


IDLE, BUSY = Truth(elsewhere=0.2), Truth(elsewhere=0.85)
MOODY = {"p50", "p95", "p99", "cpu"}


def outcomes(decision: Decision, criteria: set[str]) -> set[str]:
    return {row.outcome for criterion in criteria for row in rows_of(decision, criterion)}


def test_what_is_slower_on_a_machine_that_was_busier_is_no_regression() -> None:
    candidate = run("candidate", replace(BUSY, slower=1.9, heavier=1.3))
    decision = decided(candidate, runs(6, IDLE), Gate(block=tuple(sorted(MOODY)), warn=()))
    assert outcomes(decision, MOODY) == {"inconclusive"}
    assert (decision.outcome, decision.exit_status) == ("inconclusive", 2)
    (why, *_) = {row.why for row in decision.rows if row.outcome == "inconclusive"}
    assert "85% of its cores, in the baseline 20%" in why


def test_what_is_as_fast_where_the_baseline_was_busier_does_not_pass_by_it() -> None:
    decision = decided(run("candidate", IDLE), runs(6, BUSY))
    assert outcomes(decision, MOODY) == {"inconclusive"}
    assert outcomes(decision, {"memory", "error_rate", "recovery", "throughput"}) == {"pass"}


def test_the_runs_of_the_baseline_that_were_as_busy_decide() -> None:
    mixed = [*runs(4, replace(BUSY, slower=1.9), prefix="busy"), *runs(4, IDLE)]
    assert outcomes(decided(run("candidate", replace(BUSY, slower=1.9)), mixed), MOODY - {"cpu"}) == {"pass"}
    assert "regression" in outcomes(decided(run("candidate", replace(IDLE, slower=1.9)), mixed), {"p95"})


def test_runs_that_do_not_know_how_busy_the_machine_was_are_compared() -> None:
    assert "regression" in outcomes(decided(run("candidate", replace(BUSY, slower=1.9))), {"p95"})
