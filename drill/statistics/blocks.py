"""Quantiles of samples that depend on each other. Flows in: samples and the block of time each lies in. Flows
out: an interval of the share above a value, and of a quantile.

Latencies are correlated: a thousand requests within one slow second are one observation, not a thousand. Time
is cut into blocks longer than the correlation. The share of samples above a value carries the exact
(Clopper-Pearson) interval of its *effective* sample size (Korn and Graubard): share x (1 - share) over the
variance of the mean of blocks, corrected for how few blocks told that variance; the number of blocks where
they tell none.

Where even the largest sample leaves the share above it unbounded by the quantile's tail, the tail beyond is
taken to be no heavier than 1 / value (a Pareto tail of index 1, whose mean is infinite): a share of 10 %
above 60 ms is then at most 5 % above 120 ms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from drill.statistics.intervals import Interval, proportion_interval

CONFIDENCE = 0.97
"""Aimed at, so that 95 % are reached where correlated samples make the variance seem too small."""
LEAST_BLOCKS = 5
RESAMPLES, SEED = 100, 11
TOP_SHARES = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04)
Counts = NDArray[np.int64] | NDArray[np.float64]


class Blocks(NamedTuple):
    """Samples in blocks of time. `values`: shape (n,), n >= 1; `block`: int64, shape (n,), the block of each,
    all of 0 ... number - 1, each of which has one at least."""

    values: NDArray[np.float64]
    block: NDArray[np.int64]
    number: int

    def above(self, value: float) -> NDArray[np.int64]:
        """How many samples of each block are `value` or more, shape (number,)."""
        return np.bincount(self.block[self.values >= value], minlength=self.number)


def in_blocks(values: NDArray[np.float64], at: NDArray[np.float64], seconds: float) -> Blocks:
    """Cut samples taken `at` moments (seconds, shape (n,)) into blocks of `seconds`, counted from the first;
    moments that nobody sampled make no block."""
    if len(at) == 0:
        return Blocks(values, np.empty(0, np.int64), 0)
    number = np.floor((at - at.min()) / seconds + 1e-9).astype(np.int64)
    present, block = np.unique(number, return_inverse=True)
    return Blocks(values, block.astype(np.int64), len(present))


def share_interval(blocks: Blocks, value: float, confidence: float = CONFIDENCE) -> Interval:
    """Two-sided interval of the share of samples that are `value` or more. Fewer than LEAST_BLOCKS blocks:
    (0, 1).
    """
    sizes = np.bincount(blocks.block, minlength=blocks.number)
    return counted_share_interval(blocks.above(value), sizes, confidence)


def counted_share_interval(counted: Counts, sizes: Counts, confidence: float = CONFIDENCE) -> Interval:
    """The same of samples that were only counted: of the `sizes` of blocks, none 0, so many are it. Both of
    shape (number,)."""
    if len(sizes) < LEAST_BLOCKS:
        return 0.0, 1.0
    share = float(counted.sum()) / float(sizes.sum())
    size = _effective(counted, sizes, share)
    return proportion_interval(share * size, size, confidence)


def block_quantile_interval(
    blocks: Blocks, probability: float, limit: float, confidence: float = CONFIDENCE
) -> Interval | None:
    """Two-sided interval of the `probability` quantile; None with fewer than LEAST_BLOCKS blocks. `limit` is
    looked at besides the samples, for it may lie where there are none."""
    if blocks.number < LEAST_BLOCKS:
        return None
    tail = 1 - probability
    ordered = np.sort(blocks.values)
    last = len(ordered)

    def surely_reached(value: float) -> bool:
        return share_interval(blocks, value, confidence)[0] > tail

    def maybe_reached(value: float) -> bool:
        return share_interval(blocks, value, confidence)[1] >= tail

    reached = _first_not(ordered, surely_reached)
    low = float(ordered[reached - 1]) if reached else 0.0
    unreached = _first_not(ordered, maybe_reached)
    high = float(ordered[unreached]) if unreached < last else math.inf
    if limit <= high and not maybe_reached(limit):
        # a limit below all samples would surely be reached
        high = float(ordered[int(np.searchsorted(ordered, limit)) - 1])
    for share in TOP_SHARES:
        value = float(ordered[last - 1 - math.floor(share * (last - 1))])
        high = high if maybe_reached(value) else min(high, value)
    beyond = math.nextafter(float(ordered[-1]), math.inf)
    high = min(high, beyond * max(1.0, share_interval(blocks, beyond, confidence)[1] / tail))
    return min(low, high), high


def log_quantile_variance(blocks: Blocks, probability: float) -> float | None:
    """The variance of the logarithm of the `probability` quantile, by drawing blocks anew (bootstrap); None
    with fewer than LEAST_BLOCKS blocks, or where it is not above 0. It says how one quantile varies from time
    to time; a bound on a quantile is what `block_quantile_interval` gives."""
    if blocks.number < LEAST_BLOCKS:
        return None
    order = np.argsort(blocks.values, kind="stable")
    values, block = blocks.values[order], blocks.block[order]
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(blocks.number, np.full(blocks.number, 1 / blocks.number), RESAMPLES)
    reached = np.cumsum(drawn[:, block], axis=1)
    at = np.argmax(reached >= probability * reached[:, -1:], axis=1)
    if values[at].min() <= 0:
        return None
    return float(np.log(values[at]).var(ddof=1))


def _first_not(ordered: NDArray[np.float64], holds: Callable[[float], bool]) -> int:
    """The index of the first value for which `holds` is false, given that it is true up to some value and
    false from there on; the number of values where it is true for all."""
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        if holds(float(ordered[middle])):
            low = middle + 1
        else:
            high = middle
    return low


def _effective(counted: Counts, sizes: Counts, share: float) -> float:
    """How many independent samples would tell the share as well as these do."""
    number, samples = float(len(sizes)), float(sizes.sum())
    if not 0 < share < 1:
        return number
    # the ratio estimator of survey sampling: blocks may differ in size
    residual = counted - share * sizes
    squares = float((residual**2).sum()) + max(0.0, 2 * float((residual[1:] * residual[:-1]).sum()))
    if squares <= 0:
        return samples
    independent = share * (1 - share) * samples**2 / squares
    telling = max(1, int(np.minimum(counted, sizes - counted).astype(bool).sum()) - 1)
    few = (special.stdtrit(samples - 1, 0.975) / special.stdtrit(telling, 0.975)) ** 2
    return float(min(samples, max(number, independent * few)))
