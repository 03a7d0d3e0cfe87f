"""Intervals of correlated samples: how often they hold the truth, and what they rest on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from drill.statistics import Blocks, block_quantile_interval, in_blocks, share_interval

PER_SECOND, CORRELATED = 150, 0.7
TRUE_P95 = 0.1 * math.exp(0.5 * stats.norm.ppf(0.95))


def _drifting(random: np.random.Generator, seconds: float) -> NDArray[np.float64]:
    """Latencies whose logarithm forgets where it was over 0.7 s."""
    count, keep = int(seconds * PER_SECOND), math.exp(-1 / PER_SECOND / CORRELATED)
    noise = random.normal(size=count) * math.sqrt(1 - keep**2)
    level, levels = random.normal(), np.empty(count)
    for index in range(count):
        level = keep * level + noise[index]
        levels[index] = level
    return 0.1 * np.exp(0.5 * levels)


def _stepping(random: np.random.Generator, seconds: float) -> NDArray[np.float64]:
    """Latencies that stay the same for 0.7 s."""
    count = int(seconds * PER_SECOND)
    levels = random.normal(size=int(seconds / CORRELATED) + 2)
    place = np.floor(np.arange(count) / PER_SECOND / CORRELATED + random.uniform()).astype(int)
    return 0.1 * np.exp(0.5 * levels[place])


def _moments(latencies: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.arange(len(latencies)) / PER_SECOND


@pytest.mark.parametrize("kind", [_drifting, _stepping])
@pytest.mark.parametrize("seconds", [22.0, 66.0])
def test_the_interval_holds_the_true_quantile_in_94_percent_of_simulations(kind, seconds: float) -> None:
    random, covered, runs = np.random.default_rng(3), 0, 250
    for _ in range(runs):
        latencies = kind(random, seconds)
        blocks = in_blocks(latencies, _moments(latencies), 2 * CORRELATED)
        found = block_quantile_interval(blocks, 0.95, limit=0.5)
        assert found is not None
        covered += found[0] <= TRUE_P95 <= found[1]
    assert covered / runs >= 0.94 - 2 * math.sqrt(0.94 * 0.06 / runs)


def test_independent_samples_are_told_nearly_as_well_as_without_blocks() -> None:
    samples = np.random.default_rng(5).exponential(size=6000)
    blocks = in_blocks(samples, np.arange(6000) / 100, 1.0)
    found = block_quantile_interval(blocks, 0.95, limit=1.0)
    assert found is not None
    exact = np.sort(samples)[[int(stats.binom.ppf(0.02, 6000, 0.95)), int(stats.binom.ppf(0.98, 6000, 0.95))]]
    assert found[1] - found[0] < 2 * (exact[1] - exact[0])


def _one_slow_block(slow: int) -> Blocks:
    """60 blocks of 100 samples; the first `slow` of them all 1 s, the others 0.01 s."""
    values = np.where(np.arange(6000) < 100 * slow, 1.0, 0.01)
    return in_blocks(values, np.arange(6000) / 100, 1.0)


def test_a_slow_second_counts_as_one_sample_and_not_as_a_hundred() -> None:
    low, high = share_interval(_one_slow_block(3), 0.5, confidence=0.95)
    # three of sixty, by Clopper and Pearson, or less surely still
    exact = stats.binomtest(3, 60).proportion_ci(0.95, method="exact")
    assert low <= exact.low + 1e-9
    assert high >= exact.high - 1e-9


def test_a_share_that_no_sample_shows_is_bounded_by_the_number_of_blocks() -> None:
    low, high = share_interval(_one_slow_block(0), 0.5, confidence=0.95)
    assert (low, high) == pytest.approx((0.0, 1 - 0.025 ** (1 / 60)))
    low, high = share_interval(_one_slow_block(60), 0.5, confidence=0.95)
    assert (low, high) == pytest.approx((0.025 ** (1 / 60), 1.0))


def test_fewer_than_five_blocks_tell_nothing() -> None:
    few = in_blocks(np.full(400, 0.01), np.arange(400) / 100, 1.0)
    assert few.number == 4
    assert share_interval(few, 0.5) == (0.0, 1.0)
    assert block_quantile_interval(few, 0.95, limit=0.5) is None
    assert (
        block_quantile_interval(in_blocks(np.full(500, 0.01), np.arange(500) / 100, 1.0), 0.95, 0.5)
        is not None
    )


def test_what_the_sample_does_not_bound_is_bounded_by_a_heavy_tail() -> None:
    fifteen = in_blocks(np.full(1500, 0.01), np.arange(1500) / 100, 1.0)
    found = block_quantile_interval(fifteen, 0.95, limit=0.5, confidence=0.95)
    assert found is not None
    assert found[1] == pytest.approx(0.01 * (1 - 0.025 ** (1 / 15)) / 0.05)
    assert found[0] == 0.01


@pytest.mark.parametrize(("slow", "below"), [(0.02, True), (0.049, False), (0.08, False)])
def test_a_limit_that_lies_between_all_samples_is_looked_at_itself(slow: float, below: bool) -> None:
    random = np.random.default_rng(2)
    values = np.where(random.random(6000) < slow, 0.6, 0.2)
    found = block_quantile_interval(in_blocks(values, np.arange(6000) / 100, 1.0), 0.95, limit=0.5)
    assert found is not None
    assert (found[1] < 0.5) == below
    assert (found[0] >= 0.5) == (slow == 0.08)


def test_blocks_are_counted_from_the_first_sample_and_empty_ones_are_none() -> None:
    blocks = in_blocks(np.arange(4.0), np.array([10.0, 10.9, 13.1, 11.0]), 1.0)
    assert (blocks.number, blocks.block.tolist()) == (3, [0, 0, 2, 1])
    assert blocks.above(1.0).tolist() == [1, 1, 1]
    assert in_blocks(np.empty(0), np.empty(0), 1.0).number == 0
