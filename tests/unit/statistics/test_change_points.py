"""Where a series changes, and where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from drill.statistics import change_points


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


def test_the_answer_is_the_same_each_time_and_of_the_last_points() -> None:
    values = noise(300)
    values[250:] += 4
    assert change_points(values.tolist()) == change_points(values.tolist())
    assert indexes(values.tolist()) == [250]


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        change_points([1.0, float("nan")])
