"""Confidence intervals. Flows in: samples or counts. Flows out: (low, high), or None where too few samples
bound nothing.

Means: two-sided, so that both ends together are right in 95 % of cases. Rates that are looked at once: each
end is a statement of its own ("the rate is below high", "the rate is above low"), so each is one-sided at 95
%.
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


def rate_interval(events: int, count: int, confidence: float = CONFIDENCE) -> Interval:
    """The exact (Clopper-Pearson) bounds of a rate from `events` in `count` trials, each one-sided at
    `confidence`.

    No trial: (0, 1). For the two-sided interval at 95 % ask for 0.975.
    """
    if count == 0:
        return 0.0, 1.0
    tail = 1 - confidence
    low = 0.0 if events == 0 else float(special.betaincinv(events, count - events + 1, tail))
    high = 1.0 if events == count else float(special.betaincinv(events + 1, count - events, confidence))
    return low, high


def mean_interval(samples: NDArray[np.float64], confidence: float = CONFIDENCE) -> Interval | None:
    """Student's interval of a mean, for few samples. `samples`: shape (n,). None for fewer than two."""
    count = len(samples)
    if count < 2:
        return None
    mean = float(samples.mean())
    error = float(samples.std(ddof=1)) / math.sqrt(count)
    reach = float(special.stdtrit(count - 1, 1 - (1 - confidence) / 2)) * error
    return mean - reach, mean + reach
