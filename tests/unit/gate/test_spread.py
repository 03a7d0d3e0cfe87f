"""How much runs of one image differ: what the history has shown is expected, where it is more than what is
stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from made_runs import NAME, Truth, run, runs

from drill.gate.compare import sides_of
from drill.gate.decide import Row, decide
from drill.gate.observed import ALL, Key, SeenRun
from drill.gate.spread import measured_spread
from drill.settings import Gate
from drill.statistics import run_spread

TODAY = date(2026, 12, 1)
POLICY = Gate(block=("p95", "recovery", "memory"), warn=())
MOOD = 0.12
USUAL = Truth()
ONE = frozenset({("web/app", "app:1 sha256:1")})
OTHER = frozenset({("web/app", "app:2 sha256:2")})
DRILLS = [f"drill-{number}" for number in range(8)]


def nights(
    count: int, mood: float = MOOD, *, images: frozenset[tuple[str, str]] = ONE, truth: Truth = USUAL
) -> list[SeenRun]:
    """Runs of one image whose latencies, CPU, memory and recovery are in turn above and below by `mood`."""
    return [
        replace(
            run(
                f"past-{number}",
                replace(
                    truth,
                    slower=truth.slower * np.exp(mood * (-1) ** number),
                    heavier=np.exp(mood * (-1) ** number),
                    recovery=12.0 + 20 * mood * (-1) ** number,
                ),
                day=number - 100,
            ),
            images=images,
        )
        for number in range(count)
    ]


def told(past: Sequence[SeenRun], truth: Truth, policy: Gate = POLICY) -> dict[str, Row]:
    decision = decide(sides_of([run("candidate", truth, day=9)], runs(3)), past, policy, TODAY)
    return {row.name: row for row in decision.rows}


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        (f"p95 {NAME}", Truth(slower=1.28)),
        ("memory", Truth(heavier=1.28)),
        ("recovery", Truth(recovery=15)),
    ],
)
def test_what_is_the_mood_of_a_night_is_no_regression_where_the_history_knows_moods(
    name: str, worse: Truth
) -> None:
    alone, knowing = (told(past, worse)[name] for past in ([], nights(8)))
    assert (alone.outcome, "differ" in alone.why) == ("regression", False)
    assert knowing.outcome == "inconclusive"
    assert "; runs of one image differ by " in knowing.why
    assert knowing.why.endswith(", as 8 of the history have shown")


def test_what_is_far_worse_is_a_regression_all_the_same() -> None:
    assert told(nights(8), Truth(slower=2.5))[f"p95 {NAME}"].outcome == "regression"


def test_a_history_that_is_calmer_than_stated_changes_nothing() -> None:
    worse = Truth(slower=1.28)
    calm = told(nights(8, 0.001), worse)[f"p95 {NAME}"]
    assert calm == told([], worse)[f"p95 {NAME}"]


@pytest.mark.parametrize(
    "past",
    [
        nights(6),
        [replace(each, images=frozenset()) for each in nights(8)],
        [replace(each, images=frozenset({("web/app", each.run)})) for each in nights(8)],
        [replace(each, drills=dict(list(each.drills.items())[:7])) for each in nights(8)],
        nights(8, truth=Truth(elsewhere=0.7)),
    ],
    ids=["too few", "of unknown images", "each of another image", "without a drill", "of a busier machine"],
)
def test_runs_that_do_not_tell_it_are_not_asked(past: list[SeenRun]) -> None:
    worse = Truth(slower=1.28, elsewhere=0.2)
    assert told(past, worse)[f"p95 {NAME}"] == told([], worse)[f"p95 {NAME}"]


def test_runs_of_the_sides_count_once() -> None:
    own = [replace(each, images=ONE) for each in runs(3)]
    decision = decide(sides_of([run("candidate", day=9)], own), [*nights(5), *own], POLICY, TODAY)
    assert not any("differ" in row.why for row in decision.rows)


def test_only_the_last_runs_of_the_history_are_asked() -> None:
    past = [*nights(8), *(replace(each, images=ONE) for each in runs(8, prefix="calm"))]
    worse = Truth(slower=1.28)
    assert told(past, worse, POLICY.model_copy(update={"runs": 8})) == told([], worse)
    assert "differ" in told(past, worse, POLICY.model_copy(update={"runs": 16}))[f"p95 {NAME}"].why


def test_what_the_history_does_not_keep_of_a_latency_is_that_of_all_requests() -> None:
    past = [
        replace(
            each,
            drills={
                name: replace(drill, levels={Key("p95", ALL): drill.levels[Key("p95", ALL)]})
                for name, drill in each.drills.items()
            },
        )
        for each in nights(8)
    ]
    found = told(past, Truth(slower=1.28, heavier=1.28))
    assert found[f"p95 {NAME}"].outcome == "inconclusive"
    assert (found["memory"].outcome, "differ" in found["memory"].why) == ("regression", False)


def test_two_images_are_each_compared_with_themselves() -> None:
    slow = [
        replace(each, run=f"slow {each.run}", images=OTHER)
        for each in nights(4, 0.01, truth=Truth(slower=2.0, noise=0.001))
    ]
    fast = nights(4, 0.01, truth=Truth(noise=0.001))
    found = measured_spread(Key("p95", NAME), [*slow, *fast], DRILLS, 10)
    assert found is not None
    assert found.runs == 8
    # 0.01 above and below in turn: 4 * 0.01 ** 2 of each image over 3 + 3 of freedom
    assert found.spread.deviation == pytest.approx((8 * 0.01**2 / 6) ** 0.5, rel=0.1)


def test_the_spread_of_runs_is_what_is_beside_that_of_their_drills() -> None:
    random = np.random.default_rng(5)
    tables = [
        random.normal(0, 0.1, (40, 1)) + random.normal(0, 0.2, (40, 4)) + random.normal(0, 3, (1, 4))
        for _ in range(20)
    ]
    found = run_spread(tables)
    assert found.freedom == 780
    assert found.deviation == pytest.approx(0.1, rel=0.1)
    assert run_spread([random.normal(0, 0.2, (400, 4))]).deviation < 0.04
    alone = np.zeros((1, 4))
    assert run_spread([tables[0], alone]) == run_spread(tables[:1])


@pytest.mark.parametrize(("drills", "noise"), [(1, 0.0), (9, 0.05)])
def test_what_is_as_stated_is_seldom_called_more_and_twice_as_much_usually(drills: int, noise: float) -> None:
    random = np.random.default_rng(6)
    drawn = [
        run_spread([random.normal(0, 0.03, (10, 1)) + random.normal(0, noise, (10, drills))])
        for _ in range(2000)
    ]
    above = [sum(each.is_above(stated) for each in drawn) / 2000 for stated in (0.03, 0.015, 0.0)]
    assert above[0] == pytest.approx(0.05, abs=0.02)
    assert above[1] > 0.6
    assert above[2] > 0.9
