"""What a drill is judged by. Flows in: a Case. Flows out: one Criterion for each question, in the order of
CRITERIA.

A new criterion is one function of a Case, in a file of its own here, and one line in CRITERIA.
"""

from __future__ import annotations

from collections.abc import Callable

from drill.judge.case import Case
from drill.judge.criteria.database import database
from drill.judge.criteria.harm import harm
from drill.judge.criteria.procedure import procedure
from drill.judge.criteria.resources import cpu, memory
from drill.judge.criteria.response import error_rate, response_time
from drill.judge.criteria.restored import restored
from drill.judge.criteria.writes import data_age, writes
from drill.judge.verdict import Criterion

CRITERIA: tuple[Callable[[Case], Criterion], ...] = (
    restored,
    procedure,
    harm,
    response_time,
    error_rate,
    cpu,
    memory,
    database,
    writes,
    data_age,
)

__all__ = ["CRITERIA"]
