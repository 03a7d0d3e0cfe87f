"""What a drill is judged by. Flows in: a Case. Flows out: one Criterion for each question, in the order of
CRITERIA.

A new criterion is one file here that makes its QUESTION, and its line in CRITERIA. Its title, limit and needs
stand in the file, and nowhere else.
"""

from __future__ import annotations

from drill.judge.criteria import (
    cpu,
    data_age,
    database,
    detected,
    diagnosis,
    early_end,
    error_rate,
    harm,
    left_behind,
    memory,
    procedure,
    quiet,
    recovered,
    resolved,
    response_time,
    writes,
)
from drill.judge.criteria.question import Question

CRITERIA: tuple[Question, ...] = (
    recovered.QUESTION,
    procedure.QUESTION,
    early_end.QUESTION,
    diagnosis.QUESTION,
    harm.QUESTION,
    left_behind.QUESTION,
    response_time.QUESTION,
    error_rate.QUESTION,
    cpu.QUESTION,
    memory.QUESTION,
    database.QUESTION,
    writes.QUESTION,
    data_age.QUESTION,
    detected.QUESTION,
    quiet.QUESTION,
    resolved.QUESTION,
)

__all__ = ["CRITERIA", "Question"]
