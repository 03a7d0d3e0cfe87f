"""Differences of two sides: exact where that can be computed, right in simulations elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from drill.statistics import Counted, holm_levels, mean_difference, rate_difference
from drill.statistics.two_sides import EXPECTED_RUNS, MeanDifference, RateDifference


def test_a_difference_of_means_is_that_of_runs_and_none_is_improbable_only_where_it_is_large() -> None:
    baseline = np.tile([1.0, 2.0, 3.0], (4, 1))
    found = mean_difference(baseline[:1] + 0.5, baseline, 0.0, 0.1)
    assert found.estimate == pytest.approx(0.5)
    # runs that are all the same: what is expected counts as six of them
    variance = EXPECTED_RUNS * 0.01 / (EXPECTED_RUNS + 3)
    assert found.variance == pytest.approx(variance)
    error = np.sqrt(variance * (1 + 1 / 4))
    assert found.probability() == pytest.approx(stats.t.sf(0.5 / error, EXPECTED_RUNS + 3))
    low, high = found.interval(0.05, 0.05)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert mean_difference(baseline[:1], baseline, 0.0, 0.1).probability() == pytest.approx(0.5)


def test_blocks_are_asked_only_where_few_drills_tell_how_they_deviate() -> None:
    one_drill = np.zeros((3, 1))
    assert mean_difference(one_drill[:1], one_drill, 0.04, 0.0).variance == pytest.approx(0.04)
    many = np.zeros((3, 9))
    assert mean_difference(many[:1], many, 0.04, 0.0).variance == 0.0


def test_a_mean_of_more_runs_is_known_better() -> None:
    runs = np.random.default_rng(1).normal(size=(5, 4))
    found = mean_difference(runs[:1], runs[1:], 0.0, 0.1)
    assert found.longer(4, 1).error < found.error
    assert found.longer(4, 4).error == pytest.approx(found.error / 2)


def test_runs_that_do_not_differ_are_seldom_told_apart_in_simulations() -> None:
    def alarms(mood: float) -> float:
        random, found = np.random.default_rng(2), 0
        for _ in range(2000):
            moods = random.normal(size=(6, 1)) * mood
            runs = moods + random.normal(size=(6, 5)) * 0.05 + random.normal(size=5)
            found += mean_difference(runs[:1], runs[1:], 0.0, 0.03).probability() < 0.01
        return found / 2000

    assert alarms(0.03) <= 0.014
    assert alarms(0.06) <= 0.04  # runs differ by twice of what is stated


def test_what_is_worse_in_some_drills_only_is_no_noise_where_each_side_has_runs_enough() -> None:
    baseline, candidate = (np.random.default_rng(seed).normal(size=(3, 3)) * 0.1 for seed in (3, 4))
    worse = np.array([4.5, 0.0, 4.5])
    alike = mean_difference(candidate + worse.mean(), baseline, 0.0, 0.2)
    unlike = mean_difference(candidate + worse, baseline, 0.0, 0.2)
    assert unlike.estimate == pytest.approx(alike.estimate)
    assert unlike.variance == pytest.approx(alike.variance)
    # of one run each nobody knows which of the two it is
    alike = mean_difference(candidate[:1] + worse.mean(), baseline[:1], 0.0, 0.2)
    unlike = mean_difference(candidate[:1] + worse, baseline[:1], 0.0, 0.2)
    assert unlike.variance > 10 * alike.variance


def test_runs_of_few_drills_that_do_not_differ_are_seldom_told_apart_in_simulations() -> None:
    random, found = np.random.default_rng(5), 0
    for _ in range(4000):
        runs = random.normal(size=(6, 1)) * 0.03 + random.normal(size=(6, 3)) * 0.05 + random.normal(size=3)
        found += mean_difference(runs[:3], runs[3:], 0.0, 0.03).probability() < 0.01
    assert found / 4000 <= 0.014


def test_the_probability_of_a_difference_of_rates_is_that_of_the_binomial_distribution() -> None:
    found = rate_difference([Counted(12, 3000)], [Counted(3, 6000)], 1.0)
    assert found.estimate == pytest.approx(0.0035)
    exact = stats.binomtest(12, 15, 1 / 3, alternative="greater").pvalue
    assert found.probability() == pytest.approx(exact)
    assert found.interval(0.01, 0.05)[0] > 0


def test_bursts_make_a_difference_of_rates_less_certain() -> None:
    single = rate_difference([Counted(12, 3000)], [Counted(3, 6000)], 1.0)
    bursts = rate_difference([Counted(12, 3000)], [Counted(3, 6000)], 4.0)
    assert bursts.estimate == single.estimate
    assert bursts.probability() > single.probability()
    assert bursts.interval(0.01, 0.05)[0] < 0 < single.interval(0.01, 0.05)[0]


def test_runs_whose_rates_differ_more_than_bursts_tell_say_so_themselves() -> None:
    alike = [Counted(5, 3000), Counted(6, 3000), Counted(4, 3000)]
    apart = [Counted(0, 3000), Counted(15, 3000), Counted(0, 3000)]
    assert rate_difference([Counted(5, 3000)], alike, 1.0).dispersion == 1.0
    assert rate_difference([Counted(5, 3000)], apart, 1.0).dispersion > 10


def test_no_event_at_all_is_no_difference_and_its_bound_falls_with_trials() -> None:
    found = rate_difference([Counted(0, 3000)], [Counted(0, 3000)], 1.0)
    assert found.probability() == 1.0
    low, high = found.interval(0.05, 0.05)
    assert low < 0 < high
    assert found.longer(10, 1).interval(0.05, 0.05)[1] < high / 5


def test_levels_of_many_comparisons_are_holms() -> None:
    # 0.01 / 3, 0.01 / 2, and then the one that did not reach its level keeps all after it
    assert holm_levels([0.001, 0.2, 0.004], 0.01) == pytest.approx([0.01 / 3, 0.01, 0.005])
    assert holm_levels([0.006, 0.2, 0.004], 0.01) == pytest.approx([0.01 / 3] * 3)
    assert holm_levels([], 0.01) == []


# exact, by formulas written anew with scipy's distributions


def _clopper_pearson(events: float, trials: float, level: float) -> tuple[float, float]:
    low = stats.beta.ppf(level, events, trials - events + 1) if events > 0 else 0.0
    high = stats.beta.ppf(1 - level, events + 1, trials - events) if events < trials else 1.0
    return float(low), float(high)


@pytest.mark.parametrize(
    ("candidate", "baseline", "dispersion"),
    [
        (Counted(12, 3000), Counted(3, 6000), 1.0),
        (Counted(12, 3000), Counted(3, 6000), 4.0),
        (Counted(1, 500), Counted(7, 900), 1.0),
        (Counted(0, 500), Counted(7, 900), 1.0),
        (Counted(500, 500), Counted(890, 900), 2.0),
        (Counted(1, 2), Counted(1, 3), 2.0),
    ],
)
def test_the_interval_of_a_difference_of_rates_is_made_of_two_exact_ones(
    candidate: Counted, baseline: Counted, dispersion: float
) -> None:
    found = RateDifference(candidate, baseline, dispersion)
    rates = [side.events / side.trials for side in (candidate, baseline)]

    def ends(level: float) -> list[tuple[float, float]]:
        return [
            _clopper_pearson(side.events / dispersion, max(1.0, side.trials / dispersion), level)
            for side in (candidate, baseline)
        ]

    low, high = ends(0.01), ends(0.2)
    below = np.hypot(rates[0] - low[0][0], low[1][1] - rates[1])
    above = np.hypot(high[0][1] - rates[0], rates[1] - high[1][0])
    assert found.interval(0.01, 0.2) == pytest.approx(
        (rates[0] - rates[1] - below, rates[0] - rates[1] + above)
    )


def test_of_one_event_at_the_candidates_in_bursts_the_probability_is_the_binomials_too() -> None:
    assert RateDifference(Counted(1, 100), Counted(0, 300), 1.0).probability() == pytest.approx(0.25)
    bursts = RateDifference(Counted(4, 100), Counted(6, 300), 2.0)
    assert bursts.probability() == pytest.approx(stats.binom.sf(1, 5, 0.25))


def test_more_trials_of_either_side_are_counted_there() -> None:
    longer = RateDifference(Counted(2, 10), Counted(3, 20), 1.0).longer(2, 3)
    assert (longer.candidate, longer.baseline, longer.dispersion) == (Counted(4, 20), Counted(9, 60), 1.0)


@pytest.mark.parametrize(
    ("candidate", "baseline", "expected"),
    [
        # one side alone tells: two of the baseline's three runs, weighted by their trials
        ([(5, 1000)], [(0, 1000), (30, 1000), (30, 2000)], None),
        # two sides of two runs each tell together
        ([(0, 1000), (30, 1000)], [(10, 1000), (50, 1000)], None),
        # two runs of one side are too few
        ([(5, 1000)], [(0, 1000), (60, 1000)], 1.0),
        # sides without an event, and of nothing else, tell nothing
        ([(0, 1000), (0, 1000), (0, 1000)], [(0, 1000), (60, 1000)], 1.0),
        ([(9, 9), (9, 9), (9, 9)], [(0, 1000), (60, 1000)], 1.0),
    ],
)
def test_how_much_runs_of_a_side_differ_is_pearsons_dispersion(
    candidate: list[tuple[int, int]], baseline: list[tuple[int, int]], expected: float | None
) -> None:
    sides = [[Counted(*each) for each in side] for side in (candidate, baseline)]
    if expected is None:
        squares, freedom = 0.0, 0
        for side in sides:
            if len(side) > 1:
                events, trials = np.array(side).T
                rate = events.sum() / trials.sum()
                squares += (((events - rate * trials) ** 2) / (rate * (1 - rate) * trials)).sum()
                freedom += len(side) - 1
        expected = squares / freedom
    assert rate_difference(sides[0], sides[1], 0.5).dispersion == pytest.approx(max(1.0, expected))


def test_the_interval_of_a_difference_of_means_is_students() -> None:
    found = MeanDifference(0.5, 0.04, 7.0, 2, 8)
    error = 0.2 * np.sqrt(1 / 2 + 1 / 8)
    expected = (
        0.5 - stats.t.ppf(0.99, 7) * error,
        0.5 + stats.t.ppf(0.8, 7) * error,
    )
    assert found.interval(0.01, 0.2) == pytest.approx(expected)
    assert found.probability() == pytest.approx(stats.t.sf(0.5 / error, 7))


@pytest.mark.parametrize(("estimate", "probability"), [(0.5, 0.0), (0.0, 1.0), (-0.5, 1.0)])
def test_without_any_error_a_difference_is_certain(estimate: float, probability: float) -> None:
    assert MeanDifference(estimate, 0.0, 7.0, 1, 4).probability() == probability


@pytest.mark.parametrize(
    ("runs", "drills", "asked"),
    [(5, 3, False), (3, 5, False), (4, 3, True), (3, 4, True), (2, 2, True), (2, 9, False), (9, 2, False)],
)
def test_the_variance_of_a_run_is_that_of_its_drills_and_of_blocks_where_those_are_few(
    runs: int, drills: int, *, asked: bool
) -> None:
    seen = np.random.default_rng(runs * 10 + drills).normal(size=(runs, drills))
    rest = seen - seen.mean(axis=0) - seen.mean(axis=1, keepdims=True) + seen.mean()
    deviation = (rest**2).sum() / ((runs - 1) * (drills - 1)) / drills
    within = deviation * 10 if asked else 1e6
    expected = (within if asked else deviation) + 0.1**2
    means = seen[1:].mean(axis=1)
    squares = ((means - means.mean()) ** 2).sum()
    variance = (EXPECTED_RUNS * expected + squares) / (EXPECTED_RUNS + runs - 2)
    found = mean_difference(seen[:1], seen[1:], within, 0.1)
    assert found.variance == pytest.approx(max(variance, expected - 0.1**2))
    assert (found.freedom, found.candidate, found.baseline) == (EXPECTED_RUNS + runs - 2, 1, runs - 1)
    assert found.longer(2, 3) == MeanDifference(
        found.estimate, found.variance, found.freedom, 2, 3 * runs - 3
    )


def test_a_level_that_is_reached_exactly_is_kept() -> None:
    assert holm_levels([0.005, 0.009], 0.01) == [0.005, 0.01]
