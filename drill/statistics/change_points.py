"""Where a series changed its level or spread. Flows in: values in order of time. Flows out: the indexes at
which another stretch begins.

E-divisive (Matteson and James, "A Nonparametric Approach for Multiple Change Point Analysis of Multivariate
Data", 2014): the two stretches that differ most by energy distance are told apart, if a permutation of the
same values seldom differs as much; then each part is looked at again. Nothing is assumed of the distribution.
A stretch has at least LEAST_POINTS points, and distances are taken after values were drawn in to what is
usual between neighbours, so one spike changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

LEAST_POINTS = 3
"""Of a stretch: one that is shorter is a spike."""
SIGNIFICANCE = 0.005
"""A permutation differs as much at most so often. Drawing values in makes a series that never changed be said
to have changed somewhat more often than that: see `python -m benchmarks.change_points`."""
PERMUTATIONS = 399
MOST_POINTS = 200
"""The last ones are looked at: the time grows with the square."""
SEED = 7
SPREADS = 3.0
MEDIAN_TO_DEVIATION = 1.4826
"""Of a normal distribution: its standard deviation over the median distance from its middle."""


@dataclass(frozen=True)
class ChangePoint:
    """`index`: of the first value of the new stretch; `before`, `after`: medians of the stretches on both
    sides, up to the next change; `probability`: that a permutation differs as much."""

    index: int
    before: float
    after: float
    probability: float


def change_points(values: Sequence[float], significance: float = SIGNIFICANCE) -> list[ChangePoint]:
    """In order of time; the same for the same values. Raises ValueError for a value that is not finite."""
    series = np.asarray(values, dtype=np.float64)[-MOST_POINTS:]
    if not np.all(np.isfinite(series)):
        raise ValueError("a series of finite numbers is expected")
    skipped = len(values) - len(series)
    found = sorted(_divided(_drawn_in(series), significance))
    edges = [0, *(index for index, _ in found), len(series)]
    return [
        ChangePoint(
            index + skipped,
            float(np.median(series[edges[number] : index])),
            float(np.median(series[index : edges[number + 2]])),
            probability,
        )
        for number, (index, probability) in enumerate(found)
    ]


def _drawn_in(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each value no further than SPREADS from the median of the five around it, so that one spike is none."""
    if len(series) < 2 * LEAST_POINTS:
        return series
    around = sliding_window_view(np.pad(series, 2, mode="reflect"), 5)
    middle = np.median(around, axis=1)
    spread = MEDIAN_TO_DEVIATION * float(np.median(np.abs(series - middle)))
    drawn: NDArray[np.float64] = np.clip(series, middle - SPREADS * spread, middle + SPREADS * spread)
    return drawn


def _divided(series: NDArray[np.float64], significance: float) -> Iterator[tuple[int, float]]:
    """(index, probability) of each place at which the series is divided, in no order."""
    random = np.random.default_rng(SEED)
    parts = [(0, len(series))]
    while parts:
        start, end = parts.pop()
        if end - start < 2 * LEAST_POINTS + 2:
            continue
        part = series[start:end]
        distances = np.abs(part[:, None] - part)
        index, difference = _best_division(distances)
        if difference <= 0:
            continue
        probability = _probability(distances, difference, significance, random)
        if probability <= significance:
            yield start + index, probability
            parts += [(start, start + index), (start + index, end)]


def _probability(
    distances: NDArray[np.float64], difference: float, significance: float, random: np.random.Generator
) -> float:
    """How often a permutation of the same values differs as much. Stops where it is more than `significance`
    for certain."""
    as_much, most = 0, significance * (PERMUTATIONS + 1)
    for _ in range(PERMUTATIONS):
        order = random.permutation(len(distances))
        as_much += _best_division(distances[np.ix_(order, order)])[1] >= difference
        if as_much + 1 > most:
            return 1.0
    return (as_much + 1) / (PERMUTATIONS + 1)


def _best_division(distances: NDArray[np.float64]) -> tuple[int, float]:
    """Where the values before differ most from a stretch after, and how much (scaled energy distance). The
    stretch may end before the series does, so that a change and its return are both found."""
    count = len(distances)
    sums = np.zeros((count + 1, count + 1))
    sums[1:, 1:] = distances.cumsum(axis=0).cumsum(axis=1)
    left = np.arange(LEAST_POINTS, count - LEAST_POINTS + 1)[:, None]
    end = np.arange(2 * LEAST_POINTS, count + 1)[None, :]
    enough = end - left >= LEAST_POINTS
    right = np.where(enough, end - left, LEAST_POINTS)
    within_left, both = sums[left, left], sums[left, end]
    within_right = sums[end, end] - 2 * both + within_left
    between = 2 * (both - within_left) / (left * right)
    inner = within_left / (left * (left - 1)) + within_right / (right * (right - 1))
    difference = np.where(enough, left * right / (left + right) * (between - inner), -np.inf)
    row, column = np.unravel_index(int(np.argmax(difference)), difference.shape)
    return int(left[row, 0]), float(difference[row, column])
