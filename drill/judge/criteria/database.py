"""Database response in the window after. Flows in: a Case. Flows out: the mean seconds of a query, from
cumulative counters.

A sum and a count say nothing of the spread of single queries, so there is no interval: the value itself is
judged, with the number of queries as the sample size and a minimum below which nothing is said.
"""

from __future__ import annotations

from collections import defaultdict

from drill.judge.case import Case, DatabaseSample, PodDatabase
from drill.judge.criteria.reasons import lacking, never_after, undecided, unlimited
from drill.judge.verdict import Criterion
from drill.statistics import hold, increase

NAME = "database"
LEAST_QUERIES = 100


def database(case: Case) -> Criterion:
    """Seconds of all queries over their number."""
    unjudged = (
        lacking(case, NAME, ("database", "metrics")) or unlimited(case, NAME) or never_after(case, NAME)
    )
    if unjudged:
        return unjudged
    series = defaultdict[str, list[PodDatabase]](list)
    for event in case.within("sample.database", case.timeline.after or (0.0, 0.0)):
        for pod in case.typed(event, DatabaseSample).pods:
            series[pod.pod].append(pod)
    seconds = sum(increase([pod.seconds for pod in pods]) for pods in series.values())
    queries = round(sum(increase([pod.queries for pod in pods]) for pods in series.values()))
    if queries < LEAST_QUERIES:
        return undecided(case, NAME, f"{queries} queries measured, fewer than {LEAST_QUERIES}", queries)
    value, limit = seconds / queries, case.setup.limits[NAME]
    return Criterion(
        NAME,
        hold((value, value), limit.value),
        value=value,
        limit=limit.value,
        unit=limit.unit,
        samples=queries,
        source=limit.source,
        why=f"a query took {value * 1000:.2f} ms on average",
    )
