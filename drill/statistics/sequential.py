"""A rate that is looked at again and again. Flows in: events, trials, their dispersion. Flows out: an
interval that is right at every look at once.

Events of a process at exactly the limit's rate come at unit rate once time is counted in *expected events*:
trials x rate / dispersion. The rate is surely below a limit when k events came although at least UPPER(k)
were to be expected, and surely not below it when k events came within LOWER(k) expected ones. Each bound is a
quantile of the time of one event (a gamma distribution) at a level of its own; the levels fall with k, so
that all bounds together, over any number of looks, are wrong in less than 5 % of cases on either side
(tests/unit/statistics/test_sequential.py computes it exactly). With no event the bound is 3.29, so 3,291
trials show a rate below 0.1 %.

Bursts: where failures come in bursts, fewer of them are independent. `dispersion` is the variance of counts
over that of independent events; events and expected events are both divided by it.
"""

from __future__ import annotations

import math

from scipy import special

from drill.statistics.intervals import Interval

NO_EVENT_EXPECTED = 3.29
FEW_EVENTS = 6
PASS_LEVEL, FAIL_LEVEL = 0.004, 0.012


def rate_bounds(events: float, count: float, dispersion: float = 1.0) -> Interval:
    """The rate's bounds after `count` trials with `events` events, each bound right at 95 % over all looks
    together.

    `dispersion` below 1 counts as 1. No trial: (0, 1).
    """
    if count <= 0:
        return 0.0, 1.0
    spread = max(1.0, dispersion)
    low = lower_expected(math.floor(events / spread + 1e-9))
    high = upper_expected(math.ceil(events / spread - 1e-9))
    return low * spread / count, min(1.0, high * spread / count)


def upper_expected(events: int) -> float:
    """So many events were to be expected at least, where `events` came, for the rate to be surely lower."""
    level = PASS_LEVEL / (1 + math.log(max(1.0, events / FEW_EVENTS))) ** 3
    return NO_EVENT_EXPECTED if events == 0 else float(special.gammainccinv(events + 1, level))


def lower_expected(events: int) -> float:
    """So many events were to be expected at most, where `events` came, for the rate to be surely not
    lower.
    """
    if events == 0:
        return 0.0
    return float(special.gammaincinv(events, FAIL_LEVEL / (1 + math.log(events)) ** 1.5))


def trials_needed(limit: float, dispersion: float = 1.0) -> int:
    """How many trials without an event show a rate below `limit`."""
    return math.floor(NO_EVENT_EXPECTED * max(1.0, dispersion) / limit * (1 + 1e-9)) + 1
