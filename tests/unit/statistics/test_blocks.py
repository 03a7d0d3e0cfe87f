"""Intervals of correlated samples: how often they hold the truth, and what they rest on."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from drill.statistics import (
    Blocks,
    block_quantile_interval,
    counted_share_interval,
    difference_interval,
    in_blocks,
    log_quantile_variance,
    quantile,
    ratio_interval,
    share_interval,
)

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


def test_two_windows_that_are_alike_are_told_apart_in_5_percent_of_simulations_at_most() -> None:
    random, apart, runs = np.random.default_rng(5), 0, 100
    for _ in range(runs):
        sides = []
        for latencies in (_drifting(random, 22.0), _drifting(random, 22.0)):
            blocks = in_blocks(latencies, _moments(latencies), 2 * CORRELATED)
            interval = block_quantile_interval(blocks, 0.95, limit=0.5)
            assert interval is not None
            sides.append((quantile(latencies, 0.95), interval))
        ratio = ratio_interval(*sides)
        assert ratio is not None
        apart += not ratio[0] <= 1 <= ratio[1]
    assert apart / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)


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


@pytest.mark.parametrize(("number", "beyond"), [(12, 5.293), (15, 4.362), (60, 1.192), (80, 1.0)])
def test_the_tail_begins_at_the_largest_sample_and_reaches_as_far_as_the_blocks_are_few(
    number: int, beyond: float
) -> None:
    """None of so many blocks: a share of 1 - 0.025 ** (1 / number) is not excluded; 0.05 is what matters."""
    blocks = _of(*([0.01] for _ in range(number - 1)), [0.012])
    found = block_quantile_interval(blocks, 0.95, limit=0.5, confidence=0.95)
    assert found is not None
    assert found[1] == pytest.approx(0.012 * beyond, rel=1e-3)


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
    longer = in_blocks(np.arange(4.0), np.array([10.0, 11.9, 12.0, 15.0]), 2.0)
    assert (longer.number, longer.block.tolist()) == (3, [0, 0, 1, 2])
    uneven = in_blocks(np.arange(3.0), np.array([10.3, 11.2, 11.3]), 1.0)
    assert uneven.block.tolist() == [0, 0, 1]
    none = in_blocks(np.empty(0), np.empty(0), 1.0)
    assert len(none.values) == 0
    assert (none.number, none.block.tolist(), none.above(1.0).tolist()) == (0, [], [])


# exactly, by the definitions, in plain Python


def _of(*blocks: list[float]) -> Blocks:
    """Blocks of one second each, with these samples."""
    at = [number + place / len(block) for number, block in enumerate(blocks) for place in range(len(block))]
    return in_blocks(np.array([value for block in blocks for value in block]), np.array(at), 1.0)


def _shares(*above: tuple[int, int]) -> Blocks:
    """Blocks of so many samples, of which so many are 1 s and the others 0.01 s."""
    return _of(*([1.0] * slow + [0.01] * (size - slow) for size, slow in above))


def _effective(*above: tuple[int, int]) -> float:
    """Korn and Graubard's sample size: share x (1 - share) over the variance of the ratio of the blocks."""
    count, slow = sum(size for size, _ in above), sum(some for _, some in above)
    share = slow / count
    off = [some - share * size for size, some in above]
    together = 2 * sum(one * other for one, other in itertools.pairwise(off))
    variance = (sum(each**2 for each in off) + max(0.0, together)) / count**2
    telling = max(1, sum(0 < some < size for size, some in above) - 1)
    few = stats.t.ppf(0.975, count - 1) / stats.t.ppf(0.975, telling)
    return share * (1 - share) / variance * few**2


def _clopper_pearson(share: float, size: float, confidence: float) -> tuple[float, float]:
    tail, hits = (1 - confidence) / 2, share * size
    return stats.beta.ppf(tail, hits, size - hits + 1), stats.beta.ppf(1 - tail, hits + 1, size - hits)


