"""Differences of two sides: exact where that can be computed, right in simulations elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from drill.statistics import Counted, holm_levels, mean_difference, rate_difference
from drill.statistics.two_sides import EXPECTED_RUNS


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
