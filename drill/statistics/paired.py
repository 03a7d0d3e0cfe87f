"""Is one of two worse than the other, where both are measured in turn, a pair at a time? Flows in: a
difference for each pair. Flows out: a difference with its interval, and how probable it is that nothing
became worse.

What both of a pair share, such as the machine's mood of that minute, cancels. What is left differs from pair
to pair, and now and then by far: somebody else's work met one of the two. So the mean is trimmed and the
variance winsorized (Yuen, "The two-sample trimmed t for unequal population variances", 1974; here for one
sample of differences). Few pairs that happen to be alike are not taken for certain: where they vary less than
is expected, what is expected counts as EXPECTED_PAIRS. Where they vary more, they alone tell how much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drill.statistics.two_sides import StudentDifference

TRIMMED = 0.1
"""The share of pairs that is cut off at either end, to the nearest whole pair."""
EXPECTED_PAIRS = 3.0


@dataclass(frozen=True)
class PairedDifference(StudentDifference):
    """Of pairs, which are the samples. `pairs`: how many there are."""

    pairs: float

    @property
    def error(self) -> float:
        """The standard error."""
        return math.sqrt(self.variance / self.pairs)

    def longer(self, candidate: float, baseline: float) -> PairedDifference:
        """More pairs, as many as the side that grows less has turns; what is known of their variance is left
        as it is."""
        return replace(self, pairs=self.pairs * min(candidate, baseline))


def paired_difference(pairs: NDArray[np.float64], within: float, spread: float) -> PairedDifference:
    """`pairs`: candidate minus baseline of each, shape (n,), n >= 2; `within`: the variance of one difference
    as blocks of time within turns tell it, 0 where they tell none; `spread`: the standard deviation of a turn
    that is expected beside that."""
    count, ordered = len(pairs), np.sort(pairs)
    cut = round(TRIMMED * count)
    kept = ordered[cut : count - cut]
    winsorized = np.clip(ordered, kept[0], kept[-1])
    freedom = len(kept) - 1
    own = float(winsorized.var(ddof=1)) * count * (count - 1) / (len(kept) * freedom)
    expected = within + 2 * spread**2
    if own >= expected:
        return PairedDifference(float(kept.mean()), own, freedom, count)
    variance = (EXPECTED_PAIRS * expected + freedom * own) / (EXPECTED_PAIRS + freedom)
    return PairedDifference(float(kept.mean()), variance, EXPECTED_PAIRS + freedom, count)