APART = ((100, 9), (100, 1), (100, 8), (100, 2), (100, 9), (100, 0), (100, 7), (100, 3))
TOGETHER = ((100, 9), (100, 9), (100, 7), (100, 8), (80, 1), (100, 3), (120, 1), (100, 2))
FEW_TELLING = ((100, 30), (100, 0), (100, 0), (100, 25), (100, 100), (100, 0))


@pytest.mark.parametrize("above", [APART, TOGETHER])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_the_interval_of_a_share_is_that_of_its_effective_sample_size(
    above: tuple[tuple[int, int], ...], confidence: float
) -> None:
    count = sum(size for size, _ in above)
    size, share = _effective(*above), sum(slow for _, slow in above) / count
    assert len(above) < size < count
    found = share_interval(_shares(*above), 1.0, confidence)
    assert found == pytest.approx(_clopper_pearson(share, size, confidence))


@pytest.mark.parametrize("above", [APART, TOGETHER, FEW_TELLING, ((100, 0),) * 6, ((100, 5),) * 4])
def test_a_share_of_counts_is_that_of_the_samples_counted(above: tuple[tuple[int, int], ...]) -> None:
    sizes, counted = (np.array(each, dtype=np.float64) for each in zip(*above, strict=True))
    assert counted_share_interval(counted, sizes) == share_interval(_shares(*above), 1.0)
    found = counted_share_interval(counted, sizes, 0.8)
    assert found == share_interval(_shares(*above), 1.0, 0.8)


@pytest.mark.parametrize("number", [7, 22])
def test_two_hit_rates_that_are_alike_are_told_apart_in_5_percent_of_simulations_at_most(number: int) -> None:
    random, runs = np.random.default_rng(13), 2000

    def seen() -> tuple[float, tuple[float, float]]:
        # so many of a block's lookups miss as depends on the block, and a little on the one before
        moods = random.gamma(2.0, 0.5, number + 1)
        rates = 0.05 * (0.8 * moods[1:] + 0.2 * moods[:-1])
        lookups = random.poisson(300, number)
        hits = lookups - random.binomial(lookups, np.minimum(rates, 1.0))
        return float(hits.sum() / lookups.sum()), counted_share_interval(hits, lookups)

    apart = 0
    for _ in range(runs):
        low, high = difference_interval(seen(), seen())
        apart += not low <= 0 <= high
    assert apart / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)


def test_the_effective_size_is_not_below_the_number_of_blocks() -> None:
    assert _effective(*FEW_TELLING) < 6
    expected = _clopper_pearson(155 / 600, 6, 0.95)
    assert share_interval(_shares(*FEW_TELLING), 1.0, 0.95) == pytest.approx(expected)


@pytest.mark.parametrize("above", [[(100, 5)] * 6, [(100, 5), (100, 6)] * 10])
def test_the_effective_size_is_not_above_the_number_of_samples(above: list[tuple[int, int]]) -> None:
    count, slow = sum(size for size, _ in above), sum(slow for _, slow in above)
    expected = _clopper_pearson(slow / count, count, 0.95)
    assert share_interval(_shares(*above), 1.0, 0.95) == pytest.approx(expected)


def _exponential(blocks: int, size: int, seed: int = 8) -> Blocks:
    return _of(*np.random.default_rng(seed).exponential(size=(blocks, size)).tolist())


@pytest.mark.parametrize("probability", [0.5, 0.9])
@pytest.mark.parametrize("confidence", [0.97, 0.8])
def test_a_quantile_lies_between_samples_that_are_surely_and_surely_not_exceeded(
    probability: float, confidence: float
) -> None:
    blocks = _exponential(12, 40)
    shares = {value: share_interval(blocks, value, confidence) for value in blocks.values.tolist()}
    tail = 1 - probability
    low = max(value for value, (surely, _) in shares.items() if surely > tail)
    high = min(value for value, (_, perhaps) in shares.items() if perhaps < tail)
    assert block_quantile_interval(blocks, probability, 1e9, confidence) == (low, high)


