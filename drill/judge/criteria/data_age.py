"""How old is the data after a backup was restored? Flows in: a Case. Flows out: seconds from the newest write
that survived to the fault, against the period of the backup schedule."""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, not_applicable, undecided
from drill.judge.criteria.writes import data_age_of


def data_age(case: Case) -> Answer:
    """The age. Where none of the drill's own writes survived, the data is older than the first of them at
    least.
    """
    if not case.setup.restores or case.setup.control:
        return not_applicable("no backup is restored in this drill")
    audit, origin = case.audit, case.timeline.origin
    if audit is None or origin is None:
        return undecided("the writes were not audited")
    limit, samples = case.setup.limits["data_age"].value, audit.acknowledged
    age = data_age_of(case, audit)
    if age is not None:
        why = f"the newest write that survived is {age:.1f} s older than the fault"
        return Answer("pass" if age < limit else "fail", why, age, samples=samples)
    least = max([0.0, *(origin - write.acknowledged_at for write in audit.absent)])
    why = f"no write that survived could be dated; the data is at least {least:.1f} s old"
    return Answer("fail", why, least, samples=samples) if least >= limit else undecided(why, samples)


QUESTION = Question(
    "data_age",
    "Age of the restored data",
    data_age,
    limit="data_age",
    unit="s",
    parts=("writes", "backup"),
    needs=("data in reach",),
)
