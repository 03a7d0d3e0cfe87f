"""Averages from cumulative counters, through resets, repeats and gaps."""

from __future__ import annotations

from drill.statistics import Reading, average_rate, increase


def test_the_average_is_weighted_by_time() -> None:
    average = average_rate([Reading(0, 10), Reading(1, 11), Reading(10, 11)])
    assert (average.rise, average.seconds, average.rate) == (1, 10, 0.1)


def test_a_reset_leaves_its_stretch_out() -> None:
    average = average_rate([Reading(0, 10), Reading(2, 11), Reading(4, 0.5), Reading(6, 1.5)])
    assert (average.rise, average.seconds) == (2, 4)


def test_a_repeated_reading_adds_nothing() -> None:
    readings = [Reading(0, 10), Reading(0, 10), Reading(2, 11), Reading(2, 11)]
    assert average_rate(readings).seconds == 2
    assert average_rate([Reading(0, 10), Reading(0, 12), Reading(2, 13)]).rise == 1


def test_one_reading_measures_nothing() -> None:
    assert average_rate([Reading(0, 10)]).seconds == 0


def test_an_increase_passes_over_resets() -> None:
    assert increase([5, 8, 2, 3]) == 4
    assert increase([5]) == 0
