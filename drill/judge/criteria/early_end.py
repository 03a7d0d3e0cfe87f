"""Was the procedure over only when users were served? Flows in: a Case. Flows out: how long users were out
after its last command had ended.

A procedure that repairs and waits for nothing, or for something else, lets the operator declare an incident
over that is not.
"""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.question import (
    Answer,
    Question,
    doubt_of_recovery,
    guarded,
    not_applicable,
    undecided,
    unmeasured_in,
)

NOT_SERVED = "users were not seen served again for long enough to tell since when they are"
EARLY_SECONDS = 2.0
"""A pod that is ready is reached by users a moment later. Procedures that wait for their repair ended up to
1.0 s before users were served, those that wait for nothing 3.7 s and more (docs/whole-runbook.md)."""


def early_end(case: Case) -> Answer:
    """Fail where a request was still not served well so long after the procedure had ended; asked where the
    scenario states that the procedure waits for users, or a defect whose evidence is that it does not."""
    timeline = case.timeline
    if not case.setup.waits:
        return not_applicable("the scenario does not state that the procedure waits for users")
    if not timeline.outages:
        return not_applicable("users were never out")
    finished = timeline.procedure_finished
    if finished is None:
        return undecided("the recording ends before the procedure did")
    last = timeline.outages[-1]
    served = timeline.watched[1] if last.end is None else last.end
    out = case.account.measured.between(finished, served)
    seconds = float(out.planned[-1]) - finished if len(out) else 0.0
    if seconds > EARLY_SECONDS:
        why = f"it was over, and users were out for {seconds:.1f} s more"
        return Answer("fail", why, seconds, samples=len(out))
    if timeline.recovered is None or served - finished > EARLY_SECONDS:
        return undecided(unmeasured_in(case, finished, served) or NOT_SERVED, len(out))
    passed = Answer("pass", _when(served - finished), seconds, samples=len(out))
    return guarded(passed, doubt_of_recovery(case))


def _when(seconds: float) -> str:
    side = "after its end" if seconds > 0 else "before its end"
    return f"users were served {abs(seconds):.1f} s {side}"


QUESTION = Question(
    "early_end", "Users out after the procedure's end", early_end, own_limit=EARLY_SECONDS, unit="s"
)
