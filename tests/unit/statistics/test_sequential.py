"""Bounds of a rate that is looked at after every trial: their error over all looks, computed exactly and
simulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from drill.statistics import hold, lower_expected, rate_bounds, trials_needed, upper_expected

EVENTS = 300
LIMIT = 0.001


def _crossing(
    bounds: list[float], crosses: Callable[[np.ndarray, int], np.ndarray], rate: float = 1.0
) -> float:
    """The chance that a Poisson process of `rate` crosses a bound at any of these moments. `crosses`: which
    counts do, by the bound's number."""
    chance = np.zeros(4 * len(bounds) + 100)
    chance[0], moment, crossed = 1.0, 0.0, 0.0
    counts = np.arange(len(chance))
    for number, bound in enumerate(bounds):
        step = stats.poisson.pmf(counts, rate * (bound - moment))
        chance, moment = np.convolve(chance, step)[: len(chance)], bound
        gone = crosses(counts, number)
        crossed += float(chance[gone].sum())
        chance[gone] = 0.0
    return crossed


def test_a_rate_at_the_limit_is_called_lower_in_less_than_5_percent_of_cases_at_any_look() -> None:
    bounds = [upper_expected(events) for events in range(EVENTS)]
    assert 0.04 < _crossing(bounds, lambda counts, number: counts <= number) < 0.05


def test_a_rate_at_the_limit_is_called_not_lower_in_less_than_5_percent_of_cases_at_any_look() -> None:
    bounds = [lower_expected(events) for events in range(1, EVENTS)]
    assert 0.02 < _crossing(bounds, lambda counts, number: counts >= number + 1) < 0.05


def test_a_rate_at_half_the_limit_is_hardly_ever_called_not_lower() -> None:
    bounds = [lower_expected(events) for events in range(1, EVENTS)]
    assert _crossing(bounds, lambda counts, number: counts >= number + 1, rate=0.5) < 0.02


def test_a_rate_of_three_tenths_of_the_limit_passes_in_80_percent_of_cases_within_15_expected_events() -> (
    None
):
    bounds = [bound for bound in map(upper_expected, range(EVENTS)) if bound <= 14.5]
    assert _crossing(bounds, lambda counts, number: counts <= number, rate=0.3) > 0.80


def test_both_bounds_rise_with_the_events() -> None:
    upper = [upper_expected(events) for events in range(EVENTS)]
    lower = [lower_expected(events) for events in range(EVENTS)]
    assert upper == sorted(upper)
    assert lower == sorted(lower)
    assert all(
        low < events < high for events, (low, high) in enumerate(zip(lower[1:], upper[1:], strict=True), 1)
    )


@pytest.mark.parametrize(("count", "outcome"), [(3290, "inconclusive"), (3291, "pass")])
def test_so_many_trials_without_an_event_show_a_rate(count: int, outcome: str) -> None:
    assert hold(rate_bounds(0, count), LIMIT) == outcome
    assert trials_needed(LIMIT) == 3291
    assert trials_needed(LIMIT, 4.0) == 13161
    assert trials_needed(LIMIT, 0.5) == 3291


def test_bounds_are_those_of_the_expected_events_over_the_trials() -> None:
    assert rate_bounds(5, 10_000) == pytest.approx((lower_expected(5) / 10_000, upper_expected(5) / 10_000))
    assert lower_expected(0) == 0.0
    assert lower_expected(1) == pytest.approx(-math.log(1 - 0.012))
    assert stats.poisson.cdf(5, upper_expected(5)) == pytest.approx(0.004)
    assert stats.poisson.cdf(20, upper_expected(20)) == pytest.approx(0.004 / (1 + math.log(20 / 6)) ** 3)


def test_dispersion_divides_what_was_seen_and_what_was_to_be_expected() -> None:
    low, high = rate_bounds(8, 10_000, dispersion=4.0)
    assert (low, high) == pytest.approx((lower_expected(2) * 4 / 10_000, upper_expected(2) * 4 / 10_000))
    # nine failures are at least two bursts of four, and at most three
    assert rate_bounds(9, 10_000, dispersion=4.0)[0] == low
    assert rate_bounds(9, 10_000, dispersion=4.0)[1] == pytest.approx(upper_expected(3) * 4 / 10_000)
    assert rate_bounds(8, 10_000, dispersion=0.1) == rate_bounds(8, 10_000)


def test_no_trial_says_nothing_and_no_bound_leaves_the_unit_interval() -> None:
    assert rate_bounds(0, 0) == (0.0, 1.0)
    assert rate_bounds(0, 2) == (0.0, 1.0)
    assert rate_bounds(1, 1) == (pytest.approx(0.012, abs=1e-4), 1.0)
    assert rate_bounds(1000, 1000)[1] == 1.0
    assert rate_bounds(1000, 1000)[0] > 0.8


def test_looking_after_every_trial_is_wrong_in_less_than_5_percent_of_simulations() -> None:
    random, wrong, runs, longest = np.random.default_rng(11), 0, 2000, 15_000
    for _ in range(runs):
        events = np.sort(random.integers(1, longest + 1, random.binomial(longest, LIMIT)))
        # a pass is possible only just before an event, or at the end
        looks = np.concatenate([events - 1, [longest]])
        wrong += any(
            hold(rate_bounds(index, int(look)), LIMIT) == "pass"
            for index, look in enumerate(looks)
            if look > 3290
        )
    assert wrong <= 0.05 * runs


@pytest.mark.parametrize("events", [1, 2, 10, 200])
def test_the_levels_fall_with_the_number_of_events(events: int) -> None:
    fails = 0.012 / (1 + math.log(events)) ** 1.5
    assert lower_expected(events) == pytest.approx(stats.gamma.ppf(fails, events))
    passes = 0.004 / (1 + math.log(max(1.0, events / 6))) ** 3
    assert upper_expected(events) == pytest.approx(stats.gamma.isf(passes, events + 1))
