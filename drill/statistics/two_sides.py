"""Is one side worse than the other, and by how much? Flows in: what runs of each side measured. Flows out: a
difference with its interval, and how probable it is that nothing became worse.

Runs are the samples, for what lies within one run depends on each other: the mood of the machine is the same
for all its requests. How much runs differ is told by their own means, drawn towards what is expected before
any was seen: what is seen within them (how their drills deviate, each a block of time; blocks within drills
where there are few), and the `spread` that is stated to come on top. Where few runs tell little, what was
expected counts as EXPECTED_RUNS of them (a moderated t-test: Smyth, "Linear Models and Empirical Bayes
Methods", 2004).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from drill.statistics.intervals import Interval

EXPECTED_RUNS = 6.0
UNLIKELY = 0.05
"""What would be seen in so many cases at most is not put down to chance."""
LEAST_FREEDOM = 8
"""Where drills tell less than this of how they deviate within runs, blocks of time are asked too, and where
those of each side do, both are taken together."""


class Difference(Protocol):
    """Candidate minus baseline; above 0 is worse."""

    @property
    def estimate(self) -> float:
        """The best guess."""

    def probability(self) -> float:
        """Of a difference as large as this, or larger, where there is none."""

    def interval(self, low_level: float, high_level: float) -> Interval:
        """The difference is below the first with a probability of `low_level` at most, above the second with
        `high_level` at most."""

    def longer(self, candidate: float, baseline: float) -> Difference:
        """The same, had each side been measured so many times as long."""


@dataclass(frozen=True)
class StudentDifference:
    """Of which Student's distribution tells how far it may be off. `variance`: of one sample; `freedom`: how
    well that is known."""

    estimate: float
    variance: float
    freedom: float

    @property
    def error(self) -> float:
        """The standard error."""
        raise NotImplementedError

    def probability(self) -> float:
        """One-sided."""
        if self.error <= 0:
            return 0.0 if self.estimate > 0 else 1.0
        return float(special.stdtr(self.freedom, -self.estimate / self.error))

    def interval(self, low_level: float, high_level: float) -> Interval:
        """Each bound one-sided, at a level of its own."""
        low, high = (
            float(special.stdtrit(self.freedom, 1 - level)) * self.error for level in (low_level, high_level)
        )
        return self.estimate - low, self.estimate + high


@dataclass(frozen=True)
class MeanDifference(StudentDifference):
    """Of means over runs, which are the samples. `candidate`, `baseline`: runs of each side."""

    candidate: float
    baseline: float

    @property
    def error(self) -> float:
        """The standard error."""
        return math.sqrt(self.variance * (1 / self.candidate + 1 / self.baseline))

    def longer(self, candidate: float, baseline: float) -> MeanDifference:
        """More runs; what is known of their variance is left as it is."""
        return replace(self, candidate=self.candidate * candidate, baseline=self.baseline * baseline)


def mean_difference(
    candidate: NDArray[np.float64], baseline: NDArray[np.float64], within: float, spread: float
) -> MeanDifference:
    """`candidate`, `baseline`: shape (runs, drills), of the same drills, each at least one; `within`: the
    variance of a run's mean as blocks of time within drills tell it, 0 where they tell none; `spread`: the
    standard deviation of runs that is expected beside that."""
    runs = np.concatenate([candidate, baseline])
    count, drills = len(runs), len(runs.T)
    seen = _deviation_of_sides(candidate, baseline) / drills
    if (count - 1) * (drills - 1) < LEAST_FREEDOM:
        seen = max(seen, within)
    means: list[NDArray[np.float64]] = [side.mean(axis=1) for side in (candidate, baseline)]
    squares = math.fsum(float(((side - side.mean()) ** 2).sum()) for side in means)
    freedom = count - len(means)
    expected = seen + spread**2
    variance = (EXPECTED_RUNS * expected + squares) / (EXPECTED_RUNS + freedom)
    return MeanDifference(
        float(means[0].mean() - means[1].mean()),
        max(variance, seen),
        EXPECTED_RUNS + freedom,
        len(candidate),
        len(baseline),
    )


class RunSpread(NamedTuple):
    """How much runs differ that should not. `variance`: of their means; `within`: how much of it is seen
    within them; `freedom`: how well that is known."""

    variance: float
    within: float
    freedom: int

    @property
    def deviation(self) -> float:
        """The standard deviation beside what is seen within them."""
        return math.sqrt(max(0.0, self.variance - self.within))

    def is_above(self, stated: float) -> bool:
        """Where `stated` is that deviation, they would differ so much in UNLIKELY of cases at most."""
        least = float(special.chdtri(self.freedom, UNLIKELY)) / self.freedom
        return self.variance > (stated**2 + self.within) * least


def run_spread(alike: Sequence[NDArray[np.float64]]) -> RunSpread:
    """`alike`: groups of runs, each of shape (runs, drills), of the same drills; one of them has two or
    more."""
    squares = within = 0.0
    freedom = 0
    for runs in alike:
        means = runs.mean(axis=1)
        squares += float(((means - means.mean()) ** 2).sum())
        within += (len(runs) - 1) * _deviation(runs) / len(runs.T)
        freedom += len(runs) - 1
    return RunSpread(squares / freedom, within / freedom, freedom)


def _deviation(runs: NDArray[np.float64]) -> float:
    """The variance of one drill in one run, once what is usual for the drill and for the run is taken off; 0
    where one drill or one run tells none."""
    count, drills = len(runs), len(runs.T)
    if count < 2 or drills < 2:
        return 0.0
    rest = runs - runs.mean(axis=0) - runs.mean(axis=1, keepdims=True) + runs.mean()
    return float(np.square(rest).sum()) / ((count - 1) * (drills - 1))


def _deviation_of_sides(candidate: NDArray[np.float64], baseline: NDArray[np.float64]) -> float:
    """The same of both sides, one of which may be worse in one drill and not in another. What is usual for a
    drill is that of its side, if there are runs enough; else of both, and such a difference is noise."""
    freedom = [(len(side) - 1) * (len(side.T) - 1) for side in (candidate, baseline)]
    if sum(freedom) < LEAST_FREEDOM:
        return _deviation(np.concatenate([candidate, baseline]))
    return float(np.average([_deviation(candidate), _deviation(baseline)], weights=freedom))


class Counted(NamedTuple):
    """Events in trials, of one run."""

    events: float
    trials: float


@dataclass(frozen=True)
class RateDifference:
    """Of two rates. Events come in bursts: `dispersion` of them are one, so both sides have that much fewer
    events and trials. Each rate carries the exact interval of what is left (Clopper-Pearson), their
    difference the one that Zou and Donner (2008) make of two."""

    candidate: Counted
    baseline: Counted
    dispersion: float

    @property
    def estimate(self) -> float:
        """Of the rates."""
        return self.candidate.events / self.candidate.trials - self.baseline.events / self.baseline.trials

    def probability(self) -> float:
        """That of all events so many fall to the candidate's trials: exact, given how many there are."""
        here, there = self.candidate.events / self.dispersion, self.baseline.events / self.dispersion
        if here <= 0:
            return 1.0
        share = self.candidate.trials / (self.candidate.trials + self.baseline.trials)
        return float(special.betainc(here, there + 1, share))

    def interval(self, low_level: float, high_level: float) -> Interval:
        """Each end at its level."""
        rates = [side.events / side.trials for side in (self.candidate, self.baseline)]
        lows = [_exact(side, self.dispersion, low_level) for side in (self.candidate, self.baseline)]
        highs = [_exact(side, self.dispersion, high_level) for side in (self.candidate, self.baseline)]
        below = math.hypot(rates[0] - lows[0][0], lows[1][1] - rates[1])
        above = math.hypot(highs[0][1] - rates[0], rates[1] - highs[1][0])
        return self.estimate - below, self.estimate + above

    def longer(self, candidate: float, baseline: float) -> RateDifference:
        """More trials at the same rates."""
        return replace(
            self,
            candidate=Counted(*(number * candidate for number in self.candidate)),
            baseline=Counted(*(number * baseline for number in self.baseline)),
        )


