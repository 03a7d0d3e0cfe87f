"""What a procedure on a target without a fault has changed for users. Flows in: a Case. Flows out: the
quantile of the response time before and after it, and whether the two can be told apart.

It is told, and judged by nobody: tuning that gains nothing does no harm. Before is as long as the window
after is at least, up to the procedure's start.
"""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.response_time import waiting_of
from drill.judge.outages import quantile_of
from drill.judge.verdict import Gain
from drill.statistics import quantile, ratio_interval


def gain(case: Case) -> Gain | None:
    """None with a fault, without a procedure, and where a window has too few blocks of time."""
    begun, limit = case.timeline.procedure_started, case.setup.limits.get("response_time")
    if case.setup.faults or begun is None or limit is None:
        return None
    settings, probability = case.setup.settings, quantile_of(limit)
    before, after = (
        waiting_of(requests, limit, settings.timeout_seconds, case.calibration)
        for requests in (case.account.measured.between(begun - settings.after_seconds, begun), case.after)
    )
    if before.interval is None or after.interval is None:
        return None
    was, became = (quantile(each.latency, probability) for each in (before, after))
    ratio = ratio_interval((became, after.interval), (was, before.interval))
    return None if ratio is None else Gain(probability, was, before.interval, became, after.interval, ratio)
