"""Was an acknowledged write lost? Flows in: a Case. Flows out: the criterion, and the numbers.

A procedure that restores a backup may lose what was acknowledged after the backup began and before users had
their service back. That loss is then judged as the age of the data; any other lost write breaks the promise
of its acknowledgement.
"""

from __future__ import annotations

import math

from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, undecided
from drill.judge.survival import age_of_data
from drill.judge.verdict import Writes
from drill.recording.events import WritesAudited


def writes(case: Case) -> Answer:
    """Lost writes beyond those that a restored backup may lose; none may be."""
    counted, audit = count_writes(case), case.audit
    if counted is None or audit is None:
        return undecided("the writes were not audited")
    excess = counted.lost - counted.allowed_lost
    allowed = f", {counted.allowed_lost} of them as the restored backup may" if counted.allowed_lost else ""
    why = f"{counted.lost} of {counted.acknowledged} acknowledged writes are absent{allowed}"
    if excess:
        return Answer("fail", why, float(excess), samples=counted.acknowledged)
    if counted.acknowledged == 0:
        return undecided("no write was acknowledged, so none could be lost")
    if audit.checked < audit.acknowledged:
        few = f"only {audit.checked} of {audit.acknowledged} acknowledged writes could be looked for"
        return undecided(few, audit.checked)
    return Answer("pass", why, 0.0, samples=counted.acknowledged)


def count_writes(case: Case) -> Writes | None:
    """The audit in numbers; None where there was none."""
    audit = case.audit
    if audit is None:
        return None
    age = age_of_data(case, audit)
    known = age.most if age is not None and math.isfinite(age.most) else None
    return Writes(audit.acknowledged, len(audit.absent), _allowed(case, audit), known)


def _allowed(case: Case, audit: WritesAudited) -> int:
    timeline, backup = case.timeline, case.backup
    if backup is None or timeline.procedure_finished is None or not case.setup.restores:
        return 0
    served_again = timeline.procedure_finished if timeline.recovered is None else timeline.recovered
    return sum(backup.started <= write.acknowledged_at < served_again for write in audit.absent)


QUESTION = Question(
    "writes",
    "Acknowledged writes lost",
    writes,
    own_limit=0.0,
    unit="writes",
    parts=("writes",),
    needs=("data in reach",),
)
