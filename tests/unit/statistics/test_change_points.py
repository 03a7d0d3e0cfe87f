"""Where a series changes, and where it does not."""

from __future__ import annotations

import itertools
import statistics
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from drill.statistics import ChangePoint, change_points
from drill.statistics.change_points import (
    PERMUTATIONS,
    SEED,
    _best_division,
    _divided,
    _drawn_in,
    _probability,
)


def indexes(values: list[float]) -> list[int]:
    return [found.index for found in change_points(values)]


def noise(count: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(10, 1, count)


def test_a_shift_is_found_where_it_is() -> None:
    values = noise(40)
    values[23:] += 4
    (found,) = change_points(values.tolist())
    assert abs(found.index - 23) <= 1
    assert found.before == pytest.approx(10, abs=0.7)
    assert found.after == pytest.approx(14, abs=0.7)
    assert found.probability <= 0.005


def test_a_change_and_its_return_are_two() -> None:
    values = noise(60)
    values[20:40] += 5
    first, second = indexes(values.tolist())
    assert abs(first - 20) <= 1
    assert abs(second - 40) <= 1


@pytest.mark.parametrize("seed", range(8))
def test_noise_does_not_change(seed: int) -> None:
    assert indexes(noise(50, seed).tolist()) == []


@pytest.mark.parametrize("at", [0, 1, 13, 27, 38, 39])
def test_one_spike_makes_none(at: int) -> None:
    values = noise(40)
    values[at] += 30
    assert indexes(values.tolist()) == []


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 5, [1.0] * 30, [1.0, 2.0, 3.0, 50.0]])
def test_too_few_or_all_the_same_is_no_change(values: list[float]) -> None:
    assert indexes(values) == []


def test_a_step_without_noise_is_found() -> None:
    assert indexes([1.0] * 12 + [2.0] * 12) == [12]
    assert indexes([0.001] * 12 + [0.002] * 12) == [12]


