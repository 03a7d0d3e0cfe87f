"""How old is the data after a backup was restored? Flows in: a Case. Flows out: seconds from the newest row
that survived to the fault, against the period of the backup schedule."""

from __future__ import annotations

import math

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, undecided
from drill.judge.survival import DataAge, age_of_data
from drill.statistics import hold


def data_age(case: Case) -> Answer:
    """Pass: the newest row that survived is younger than the limit. Fail: a row that was older than that is
    lost. Inconclusive: neither, since nothing is known to have been written in between, or since nothing that
    survived can be dated. A lower bound alone never passes.
    """
    audit = case.audit
    age = None if audit is None else age_of_data(case, audit)
    if audit is None or age is None:
        return undecided("the writes were not audited")
    verdict = hold((age.least, age.most), case.setup.limits["data_age"].value)
    value = age.least if math.isinf(age.most) else age.most
    return Answer(verdict, _why(age), value, samples=audit.acknowledged)


def _why(age: DataAge) -> str:
    if not age.newest:
        return (
            "no write that survived could be dated, and the target does not say when rows from before the "
            f"drill were written (row_times); the data is at least {age.least:.1f} s old"
        )
    if math.isinf(age.most):
        return f"no row from before the fault survived; the data is at least {age.least:.1f} s old"
    newest = f"the newest {age.newest} that survived is {age.most:.1f} s older than the fault"
    if age.least == age.most:
        return newest
    lost = (
        f"the oldest that is known to be lost {age.least:.1f} s" if age.least else "none is known to be lost"
    )
    return f"{newest}, {lost}"


QUESTION = Question(
    "data_age",
    "Age of the restored data",
    data_age,
    limit="data_age",
    unit="s",
    parts=("writes", "backup"),
    needs=("a restored backup", "data in reach"),
)
