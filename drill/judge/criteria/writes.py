"""Was an acknowledged write lost, and how old is the data after a restore? Flows in: a Case. Flows out: two
criteria, and the numbers.

A procedure that restores a backup may lose what was acknowledged from the moment the backup began until the
procedure had ended. That loss is then judged as the age of the data against the backup schedule; any other
lost write breaks the promise of its acknowledgement.
"""

from __future__ import annotations

from drill.judge.case import Audit, Case
from drill.judge.criteria.reasons import lacking, undecided, unlimited
from drill.judge.verdict import Criterion, Writes


def writes(case: Case) -> Criterion:
    """Lost writes beyond those that a restored backup may lose; none may be."""
    name = "writes"
    unjudged = lacking(case, name, ("writes",)) or _unjudged(case, name)
    if unjudged:
        return unjudged
    counted = count_writes(case)
    audit = case.audit
    if counted is None or audit is None:
        return undecided(case, name, "the writes were not audited")
    excess = counted.lost - counted.allowed_lost
    if excess == 0 and counted.acknowledged == 0:
        return undecided(case, name, "no write was acknowledged, so none could be lost")
    if excess == 0 and audit.checked < audit.acknowledged:
        why = f"only {audit.checked} of {audit.acknowledged} acknowledged writes could be looked for"
        return undecided(case, name, why, audit.checked)
    allowed = f", {counted.allowed_lost} of them after the backup began" if counted.allowed_lost else ""
    return Criterion(
        name,
        "fail" if excess else "pass",
        value=float(excess),
        limit=0.0,
        unit="writes",
        samples=counted.acknowledged,
        why=f"{counted.lost} of {counted.acknowledged} acknowledged writes are absent{allowed}",
    )


def data_age(case: Case) -> Criterion:
    """Seconds from the earliest lost write to the fault, against the period of the backup schedule."""
    name = "data_age"
    unjudged = lacking(case, name, ("writes", "backup"))
    if unjudged:
        return unjudged
    if not case.setup.restores or case.setup.control:
        return Criterion(name, "not applicable", why="no backup is restored in this drill")
    unjudged = unlimited(case, name) or _unjudged(case, name)
    if unjudged:
        return unjudged
    counted = count_writes(case)
    if counted is None or counted.data_age_seconds is None:
        return undecided(case, name, "the writes were not audited")
    if counted.acknowledged == 0:
        return undecided(case, name, "no write was acknowledged, so the data's age cannot be told")
    limit, age = case.setup.limits[name], counted.data_age_seconds
    return Criterion(
        name,
        "pass" if age < limit.value else "fail",
        value=age,
        limit=limit.value,
        unit=limit.unit,
        samples=counted.acknowledged,
        source=limit.source,
        why=f"the earliest lost write is {age:.1f} s older than the fault"
        if counted.lost
        else "no write was lost",
    )


def count_writes(case: Case) -> Writes | None:
    """The audit in numbers; None where there was none."""
    audit = case.audit
    if audit is None:
        return None
    return Writes(
        acknowledged=audit.acknowledged,
        lost=len(audit.absent),
        allowed_lost=_allowed(case, audit),
        data_age_seconds=_age(case, audit),
    )


def _allowed(case: Case, audit: Audit) -> int:
    backup, ended = case.backup, case.timeline.procedure_finished
    if backup is None or ended is None or not case.setup.restores:
        return 0
    return sum(backup.started <= write.acknowledged_at <= ended for write in audit.absent)


def _age(case: Case, audit: Audit) -> float | None:
    injected = case.timeline.injected
    if not case.setup.restores or injected is None:
        return None
    return max(0.0, injected - min((write.acknowledged_at for write in audit.absent), default=injected))


def _unjudged(case: Case, name: str) -> Criterion | None:
    """Inconclusive while the service is out: what cannot be read back is not thereby lost."""
    if case.timeline.first_failed is not None and case.timeline.restored is None:
        why = "the service was not restored, so what is absent cannot be told from what is out of reach"
        return undecided(case, name, why)
    return None