def test_without_another_confidence_it_is_97_percent() -> None:
    blocks = _exponential(12, 40)
    assert block_quantile_interval(blocks, 0.9, 1e9) == block_quantile_interval(blocks, 0.9, 1e9, 0.97)
    assert share_interval(blocks, 1.0) == share_interval(blocks, 1.0, 0.97)


@pytest.mark.parametrize("limit", [0.5, 0.6])
def test_a_limit_that_few_samples_reach_is_surely_above_the_quantile(limit: float) -> None:
    """Also where it is exactly what those few took: a value equal to the limit does not hold it."""
    blocks = _of(*([0.2] * 98 + [0.6, 0.7] for _ in range(20)))
    assert block_quantile_interval(blocks, 0.95, limit) == (0.2, 0.2)


def test_a_quantile_that_nothing_shows_to_be_reached_is_at_least_nothing() -> None:
    """Of five blocks each sample may be one of the few."""
    blocks = _of(*([float(number + 1)] for number in range(5)))
    found = block_quantile_interval(blocks, 0.05, 1e9)
    assert found is not None
    assert found[0] == 0.0


def test_five_blocks_tell_something() -> None:
    assert share_interval(_shares(*[(10, 0)] * 5), 1.0, 0.95) == pytest.approx((0.0, 1 - 0.025**0.2))


def test_one_slow_sample_of_many_is_more_than_none() -> None:
    """It counts as less than one of as many independent ones."""
    shares = ((100, 1), *[(100, 0)] * 5)
    expected = _clopper_pearson(1 / 600, max(6, _effective(*shares)), 0.95)
    found = share_interval(_shares(*shares), 1.0, 0.95)
    assert found == pytest.approx(expected)
    assert 0 < found[0] < 1 / 600 < found[1]


def test_two_blocks_that_tell_tell_as_little_as_one_degree_of_freedom() -> None:
    shares = ((5000, 1), (5000, 0), (5000, 0), (5000, 1), (5000, 0), (5000, 0))
    size = _effective(*shares)
    assert 6 < size < 30000
    assert share_interval(_shares(*shares), 1.0, 0.95) == pytest.approx(
        _clopper_pearson(2 / 30000, size, 0.95)
    )


def test_a_limit_between_samples_bounds_by_the_sample_below_it() -> None:
    blocks = _of(*([0.2] * 49 + [0.3] * 49 + [0.6, 0.7] for _ in range(20)))
    assert block_quantile_interval(blocks, 0.95, 0.5) == (0.3, 0.3)


def test_the_variance_of_a_quantile_is_that_of_simulations_and_pays_for_correlated_samples() -> None:
    random = np.random.default_rng(3)
    at = np.arange(3000) / 100

    def told_and_seen(stays: int) -> tuple[float, float]:
        """`stays`: so many samples in a row are the same."""
        told, seen = [], []
        for _ in range(60):
            values = np.exp(0.3 * np.repeat(random.normal(size=3000 // stays), stays))
            found = log_quantile_variance(in_blocks(values, at, 1.0), 0.95)
            assert found is not None
            told.append(found)
            seen.append(math.log(quantile(values, 0.95)))
        return float(np.mean(told)), float(np.var(seen))

    single, several = told_and_seen(1), told_and_seen(20)
    for told, seen in (single, several):
        assert told == pytest.approx(seen, rel=0.6)
    assert several[0] > 8 * single[0]


def test_the_variance_of_a_quantile_needs_blocks_and_values_above_zero() -> None:
    at = np.arange(400) / 100
    assert log_quantile_variance(in_blocks(np.ones(400), at, 1.0), 0.95) is None
    assert log_quantile_variance(in_blocks(np.ones(400), at, 0.5), 0.95) == 0.0
    assert log_quantile_variance(in_blocks(np.zeros(400), at, 0.5), 0.95) is None
