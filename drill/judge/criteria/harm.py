"""Did a procedure that nothing depended on disturb users? Flows in: a Case. Flows out: the rate of failed
requests since the procedure began.
"""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.reasons import unlimited
from drill.judge.verdict import Criterion
from drill.statistics import hold, rate_interval

NAME = "harm"


def harm(case: Case) -> Criterion:
    """Asked only where the service was restored before the operator began: then every failed request from the
    procedure's start to the end of the window after is the procedure's doing. The limit is that of the error
    rate."""
    timeline = case.timeline
    started, restored, after = timeline.procedure_started, timeline.restored, timeline.after
    if started is None:
        return Criterion(NAME, "not applicable", why="the drill has no procedure: nobody acted")
    if restored is None or after is None or restored >= started:
        return Criterion(
            NAME, "not applicable", why="the service was not yet restored when the operator began"
        )
    if unlimited(case, "error_rate"):
        return Criterion(NAME, "not applicable", why="the runbook states no limit for error_rate")
    limit = case.setup.limits["error_rate"]
    requests = case.watched.between(started, after[1])
    count, failed = len(requests), int(requests.failed.sum())
    interval = rate_interval(failed, count)
    return Criterion(
        NAME,
        hold(interval, limit.value),
        value=failed / count if count else None,
        limit=limit.value,
        unit=limit.unit,
        interval=interval,
        samples=count,
        source=limit.source,
        why=f"{failed} of {count} requests failed from the start of the procedure to the end of the window "
        "after",
    )
