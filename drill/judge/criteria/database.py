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
    seconds, queries = queries_in(case, case.window)
    if queries < LEAST_QUERIES:
        return undecided(f"{queries} queries measured, fewer than {LEAST_QUERIES}", queries)
    value = seconds / queries
    why = f"a query took {value * 1000:.2f} ms on average"
    return Answer(hold((value, value), case.setup.limits["database"].value), why, value, samples=queries)


def queries_in(case: Case, stretch: tuple[float, float]) -> tuple[float, int]:
    """Seconds spent in queries, and how many there were, of all pods in [start, end], monotonic seconds."""
    series = defaultdict[str, list[PodDatabase]](list)
    for _, sample in case.within(DatabaseSampled, stretch):
        for pod in sample.pods:
            series[pod.pod].append(pod)
    seconds = sum(increase([pod.seconds for pod in pods]) for pods in series.values())
    return seconds, round(sum(increase([pod.queries for pod in pods]) for pods in series.values()))


QUESTION = Question(
    "database",
    "Database response, average",
    database,
    limit="database",
    unit="s",
    parts=("database", "metrics"),
    needs=("window after",),
)
