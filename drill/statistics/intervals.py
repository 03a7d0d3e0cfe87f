"""Quantiles by nearest rank, and the intervals of a mean, a share and a ratio. Flows in: samples. Flows out:
a value, or (low, high).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

CONFIDENCE = 0.95
Interval = tuple[float, float]


def quantile_rank(count: int, probability: float) -> int:
    """The rank (1-based) of the sample that is the `probability` quantile of `count` samples: nearest rank,
    never between two."""
    # the product may exceed a whole number by a rounding error, which must not move the rank
    return max(1, math.ceil(count * probability - 1e-9))


def quantile(samples: NDArray[np.float64], probability: float) -> float:
    """The quantile by nearest rank. `samples`: shape (n,), n >= 1, any order."""
    rank = quantile_rank(len(samples), probability)
    return float(np.partition(samples, rank - 1)[rank - 1])


def mean_interval(samples: NDArray[np.float64], confidence: float = CONFIDENCE) -> Interval | None:
    """Student's interval of a mean, for few samples. `samples`: shape (n,). None for fewer than two."""
    count = len(samples)
    if count < 2:
        return None
    mean = float(samples.mean())
    error = float(samples.std(ddof=1)) / math.sqrt(count)
    reach = float(special.stdtrit(count - 1, 1 - (1 - confidence) / 2)) * error
    return mean - reach, mean + reach


def proportion_interval(hits: float, trials: float, confidence: float = CONFIDENCE) -> Interval:
    """The interval of a share of which `hits` of `trials` were seen, by Clopper and Pearson: at least as
    wide as it must be. (0, 1) for no trial. Neither number needs to be whole."""
    tail = (1 - confidence) / 2
    low = 0.0 if hits <= 0 else float(special.betaincinv(hits, trials - hits + 1, tail))
    high = 1.0 if hits >= trials else float(special.betaincinv(hits + 1, trials - hits, 1 - tail))
    return low, high


def difference_interval(over: tuple[float, Interval], under: tuple[float, Interval]) -> Interval:
    """The interval of one value minus another, each given with its own, by Zou and Donner (2008): as right as
    both of theirs."""
    (value, (low, high)), (less, (least, most)) = over, under
    below, above = math.hypot(value - low, most - less), math.hypot(high - value, less - least)
    return value - less - below, value - less + above


def ratio_interval(over: tuple[float, Interval], under: tuple[float, Interval]) -> Interval | None:
    """The interval of one value over another, each given with its own: that of the difference of their
    logarithms. None where one of them may be 0."""
    if min(low for _, (low, _) in (over, under)) <= 0:
        return None
    above, below = (
        (math.log(value), (math.log(low), math.log(high))) for value, (low, high) in (over, under)
    )
    low, high = difference_interval(above, below)
    return math.exp(low), math.exp(high)