def rate_difference(
    candidate: Sequence[Counted], baseline: Sequence[Counted], dispersion: float
) -> RateDifference:
    """One entry a run, each with trials. `dispersion`: of events within runs, 1 where they come one by one;
    where runs of one side differ more than that, it is theirs."""
    found = max(1.0, dispersion, _between(candidate, baseline))
    return RateDifference(_summed(candidate), _summed(baseline), found)


def _summed(side: Sequence[Counted]) -> Counted:
    return Counted(sum(each.events for each in side), sum(each.trials for each in side))


def _between(*sides: Sequence[Counted]) -> float:
    """Pearson's dispersion of runs about the rate of their side; 1 where fewer than three tell it."""
    squares, freedom = 0.0, 0
    for side in sides:
        whole = _summed(side)
        rate = whole.events / whole.trials
        if len(side) < 2 or not 0 < rate < 1:
            continue
        squares += sum(
            (each.events - rate * each.trials) ** 2 / (rate * (1 - rate) * each.trials) for each in side
        )
        freedom += len(side) - 1
    return squares / freedom if freedom >= 2 else 1.0


def _exact(side: Counted, dispersion: float, level: float) -> Interval:
    """Clopper-Pearson, each end at `level`."""
    events, trials = side.events / dispersion, max(side.trials / dispersion, 1.0)
    events = min(events, trials)
    low = 0.0 if events <= 0 else float(special.betaincinv(events, trials - events + 1, level))
    high = 1.0 if events >= trials else float(special.betaincinv(events + 1, trials - events, 1 - level))
    return low, high


def holm_levels(probabilities: Sequence[float], level: float) -> list[float]:
    """The level that each of many comparisons is held to, so that all together are wrong in at most `level`
    of cases (Holm, 1979): the least probable to `level` over their number, the next to `level` over one less,
    and all after the first that does not reach its level to that one's."""
    levels = [0.0] * len(probabilities)
    given, stopped = 0.0, False
    for rank, index in enumerate(sorted(range(len(probabilities)), key=probabilities.__getitem__)):
        if not stopped:
            given = level / (len(probabilities) - rank)
            stopped = probabilities[index] > given
        levels[index] = given
    return levels
