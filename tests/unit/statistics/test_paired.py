"""Differences of pairs: how often intervals hold, and what one wild pair does."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drill.statistics import paired_difference

LEVEL = 0.01


def test_pairs_of_no_difference_seem_worse_as_often_as_is_asked_for() -> None:
    random = np.random.default_rng(5)
    alarms = sum(
        paired_difference(0.1 * random.normal(size=10), 0.0, 0.0).probability() < LEVEL for _ in range(4000)
    )
    assert alarms / 4000 == pytest.approx(LEVEL, abs=0.006)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(6)
    held = 0
    for _ in range(2000):
        low, high = paired_difference(0.2 + 0.1 * random.normal(size=8), 0.0, 0.0).interval(0.05, 0.05)
        held += low <= 0.2 <= high
    assert held / 2000 == pytest.approx(0.9, abs=0.02)


def test_one_wild_pair_of_many_neither_makes_nor_hides_a_difference() -> None:
    calm = np.array([0.01, -0.02, 0.02, -0.01, 0.0, 0.01, -0.01, 0.02])
    wild = np.append(calm, 3.5)
    assert paired_difference(wild, 0.0, 0.0).probability() > 0.05
    assert paired_difference(wild + 0.3, 0.0, 0.0).probability() < 0.001


def test_more_pairs_narrow_it_and_no_variance_is_certain() -> None:
    few = paired_difference(np.array([0.1, -0.1, 0.2, 0.0]), 0.0, 0.0)
    assert few.longer(4, 4).error == pytest.approx(few.error / 2)
    assert few.longer(4, 1).error == few.error
    assert paired_difference(np.zeros(4), 0.0, 0.0).probability() == 1.0
    assert paired_difference(np.full(4, 0.1), 0.0, 0.0).probability() == 0.0


def test_what_is_expected_keeps_few_equal_pairs_from_being_certain() -> None:
    equal = np.full(4, 0.1)
    assert paired_difference(equal, 0.02, 0.0).probability() > LEVEL
    assert math.isclose(
        paired_difference(equal, 0.02, 0.0).variance,
        paired_difference(equal, 0.0, 0.1).variance,
        rel_tol=1e-9,
    )
