"""A target's own noise, out of requests of a time in which nothing was done to it: do its failures come in
bursts, and how long do its latencies depend on each other? Pure; arrays in any order of time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

CONFIDENCE = 0.95
BLOCK_SECONDS = 1.0
FEW_FAILURES = 2
"""Fewer failures than this show no burst."""
RESAMPLES, SEED = 1000, 6
BIN_SECONDS = 0.1
DEPENDS = 0.2
"""Latencies depend on each other as long as their autocorrelation is this or more."""
LEAST_BINS = 50
LONGEST_SHARE = 0.25
"""Of the time watched: a correlation that lasts longer than this cannot be told in it."""
TAIL = 0.9
"""Slow are those above this quantile."""


class Dispersion(NamedTuple):
    """Variance of failures in a second over that of independent ones. `estimate` is the best guess, `upper`
    is not below the truth in 95 % of cases; both are 1 at least, and exactly 1 where `failures` are too few
    to show a burst."""

    estimate: float
    upper: float
    failures: int
    requests: int

    @property
    def told(self) -> str:
        """How it was come by, for people."""
        seen = f"{self.failures} failures in {self.requests} requests"
        if self.failures < FEW_FAILURES:
            return f"{seen}: no burst was seen, they are taken as single"
        return f"{seen}: {self.estimate:.1f}, at most {self.upper:.1f}"


def dispersion_of(
    failed: NDArray[np.bool_], at: NDArray[np.float64], block_seconds: float = BLOCK_SECONDS
) -> Dispersion:
    """`failed`, `at` (when planned, seconds): shape (n,). Blocks must be longer than a burst lasts.

    The upper bound is the larger of two: that of counts which vary as a multiple of independent ones do
    (chi-square), and the bootstrap's, which knows that bursts are few and large."""
    failures, requests = int(failed.sum()), len(failed)
    if failures < FEW_FAILURES:
        return Dispersion(1.0, 1.0, failures, requests)
    block = np.floor((at - at.min()) / block_seconds).astype(np.int64)
    sizes = np.bincount(block).astype(np.float64)
    counts = np.bincount(block[failed], minlength=len(sizes)).astype(np.float64)
    counts, sizes = counts[sizes > 0], sizes[sizes > 0]
    if len(counts) < 2:
        return Dispersion(1.0, float(failures), failures, requests)
    estimate = _dispersion(counts[None, :], sizes[None, :])[0]
    freedom = len(counts) - 1
    by_chi_square = estimate * freedom / float(special.chdtri(freedom, CONFIDENCE))
    picked = np.random.default_rng(SEED).integers(0, len(counts), (RESAMPLES, len(counts)))
    by_bootstrap = float(np.quantile(_dispersion(counts[picked], sizes[picked]), CONFIDENCE))
    return Dispersion(max(1.0, float(estimate)), max(1.0, by_chi_square, by_bootstrap), failures, requests)


def _dispersion(counts: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's: mean square of (count - expected) over the binomial variance. Shapes (m, blocks) to (m,); 0
    where nothing failed, or all."""
    rate = counts.sum(axis=1, keepdims=True) / sizes.sum(axis=1, keepdims=True)
    expected = rate * sizes
    spread = np.maximum(expected * (1 - rate), 1e-12)
    found: NDArray[np.float64] = ((counts - expected) ** 2 / spread).sum(axis=1) / (counts.shape[1] - 1)
    return found


def correlation_seconds(latency: NDArray[np.float64], at: NDArray[np.float64]) -> float:
    """How many seconds apart two requests must be for the latency of one to say little of the other's: the
    lag from which the autocorrelation of means over 100 ms, by rank, and that of the share of slow ones, stay
    below DEPENDS. 0 where the very next 100 ms say little; at most LONGEST_SHARE of the time watched.

    `latency`, `at` (when planned): seconds, shape (n,). Fewer than LEAST_BINS times 100 ms: 0."""
    if len(at) == 0:
        return 0.0
    place = np.floor((at - at.min()) / BIN_SECONDS).astype(np.int64)
    sizes = np.bincount(place)
    if len(sizes) < LEAST_BINS:
        return 0.0
    there = sizes > 0
    means = np.full(len(sizes), np.nan)
    slow = np.full(len(sizes), np.nan)
    means[there] = np.bincount(place, weights=latency)[there] / sizes[there]
    above = (latency > np.quantile(latency, TAIL)).astype(np.float64)
    slow[there] = np.bincount(place, weights=above)[there] / sizes[there]
    ranks = np.full(len(sizes), np.nan)
    ranks[there] = _ranks(means[there])
    return max(_lag_of(ranks), _lag_of(slow)) * BIN_SECONDS


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rank of each, the mean of their ranks for equal ones; a nanosecond is no difference."""
    _, place, counts = np.unique(np.round(values, 9), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - counts / 2)[place]


def _lag_of(series: NDArray[np.float64]) -> int:
    """The first lag at which, as at the one after it, the autocorrelation is below DEPENDS; 0 where that is
    the very first. NaN where there is no value."""
    centred = series - np.nanmean(series)
    centred[np.isnan(centred)] = 0.0
    variance = float(centred @ centred)
    if variance <= 0:
        return 0
    longest = int(len(series) * LONGEST_SHARE)
    correlated = [
        float(centred[:-lag] @ centred[lag:]) / variance >= DEPENDS for lag in range(1, longest + 1)
    ]
    for lag in range(1, longest):
        if not correlated[lag - 1] and not correlated[lag]:
            return lag if lag > 1 else 0
    return longest
