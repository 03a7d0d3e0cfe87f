"""What a procedure without a fault changed for users: p95 before and after, and where nothing is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from recorded_drill import END, FAULT, START, RecordedDrill

from drill.judge.verdict import Gain

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
