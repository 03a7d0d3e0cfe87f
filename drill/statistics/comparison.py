"""Comparing an interval with a limit that must not be reached. Flows in: an interval and a limit. Flows out:
one of three answers."""

from __future__ import annotations

from typing import Literal

from drill.statistics.intervals import Interval

Held = Literal["pass", "fail", "inconclusive"]


def hold(interval: Interval, limit: float) -> Held:
    """Is what the interval holds below `limit`? "pass" when all of it is below, "fail" when none of it is,
    else "inconclusive".

    A value equal to the limit does not hold it: limits read "< limit".
    """
    low, high = interval
    if high < limit:
        return "pass"
    return "fail" if low >= limit else "inconclusive"
