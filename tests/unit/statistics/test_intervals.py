"""Intervals against scipy's distributions, known values and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from drill.statistics import (
    difference_interval,
    hold,
    mean_interval,
    proportion_interval,
    quantile,
    quantile_rank,
    ratio_interval,
)


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (20, 19), (21, 20), (100, 95), (600, 570), (3360, 3192)])
def test_quantile_is_the_nearest_rank(count: int, rank: int) -> None:
    assert quantile_rank(count, 0.95) == rank
    assert quantile(np.random.default_rng(1).permutation(np.arange(1.0, count + 1)), 0.95) == rank


def test_every_rank_of_shuffled_samples_is_found() -> None:
    shuffled = np.random.default_rng(2).permutation(np.arange(1.0, 401.0))
    assert [quantile(shuffled, rank / 400) for rank in range(1, 401)] == list(range(1, 401))


def test_mean_interval_is_students() -> None:
    samples = np.array([4.0, 5.0, 7.0, 8.0])
    expected = stats.t.interval(0.95, 3, loc=samples.mean(), scale=stats.sem(samples))
    assert mean_interval(samples) == pytest.approx(expected)
    assert mean_interval(np.array([2.0, 2.0, 2.0])) == (2.0, 2.0)
    assert mean_interval(np.array([2.0, 4.0])) == pytest.approx(stats.t.interval(0.95, 1, loc=3.0, scale=1.0))
    assert mean_interval(samples, 0.8) == pytest.approx(
        stats.t.interval(0.8, 3, loc=samples.mean(), scale=stats.sem(samples))
    )
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


@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (0, 20), (1, 20), (13, 20), (20, 20), (97, 346)])
def test_proportion_interval_is_clopper_and_pearsons(hits: int, trials: int) -> None:
    exact = stats.binomtest(hits, trials).proportion_ci(confidence_level=0.95, method="exact")
    assert proportion_interval(hits, trials) == pytest.approx((exact.low, exact.high))
    assert proportion_interval(0, 0) == (0.0, 1.0)


def test_the_interval_of_a_difference_is_made_of_both_values_own() -> None:
    over, under = (0.9, (0.86, 0.98)), (0.5, (0.44, 0.53))
    assert difference_interval(over, under) == pytest.approx((0.4 - 0.05, 0.4 + 0.1))
    assert difference_interval(under, over) == pytest.approx((-0.4 - 0.1, -0.4 + 0.05))
    assert difference_interval(over, (0.5, (0.5, 0.5))) == pytest.approx((0.36, 0.48))


def test_the_interval_of_a_ratio_is_made_of_both_values_own() -> None:
    over, under = (8.0, (4.0, 16.0)), (2.0, (1.0, 4.0))
    reach = 2.0 ** (2**0.5)
    assert ratio_interval(over, under) == pytest.approx((4 / reach, 4 * reach))
    assert ratio_interval(under, over) == pytest.approx((0.25 / reach, 0.25 * reach))
    known = (2.0, (2.0, 2.0))
    assert ratio_interval((8.0, (4.0, 9.0)), known) == pytest.approx((2.0, 4.5))
    assert ratio_interval(known, (8.0, (4.0, 10.0))) == pytest.approx((0.2, 0.5))


@pytest.mark.parametrize("sides", [((0.0, 1.0), (1.0, 2.0)), ((1.0, 2.0), (0.0, 1.0))])
def test_of_what_may_be_0_no_ratio_is_told(sides: tuple[tuple[float, float], tuple[float, float]]) -> None:
    assert ratio_interval((1.0, sides[0]), (1.0, sides[1])) is None
