"""Database response in the window after. Flows in: a Case. Flows out: the mean seconds of a query, from
cumulative counters.

A sum and a count say nothing of the spread of single queries, so there is no interval: the value itself is
judged, with the number of queries as the sample size and a minimum below which nothing is said.
"""

from __future__ import annotations

from collections import defaultdict

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, undecided
from drill.recording.events import DatabaseSampled, PodDatabase
from drill.statistics import hold, increase

LEAST_QUERIES = 100


def database(case: Case) -> Answer:
    """Seconds of all queries over their number."""
    series = defaultdict[str, list[PodDatabase]](list)
    for _, sample in case.within(DatabaseSampled, case.window):
        for pod in sample.pods:
            series[pod.pod].append(pod)
    seconds = sum(increase([pod.seconds for pod in pods]) for pods in series.values())
    queries = round(sum(increase([pod.queries for pod in pods]) for pods in series.values()))
    if queries < LEAST_QUERIES:
        return undecided(f"{queries} queries measured, fewer than {LEAST_QUERIES}", queries)
    value = seconds / queries
    why = f"a query took {value * 1000:.2f} ms on average"
    return Answer(hold((value, value), case.setup.limits["database"].value), why, value, samples=queries)


QUESTION = Question(
    "database",
    "Database response, average",
    database,
    limit="database",
    unit="s",
    parts=("database", "metrics"),
    needs=("window after",),
)
