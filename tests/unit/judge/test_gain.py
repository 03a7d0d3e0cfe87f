"""What a procedure without a fault changed: p95 and the cache's hit rate before and after, and where nothing
is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from recorded_drill import END, FAULT, START, RecordedDrill

from drill.judge.verdict import Gain, HitRate

BEGUN, DONE = 1030.0, 1034.0
BEFORE = BEGUN - 22.0
MEDIAN, P95 = 0.010, 0.010 * 1.64
"""Seconds: of latencies whose logarithm is spread by 0.3."""


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    """The operator acts on a healthy target, and users are there before and after."""
    found = RecordedDrill(
        tmp_path / "drill",
        outages=[],
        injected=None,
        witness=None,
        started={"faults": []},
        procedure=(BEGUN, DONE),
    )
    slow(found, START, END, MEDIAN)
    return found


def gain_of(drill: RecordedDrill) -> Gain:
    found = drill.judged().gain
    assert found is not None
    return found


def slow(drill: RecordedDrill, start: float, end: float, seconds: float) -> None:
    """From start to end half of the requests take longer than `seconds`."""
    indexes = sorted(drill.indexes(start, end))
    latencies = seconds * np.random.default_rng(7).lognormal(0.0, 0.3, len(indexes))
    drill.slow |= dict(zip(indexes, latencies.tolist(), strict=True))


def about(seconds: float) -> float:
    return pytest.approx(seconds, rel=0.05)  # type: ignore[no-any-return]


def test_the_same_before_and_after_is_not_told_apart(drill: RecordedDrill) -> None:
    found = gain_of(drill)
    assert (found.probability, found.before, found.after) == (0.95, about(P95), about(P95))
    for low, high in (found.before_interval, found.after_interval):
        assert low < P95 < high < 1.3 * low
    assert 0.8 < found.ratio[0] <= 1 <= found.ratio[1] < 1.25


@pytest.mark.parametrize("times", [0.5, 1.4])
def test_what_changed_is_told(drill: RecordedDrill, times: float) -> None:
    slow(drill, DONE, END, times * MEDIAN)
    found = gain_of(drill)
    assert (found.before, found.after) == (about(P95), about(times * P95))
    assert found.ratio[0] < times < found.ratio[1]
    assert not found.ratio[0] <= 1 <= found.ratio[1]


def test_only_as_long_before_as_after_counts_and_nothing_while_somebody_acts(drill: RecordedDrill) -> None:
    slow(drill, START, BEFORE, 0.2)
    slow(drill, BEGUN, DONE, 0.2)
    found = gain_of(drill)
    assert (found.before, found.after) == (about(P95), about(P95))


def test_one_slow_second_or_two_are_no_change_of_the_target(drill: RecordedDrill) -> None:
    slow(drill, DONE + 6.0, DONE + 8.0, 0.1)
    found = gain_of(drill)
    assert found.after > 2 * P95
    assert found.ratio[0] <= 1 <= found.ratio[1]


def a_fault(drill: RecordedDrill) -> None:
    drill.injected, drill.unnoticed = 1025.0, 1.0
    drill.started = {"faults": [{"fault": FAULT, "felt": "latent"}]}


def nobody_acted(drill: RecordedDrill) -> None:
    drill.procedure, drill.started = None, {"faults": [], "procedures": []}


def hardly_any_before(drill: RecordedDrill) -> None:
    drill.procedure = (START + 5.0, START + 9.0)


def hardly_any_after(drill: RecordedDrill) -> None:
    drill.procedure = (BEGUN, END - 5.0)


def no_limit(drill: RecordedDrill) -> None:
    del drill.limits["response_time"]


@pytest.mark.parametrize("spoil", [a_fault, nobody_acted, hardly_any_before, hardly_any_after, no_limit])
def test_where_nothing_can_be_compared_nothing_is_told(
    drill: RecordedDrill, spoil: Callable[[RecordedDrill], None]
) -> None:
    assert drill.judged().gain is not None
    spoil(drill)
    verdict = drill.judged()
    assert (verdict.gain, verdict.criteria != []) == (None, True)


LOOKUPS = 200
"""Of a pod between two looks, which are two seconds apart."""


def look_up(
    drill: RecordedDrill,
    before: float,
    after: float,
    *,
    lookups: int = LOOKUPS,
    every: float = 2.0,
    restart: float = END,
) -> None:
    """Two pods, whose cache answers these shares of lookups, less or more by a third of the misses, until the
    procedure begins and from then on. One of them begins anew at `restart`, having counted in between what
    nobody saw."""
    random = np.random.default_rng(5)
    totals = {"novel-engine-a": [700.0, 300.0], "novel-engine-b": [0.0, 0.0]}
    for moment in np.arange(START, END, every).tolist():
        pods = [{"pod": pod, "hits": hits, "misses": misses} for pod, (hits, misses) in totals.items()]
        drill.extra.append((moment, "sample.cache", {"pods": pods}))
        share = before if moment < BEGUN else after
        for counted in totals.values():
            missed = round(lookups * (1 - share) * random.uniform(0.67, 1.33))
            counted[0] += lookups - missed
            counted[1] += missed
        if moment <= restart < moment + every:
            totals["novel-engine-b"] = [1.0, 5000.0]


def hit_rate_of(drill: RecordedDrill) -> HitRate:
    verdict = drill.judged()
    assert verdict.hit_rate is not None, verdict.hit_rate_why
    assert verdict.hit_rate_why == ""
    return verdict.hit_rate


def test_a_cache_that_answers_as_often_as_before_is_not_told_apart(drill: RecordedDrill) -> None:
    look_up(drill, 0.9, 0.9)
    found = hit_rate_of(drill)
    assert (found.before, found.after) == (pytest.approx(0.9, abs=0.02), pytest.approx(0.9, abs=0.02))
    for low, high in (found.before_interval, found.after_interval):
        assert 0.85 < low < 0.9 < high < 0.95
    assert -0.05 < found.difference[0] <= 0 <= found.difference[1] < 0.05


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.6), (0.6, 0.9)])
def test_how_much_more_or_less_often_the_cache_answers_is_told(
    drill: RecordedDrill, before: float, after: float
) -> None:
    look_up(drill, before, after)
    found = hit_rate_of(drill)
    assert (found.before, found.after) == (pytest.approx(before, abs=0.05), pytest.approx(after, abs=0.05))
    assert found.difference[0] < after - before < found.difference[1]
    assert not found.difference[0] <= 0 <= found.difference[1]


@pytest.mark.parametrize("moment", [BEGUN - 9.0, DONE + 9.0])
def test_what_a_pod_counted_across_its_restart_is_left_out(drill: RecordedDrill, moment: float) -> None:
    look_up(drill, 0.9, 0.9, restart=moment)
    found = hit_rate_of(drill)
    assert (found.before, found.after) == (pytest.approx(0.9, abs=0.02), pytest.approx(0.9, abs=0.02))


def test_lookups_of_before_that_and_of_while_somebody_acts_do_not_count(drill: RecordedDrill) -> None:
    look_up(drill, 0.9, 0.9)
    for moment, _, data in drill.extra:
        if moment < BEFORE or BEGUN < moment < DONE:
            for pod in data["pods"]:
                pod["misses"] += 1e6
    found = hit_rate_of(drill)
    assert (found.before, found.after) == (pytest.approx(0.9, abs=0.02), pytest.approx(0.9, abs=0.02))


def hardly_a_lookup(drill: RecordedDrill) -> None:
    look_up(drill, 0.5, 0.5, lookups=2)


def nobody_looks_up(drill: RecordedDrill) -> None:
    look_up(drill, 0.9, 0.9, lookups=0)


def hardly_a_look(drill: RecordedDrill) -> None:
    look_up(drill, 0.9, 0.9, every=6.0)


def no_pod_tells(drill: RecordedDrill) -> None:
    look_up(drill, 0.9, 0.9)
    drill.extra = [(moment, kind, {"pods": []}) for moment, kind, _ in drill.extra]


def no_look_after(drill: RecordedDrill) -> None:
    look_up(drill, 0.9, 0.9)
    drill.extra = [each for each in drill.extra if each[0] < DONE]


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        (hardly_a_lookup, "44 lookups before, fewer than 100"),
        (nobody_looks_up, "0 lookups before, fewer than 100"),
        (hardly_a_look, "before, lookups fall into 3 blocks of time, fewer than 5"),
        (no_pod_tells, "0 lookups before, fewer than 100"),
        (no_look_after, "0 lookups after, fewer than 100"),
    ],
)
def test_why_a_hit_rate_is_not_told_is_said(
    drill: RecordedDrill, sample: Callable[[RecordedDrill], None], why: str
) -> None:
    sample(drill)
    verdict = drill.judged()
    assert (verdict.hit_rate, verdict.hit_rate_why) == (None, why)
    assert verdict.gain is not None


def test_where_no_counters_were_read_nothing_is_said_of_them(drill: RecordedDrill) -> None:
    verdict = drill.judged()
    assert (verdict.hit_rate, verdict.hit_rate_why) == (None, "")
    assert verdict.gain is not None


@pytest.mark.parametrize("spoil", [a_fault, nobody_acted])
def test_with_a_fault_or_without_a_procedure_no_hit_rate_is_told(
    drill: RecordedDrill, spoil: Callable[[RecordedDrill], None]
) -> None:
    look_up(drill, 0.9, 0.6)
    spoil(drill)
    verdict = drill.judged()
    assert (verdict.hit_rate, verdict.hit_rate_why, verdict.criteria != []) == (None, "", True)


def test_a_hit_rate_is_judged_by_nobody(drill: RecordedDrill) -> None:
    bare = drill.judged()
    look_up(drill, 0.9, 0.1)
    verdict = drill.judged()
    assert verdict.hit_rate is not None
    assert (verdict.verdict, verdict.criteria) == (bare.verdict, bare.criteria)
