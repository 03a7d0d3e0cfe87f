"""A target's own noise: what simulated targets show must be found."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drill.statistics.noise import correlation_seconds, dispersion_of

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
