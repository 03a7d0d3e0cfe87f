"""Intervals against scipy's distributions, known values and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from drill.statistics import hold, mean_interval, quantile, quantile_rank, rate_interval


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (20, 19), (21, 20), (100, 95), (600, 570), (3360, 3192)])
def test_quantile_is_the_nearest_rank(count: int, rank: int) -> None:
    assert quantile_rank(count, 0.95) == rank
    assert quantile(np.arange(1.0, count + 1)[::-1], 0.95) == rank


@pytest.mark.parametrize(("events", "count"), [(0, 10), (1, 10), (5, 10), (10, 10), (3, 3360), (8, 3360)])
def test_rate_bounds_are_clopper_pearsons(events: int, count: int) -> None:
    expected = stats.binomtest(events, count).proportion_ci(0.90, method="exact")
    assert rate_interval(events, count) == pytest.approx((expected.low, expected.high))
    two_sided = stats.binomtest(events, count).proportion_ci(0.95, method="exact")
    assert rate_interval(events, count, 0.975) == pytest.approx((two_sided.low, two_sided.high))


def test_2995_requests_without_an_error_are_needed_for_a_tenth_of_a_percent() -> None:
    assert rate_interval(0, 2994)[1] >= 0.001
    assert rate_interval(0, 2995)[1] < 0.001
    assert rate_interval(0, 2995)[1] == pytest.approx(1 - 0.05 ** (1 / 2995))


def test_no_trial_says_nothing_of_a_rate() -> None:
    assert rate_interval(0, 0) == (0.0, 1.0)


def test_rate_bounds_are_each_right_in_95_percent_of_simulations() -> None:
    random, truth, count = np.random.default_rng(5), 0.01, 500
    bounds = [rate_interval(int(events), count) for events in random.binomial(count, truth, 2000)]
    least = 0.95 * 2000 - 3 * math.sqrt(2000 * 0.95 * 0.05)
    assert sum(low <= truth for low, _ in bounds) >= least
    assert sum(high >= truth for _, high in bounds) >= least


def test_mean_interval_is_students() -> None:
    samples = np.array([4.0, 5.0, 7.0, 8.0])
    expected = stats.t.interval(0.95, 3, loc=samples.mean(), scale=stats.sem(samples))
    assert mean_interval(samples) == pytest.approx(expected)
    assert mean_interval(np.array([2.0, 2.0, 2.0])) == (2.0, 2.0)
    assert mean_interval(np.array([2.0])) is None


@pytest.mark.parametrize(
    ("interval", "outcome"),
    [
        ((0.1, 0.4), "pass"),
        ((0.1, 0.5), "inconclusive"),
        ((0.4, 0.6), "inconclusive"),
        ((0.5, 0.6), "fail"),
        ((0.5, 0.5), "fail"),
    ],
)
def test_a_limit_is_held_broken_or_neither(interval: tuple[float, float], outcome: str) -> None:
    assert hold(interval, 0.5) == outcome
