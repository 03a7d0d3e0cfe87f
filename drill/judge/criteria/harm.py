"""Did anything disturb users who were being served? Flows in: a Case. Flows out: the rate of failed requests
since then.

Asked of a procedure that began while users were served, and of a drill without a fault. The limit is that of
the error rate.
"""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.error_rate import assumption, dispersion_of
from drill.judge.criteria.question import Answer, Question, guarded, not_applicable, unmeasured_in
from drill.statistics import hold, rate_bounds


def harm(case: Case) -> Answer:
    """Every failed request from the moment asked about to the end of watching."""
    timeline, limit = case.timeline, case.setup.limits["error_rate"]
    begun = timeline.procedure_started if case.setup.faults else timeline.origin
    if begun is None:
        return not_applicable("the drill has no procedure: nobody acted")
    disturbed = _disturbed(case, begun)
    if disturbed:
        return not_applicable(disturbed)
    end = timeline.watched[1]
    requests = case.account.measured.between(begun, end)
    count, failed = len(requests), int(requests.failed.sum())
    interval = rate_bounds(failed, count, dispersion_of(case.calibration))
    since = "from the start of the procedure" if case.setup.faults else "although nothing was broken"
    why = (
        f"{failed} of {count} requests failed {since} to the end of watching; {assumption(case.calibration)}"
    )
    if any(each.start >= begun for each in timeline.outages):
        return Answer("fail", f"users were out; {why}", failed / max(1, count), interval, count)
    answer = Answer(hold(interval, limit.value), why, failed / count if count else None, interval, count)
    return guarded(answer, unmeasured_in(case, begun, end))


def _disturbed(case: Case, begun: float) -> str:
    """Why what failed from `begun` on is not the doing of what began then; empty where it is."""
    if not case.setup.faults:
        return ""
    before = [each for each in case.timeline.outages if each.start < begun]
    if len(before) > 1:
        return "the service was going up and down before the operator began"
    for outage in before:
        if outage.end is None or outage.end + case.standard.hold_seconds > begun:
            return "users were not yet served again when the operator began"
    if not before and any(fault.felt in ("failed", "slow") for fault in case.setup.faults):
        settled = case.timeline.settled
        if case.timeline.outages and (settled is None or begun <= settled + case.standard.hold_seconds):
            return "users had not yet noticed the fault when the operator began"
    return ""


QUESTION = Question("harm", "Users left undisturbed", harm, limit="error_rate", unit="ratio")
