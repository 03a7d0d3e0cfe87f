"""What users saw, second by second. Flows in: the requests of a drill as columns. Flows out: a few hundred
bins for a picture.

Whole columns at a time: 100,000 requests take some tens of milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drill.recording import Requests

BIN_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
MOST_BINS = 480
LEAST_SHARE_OF_BIN = 0.3
"""A bin at the edge that the load covered less than this is left out: its rate would be noise."""


@dataclass(frozen=True)
class RequestSeries:
    """Bins of equal width in order of time; all arrays have shape (n,).

    start: seconds since the zero of the picture; succeeded, failed: requests per second, by planned time;
    p95: seconds, of those that succeeded, NaN where none did."""

    bin_seconds: float
    start: NDArray[np.float64]
    succeeded: NDArray[np.float64]
    failed: NDArray[np.float64]
    p95: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.start)


def aggregate(requests: Requests, zero: float) -> RequestSeries:
    """The requests in bins of 0.5 s, wider for long drills, with an edge at `zero` (monotonic seconds)."""
    if not len(requests):
        empty = np.empty(0)
        return RequestSeries(BIN_SECONDS[0], empty, empty, empty, empty)
    planned = requests.planned - zero
    first, last = float(planned[0]), float(planned[-1])
    width = next((w for w in BIN_SECONDS if (last - first) / w <= MOST_BINS), BIN_SECONDS[-1])
    number = np.floor(planned / width).astype(np.int64)
    lowest, highest = int(number[0]), int(number[-1])
    bins = highest - lowest + 1
    index = number - lowest
    start = (np.arange(bins) + lowest) * width
    covered = np.minimum(start + width, last) - np.maximum(start, first)
    failed = np.bincount(index, weights=requests.failed, minlength=bins)
    total = np.bincount(index, minlength=bins)
    seen = covered >= LEAST_SHARE_OF_BIN * width
    rate = np.maximum(covered, LEAST_SHARE_OF_BIN * width)
    p95 = _p95_by_bin(index[~requests.failed], requests.latency[~requests.failed], bins)
    return RequestSeries(
        width, start[seen], ((total - failed) / rate)[seen], (failed / rate)[seen], p95[seen]
    )


def _p95_by_bin(index: NDArray[np.int64], latency: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """The 95th percentile (nearest rank) of `latency` in each bin; NaN for an empty one."""
    order = np.lexsort((latency, index))
    counts = np.bincount(index, minlength=bins)
    ends = np.cumsum(counts)
    rank = np.ceil(0.95 * counts).astype(np.int64) - 1
    result = np.full(bins, np.nan)
    filled = counts > 0
    result[filled] = latency[order][(ends - counts + rank)[filled]]
    return result
