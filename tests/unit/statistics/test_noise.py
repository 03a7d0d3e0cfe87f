"""A target's own noise: what simulated targets show must be found."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from drill.statistics.noise import (
    RESAMPLES,
    SEED,
    Dispersion,
    _lag_of,
    _ranks,
    correlation_seconds,
    dispersion_of,
)

RATE = 150.0
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


def moments(seconds: float) -> Numbers:
    return np.arange(int(seconds * RATE)) / RATE


def in_bursts(random: np.random.Generator, count: int, rate: float, burst: int) -> Flags:
    """Failures at `rate` of all requests, always `burst` in a row."""
    failed = np.zeros(count, np.bool_)
    for start in np.flatnonzero(random.random(count) < rate / burst):
        failed[start : start + burst] = True
    return failed


@pytest.mark.parametrize(("burst", "least_right"), [(1, 0.95), (2, 0.9), (4, 0.9)])
def test_the_upper_bound_is_not_below_the_truth(burst: int, least_right: float) -> None:
    """Three minutes at 1 % of failures, 200 times."""
    random, at = np.random.default_rng(1), moments(180)
    found = [dispersion_of(in_bursts(random, len(at), 0.01, burst), at) for _ in range(200)]
    truth = burst * (1 - 0.01)
    assert np.mean([each.upper >= truth for each in found]) >= least_right
    assert np.mean([each.estimate for each in found]) == pytest.approx(burst, rel=0.1)
    assert np.mean([each.upper for each in found]) < 1.6 * burst, "conservative, and still of use"


def test_few_failures_in_one_burst_are_seen_as_one() -> None:
    at = moments(60)
    failed = np.zeros(len(at), np.bool_)
    failed[1000:1004] = True
    assert dispersion_of(failed, at).estimate == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("failures", [0, 1])
def test_none_or_one_failure_shows_no_burst_and_says_so(failures: int) -> None:
    at = moments(60)
    failed = np.zeros(len(at), np.bool_)
    failed[:failures] = True
    found = dispersion_of(failed, at)
    assert (found.estimate, found.upper, found.failures, found.requests) == (1.0, 1.0, failures, 9000)
    assert found.told == f"{failures} failures in 9000 requests: no burst was seen, they are taken as single"


def test_the_same_requests_give_the_same_answer_in_any_order() -> None:
    random, at = np.random.default_rng(2), moments(60)
    failed = in_bursts(random, len(at), 0.01, 4)
    order = random.permutation(len(at))
    assert dispersion_of(failed[order], at[order]) == dispersion_of(failed, at)


def test_all_failed_is_no_burst() -> None:
    at = moments(60)
    assert dispersion_of(np.ones(len(at), np.bool_), at).estimate == 1.0


# exactly, in few blocks


def in_blocks(blocks: list[tuple[int, int]], seconds: float = 1.0) -> tuple[Flags, Numbers]:
    """Requests of consecutive blocks, given as (requests, failures) of each, from moment 1000.25 on."""
    at = [
        1000.25 + seconds * (number + place / size)
        for number, (size, _) in enumerate(blocks)
        for place in range(size)
    ]
    failed = [place < failures for size, failures in blocks for place in range(size)]
    return np.array(failed, np.bool_), np.array(at)


def pearson(counts: Numbers, sizes: Numbers) -> float:
    """Chi-square of failed and served requests that should be in proportion to sizes, over its degrees of
    freedom."""
    share = counts.sum() / sizes.sum()
    if share in (0, 1):
        return 1.0
    failed = (counts - share * sizes) ** 2 / (share * sizes)
    served = (sizes - counts - (1 - share) * sizes) ** 2 / ((1 - share) * sizes)
    return float((failed + served).sum()) / (len(counts) - 1)


# a block of one request, and one in which nothing was asked
UNEQUAL = [(10, 4), (12, 0), (0, 0), (1, 0), (8, 0), (20, 1)]
HEAVY = [(40, 30), (40, 1), (40, 1), (40, 0), (40, 1), (40, 0), (40, 1), (40, 1)]


@pytest.mark.parametrize("blocks", [UNEQUAL, HEAVY, [(10, 2), (10, 0)]])
@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_dispersion_is_pearsons_and_its_upper_bound_the_larger_of_two(
    blocks: list[tuple[int, int]], seconds: float
) -> None:
    found = dispersion_of(*in_blocks(blocks, seconds), block_seconds=seconds)
    sizes, counts = np.array([block for block in blocks if block[0]], np.float64).T
    estimate, freedom = pearson(counts, sizes), len(sizes) - 1
    assert found.estimate == pytest.approx(estimate)
    rows = np.random.default_rng(SEED).integers(0, len(sizes), (RESAMPLES, len(sizes)))
    resampled = float(np.quantile([pearson(counts[row], sizes[row]) for row in rows], 0.95))
    told = estimate * freedom / stats.chi2.ppf(0.05, freedom)
    assert found.upper == pytest.approx(max(told, resampled))
    assert dispersion_of(*in_blocks(blocks, seconds), block_seconds=seconds) == found
    assert (found.failures, found.requests) == (counts.sum(), sizes.sum())


def test_either_bound_may_be_the_larger_one() -> None:
    many = [(40, 20)] + [(40, 1)] * 200
    found = dispersion_of(*in_blocks(many))
    assert found.upper > 1.5 * found.estimate * 200 / stats.chi2.ppf(0.05, 200), "the bootstrap's"
    few = dispersion_of(*in_blocks(UNEQUAL))
    assert few.upper == pytest.approx(few.estimate * 4 / stats.chi2.ppf(0.05, 4)), "of chi-square"


def test_failures_that_are_spread_evenly_have_a_dispersion_of_one_and_not_less() -> None:
    found = dispersion_of(*in_blocks([(10, 1)] * 30))
    assert (found.estimate, found.upper) == (1.0, 1.0)


def test_within_one_block_a_burst_may_be_all_that_was_seen() -> None:
    failed, at = in_blocks([(20, 5)])
    assert dispersion_of(failed, at) == Dispersion(1.0, 5.0, 5, 20)


def test_the_dispersion_is_told_with_what_it_was_seen_in() -> None:
    assert Dispersion(2.04, 3.16, 12, 900).told == "12 failures in 900 requests: 2.0, at most 3.2"
    assert Dispersion(1.0, 1.0, 2, 900).told == "2 failures in 900 requests: 1.0, at most 1.0"


def correlated(random: np.random.Generator, seconds: float, lasting: float) -> Numbers:
    """Latencies around 20 ms with a common part that is drawn anew every `lasting` seconds."""
    at = moments(seconds)
    level = np.exp(random.normal(size=int(seconds / lasting) + 2))
    return 0.02 * level[(at / lasting).astype(int)] * np.exp(0.3 * random.normal(size=len(at)))


@pytest.mark.parametrize(("lasting", "low", "high"), [(0.7, 0.4, 1.2), (2.0, 1.2, 3.5), (0.3, 0.2, 0.6)])
def test_latencies_that_depend_on_each_other_do_so_for_about_as_long(
    lasting: float, low: float, high: float
) -> None:
    random = np.random.default_rng(3)
    found = [correlation_seconds(correlated(random, 120, lasting), moments(120)) for _ in range(50)]
    assert low <= np.median(found) <= high
    assert np.mean([low <= each <= high for each in found]) >= 0.9


def test_independent_latencies_do_not_depend_on_each_other() -> None:
    random, at = np.random.default_rng(4), moments(120)
    found = [correlation_seconds(random.exponential(0.02, len(at)), at) for _ in range(50)]
    assert np.mean([each == 0.0 for each in found]) >= 0.95


def test_a_pause_that_few_feel_is_seen_in_the_slow_ones() -> None:
    """Half a second, every ten, in which every third request is slow: the means hardly move."""
    random, at = np.random.default_rng(5), moments(120)
    latency = random.exponential(0.02, len(at))
    paused = (at % 10 < 0.5) & (random.random(len(at)) < 0.33)
    latency[paused] = 0.4
    assert 0.2 <= correlation_seconds(latency, at) <= 0.8


def test_too_little_time_tells_nothing() -> None:
    assert correlation_seconds(np.empty(0), np.empty(0)) == 0.0
    assert correlation_seconds(np.ones(300), moments(2)) == 0.0


def test_one_and_the_same_latency_depends_on_nothing() -> None:
    assert correlation_seconds(np.full(9000, 0.02), moments(60)) == 0.0


def test_latencies_that_are_equal_are_no_slower_the_later_they_come() -> None:
    """Their order of ranks was that of time: 15 s of correlation in a minute of one and the same latency."""
    at = np.arange(600) / 10
    assert correlation_seconds(np.full(600, 0.02), at) == 0.0
    two_levels = np.random.default_rng(6).choice([0.02, 0.03], 600)
    assert correlation_seconds(two_levels, at) == 0.0


# exactly, with one request in each 100 ms


def by_bin(latency: Numbers) -> float:
    """The correlation of latencies of which one lies in each 100 ms; NaN: none does."""
    at = 1000.0 + np.arange(len(latency)) / 10
    at[1:] += 0.05
    there = ~np.isnan(latency)
    return correlation_seconds(latency[there], at[there])


def independent(count: int, seed: int = 0) -> Numbers:
    """Different latencies in an order of no meaning."""
    return (1 + np.random.default_rng(seed).permutation(count)) / 1000


@pytest.mark.parametrize(("bins", "seconds"), [(1, 0.0), (2, 0.2), (3, 0.3)])
def test_levels_that_last_for_some_bins_are_told_to_a_bin(bins: int, seconds: float) -> None:
    """Of the means of runs, n apart, a share of 1 - n / length is equal."""
    assert by_bin(np.repeat(independent(400), bins)) == pytest.approx(seconds)


def test_what_repeats_after_a_pause_depends_until_then() -> None:
    """Each latency is partly that of two bins before, and has nothing of the one before."""
    new = independent(602)
    assert by_bin(new[2:] + new[:-2]) == pytest.approx(0.3)


def test_what_lasts_longer_than_a_quarter_of_the_time_is_told_as_that() -> None:
    assert by_bin(np.linspace(0.01, 0.02, 103)) == pytest.approx(2.5)


def test_fifty_bins_suffice() -> None:
    levels = np.repeat(independent(10), 5)
    assert by_bin(levels) > 0
    assert by_bin(levels[:49]) == 0.0


def test_a_time_in_which_nothing_was_asked_is_neither_fast_nor_slow() -> None:
    gap = independent(200)
    gap[50:90] = np.nan
    assert by_bin(gap) == 0.0
    levels = np.repeat(independent(100), 3)
    levels[50:90] = np.nan
    assert by_bin(levels) == pytest.approx(0.3)


def test_more_requests_are_no_slower_ones() -> None:
    """A third of the time has ten times as many requests."""
    sizes = np.repeat([2, 20], [200, 100])
    at = np.repeat(np.arange(300) / 10 + 0.05, sizes)
    assert correlation_seconds(np.random.default_rng(1).exponential(0.02, len(at)), at) == 0.0


def test_a_small_shift_of_most_requests_is_seen_although_the_slow_ones_do_not_depend() -> None:
    random = np.random.default_rng(2)
    latency = np.repeat(random.choice([0.010, 0.012], 100), 5) + random.uniform(0, 0.0001, 500)
    latency[random.random(500) < 0.15] += random.uniform(0.3, 0.4)
    assert 0.2 <= by_bin(latency) <= 0.5


def test_a_short_pause_is_seen_in_the_slow_ones_in_five_seconds_too() -> None:
    random = np.random.default_rng(3)
    at = np.arange(600) / 100
    latency = random.exponential(0.02, len(at))
    latency[(at >= 2) & (at < 2.5) & (np.arange(600) % 3 == 0)] = 0.4
    assert correlation_seconds(latency, at) > 0


def test_a_correlation_of_little_variance_counts_as_well() -> None:
    assert _lag_of(np.array([0.0] * 25 + [0.5, 0.5] + [0.0] * 25)) == 2
    assert _lag_of(np.array([0.5] * 50)) == 0


def test_the_rank_of_equal_values_is_the_mean_of_their_ranks_and_a_nanosecond_is_no_difference() -> None:
    assert _ranks(np.array([0.3, 0.2, 0.1, 0.2 + 4e-10])).tolist() == [3.5, 2.0, 0.5, 2.0]
    assert _ranks(np.array([0.2 + 2e-9, 0.2])).tolist() == [1.5, 0.5]