@pytest.fixture
def at_most_forty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points that are looked at: two hundred take seconds."""
    monkeypatch.setattr(sys.modules["drill.statistics.change_points"], "MOST_POINTS", 40)


@pytest.mark.usefixtures("at_most_forty")
def test_the_answer_is_the_same_each_time_and_of_the_last_points() -> None:
    values = noise(60)
    values[:15] += 9
    values[45:] += 4
    assert change_points(values.tolist()) == change_points(values.tolist())
    assert indexes(values.tolist()) == [45]


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a series of finite numbers is expected$"):
        change_points([1.0, float("nan")])


def test_both_sides_are_told_by_their_medians_up_to_the_next_change() -> None:
    values = [1.0, 1.5] * 6 + [5.0, 5.5] * 6 + [2.0, 2.5] * 6
    first, second = change_points(values)
    assert (first.index, first.before, first.after) == (12, 1.25, 5.25)
    assert (second.index, second.before, second.after) == (24, 5.25, 2.25)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [((12, 12, 12, 12), [12, 24, 36]), ((12, 12, 6), [12, 24]), ((6, 12, 12), [6, 18])],
)
def test_each_part_is_looked_at_again(lengths: Sequence[int], expected: list[int]) -> None:
    """Also one that waits while another is divided, or is too short to be."""
    levels = (0.0, 5.0, 20.0, 60.0)
    values = [level for level, count in zip(levels, lengths, strict=False) for _ in range(count)]
    assert indexes(values) == expected
    assert indexes([-each for each in reversed(values)]) == [
        len(values) - each for each in reversed(expected)
    ]


@pytest.mark.usefixtures("at_most_forty")
def test_the_last_points_are_looked_at_and_counted_from_the_first_of_all() -> None:
    (found,) = change_points([9.0] * 30 + [1.0] * 20 + [3.0] * 20)
    assert found == ChangePoint(50, 1.0, 3.0, found.probability)
    assert [each.index for each in change_points([9.0] * 12 + [1.0] * 14 + [3.0] * 14)] == [12, 26]


# exactly, by the definitions, in plain Python


def _energy(values: Sequence[float], left: int, end: int) -> float:
    """The scaled energy distance of values[:left] and values[left:end]."""
    one, other = values[:left], values[left:end]
    between = 2 * statistics.mean(abs(a - b) for a, b in itertools.product(one, other))
    inner = sum(
        statistics.mean(abs(a - b) for a, b in itertools.permutations(each, 2)) for each in (one, other)
    )
    return len(one) * len(other) / (len(one) + len(other)) * (between - inner)


@pytest.mark.parametrize("seed", range(6))
def test_the_best_division_is_the_one_that_differs_most(seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=11).tolist()
    values[6:9] = [each + seed for each in values[6:9]]
    divisions = {
        (left, end): _energy(values, left, end) for left in range(3, 9) for end in range(left + 3, 12)
    }
    (left, _), most = max(divisions.items(), key=lambda each: each[1])
    index, difference = _best_division(np.abs(np.array(values)[:, None] - np.array(values)))
    assert (index, difference) == (left, pytest.approx(most))


@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0, 5.0, 5.0, 5.0], [0.0] * 3 + [5.0] * 3 + [0.0] * 5])
def test_a_stretch_of_three_is_the_shortest(values: list[float]) -> None:
    index, difference = _best_division(np.abs(np.array(values)[:, None] - np.array(values)))
    assert (index, difference) == (3, pytest.approx(_energy(values, 3, 6)))


def _drawn(values: list[float]) -> list[float]:
    around = [values[2], values[1], *values, values[-2], values[-3]]
    middle = [statistics.median(around[place : place + 5]) for place in range(len(values))]
    reach = 3 * 1.4826 * statistics.median(abs(a - b) for a, b in zip(values, middle, strict=True))
    return [min(max(a, b - reach), b + reach) for a, b in zip(values, middle, strict=True)]


@pytest.mark.parametrize("count", [6, 7, 20])
def test_values_are_drawn_in_to_what_is_usual_between_neighbours(count: int) -> None:
    values = noise(count).tolist()
    values[0] += 40
    values[3] -= 25
    drawn = _drawn_in(np.array(values)).tolist()
    assert drawn == pytest.approx(_drawn(values))
    assert drawn != pytest.approx(values)
    few = [1.0, 50.0, 1.0, 2.0, 1.0]
    assert _drawn_in(np.array(few)).tolist() == few


def _distances(values: Sequence[float]) -> np.ndarray:
    return np.abs(np.array(values)[:, None] - np.array(values))


def test_the_probability_is_the_share_of_permutations_that_differ_as_much() -> None:
    values, random = [*noise(8).tolist(), *(noise(8, 4) + 1.5).tolist()], np.random.default_rng(5)
    difference = _best_division(_distances(values))[1]
    as_much = sum(
        _best_division(_distances([values[place] for place in random.permutation(16)]))[1] >= difference
        for _ in range(PERMUTATIONS)
    )
    assert 3 < as_much < 100
    expected = (as_much + 1) / (PERMUTATIONS + 1)
    for significance, found in ((1.0, expected), (expected + 0.001, expected), (expected - 0.001, 1.0)):
        told = _probability(_distances(values), difference, significance, np.random.default_rng(5))
        assert told == pytest.approx(found)


def test_a_probability_of_exactly_what_is_asked_for_is_told() -> None:
    random = np.random.default_rng(1)
    values = [*random.normal(0, 1, 6).tolist(), *random.normal(1.8, 1, 6).tolist()]
    difference = _best_division(_distances(values))[1]
    assert _probability(_distances(values), difference, 0.005, np.random.default_rng(5)) == 0.005


def test_a_permutation_that_differs_exactly_as_much_counts() -> None:
    same = _distances([1.0] * 8)
    assert _probability(same, 0.0, 1.0, np.random.default_rng(5)) == 1.0
    assert _probability(same, 1e-9, 1.0, np.random.default_rng(5)) == 1 / (PERMUTATIONS + 1)


def test_less_than_eight_values_are_not_divided_nor_are_equal_ones() -> None:
    step = [1.0] * 4 + [2.0] * 4
    assert [index for index, _ in _divided(np.array(step), 0.5)] == [4]
    assert list(_divided(np.array(step[1:]), 0.5)) == []
    assert list(_divided(np.array([1.0] * 20), 1.0)) == []


def test_a_division_is_as_probable_as_what_is_asked_for_at_most() -> None:
    values = np.array([*noise(8).tolist(), *(noise(8, 4) + 1.5).tolist()])
    index, difference = _best_division(_distances(values.tolist()))
    random = np.random.default_rng(SEED)
    probability = _probability(_distances(values.tolist()), difference, 1.0, random)
    assert (index, probability) in list(_divided(values, probability))
    assert list(_divided(values, probability - 1e-3)) == []
