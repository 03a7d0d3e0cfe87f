"""Did anything disturb users who were being served? Flows in: a Case. Flows out: the rate of failed requests
since then.

Asked of a procedure that began while users were served, and of a drill without a fault. The limit is that of
the error rate.

Under a fault that comes and goes users are served for a while and then are not, whoever acts. What fails
until the procedure has ended is therefore nobody's in particular, and only what the procedure leaves behind
is asked about (design decision 24).
"""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.error_rate import assumption, dispersion_of
from drill.judge.criteria.question import (
    Answer,
    Question,
    guarded,
    not_applicable,
    undecided,
    unmeasured_in,
)
from drill.recording.events import FELT_AT_ONCE
from drill.statistics import hold, rate_bounds

BEGUN = "from the start of the procedure"
ENDED = "from when the procedure had ended and users were served"
COMES_AND_GOES = "the fault comes and goes, and what failed before that may be its own doing"


def harm(case: Case) -> Answer:
    """Every failed request from the moment asked about to the end of watching."""
    timeline = case.timeline
    if not case.setup.faults:
        return _failed_since(case, timeline.origin, "although nothing was broken")
    if any(fault.comes_and_goes for fault in case.setup.faults):
        return _left_behind(case)
    begun = timeline.procedure_started
    disturbed = "" if begun is None else _disturbed(case, begun)
    return not_applicable(disturbed) if disturbed else _failed_since(case, begun, BEGUN)


def _failed_since(case: Case, begun: float | None, since: str) -> Answer:
    """The rate of failed requests from `begun` on, which is said in words by `since`."""
    if begun is None:
        return not_applicable("the drill has no procedure: nobody acted")
    end = case.timeline.watched[1]
    requests = case.account.measured.between(begun, end)
    count, failed = len(requests), int(requests.failed.sum())
    interval = rate_bounds(failed, count, dispersion_of(case.calibration))
    why = (
        f"{failed} of {count} requests failed {since} to the end of watching; {assumption(case.calibration)}"
    )
    if any(each.start >= begun for each in case.timeline.outages):
        return Answer("fail", f"users were out; {why}", failed / max(1, count), interval, count)
    limit = case.setup.limits["error_rate"].value
    answer = Answer(hold(interval, limit), why, failed / count if count else None, interval, count)
    return guarded(answer, unmeasured_in(case, begun, end))


def _left_behind(case: Case) -> Answer:
    """Harm under a fault that comes and goes: from the end of the procedure, or of the outage that was on
    then. Users who are lost after that are lost to the fault, which goes on, or to the procedure: one
    recording cannot tell.
    """
    timeline = case.timeline
    if timeline.procedure_started is None:
        return _failed_since(case, None, ENDED)
    ended = timeline.procedure_finished
    if ended is None:
        return undecided("the fault comes and goes, and the procedure has not ended")
    if any(each.start >= ended for each in timeline.outages):
        return undecided(
            "users were out again after the procedure had ended: by the fault, which comes and goes and was "
            "not ended, or by the procedure"
        )
    last = timeline.outages[-1] if timeline.outages else None
    if last is not None and last.end is None:
        return undecided("users were out when the procedure ended, and to the end of watching")
    begun = ended if last is None or last.end is None else max(ended, last.end)
    answer = _failed_since(case, begun, ENDED)
    return answer._replace(why=f"{answer.why}; {COMES_AND_GOES}")


def _disturbed(case: Case, begun: float) -> str:
    """Why what failed from `begun` on is not the doing of what began then; empty where it is."""
    before = [each for each in case.timeline.outages if each.start < begun]
    if len(before) > 1:
        return "the service was going up and down before the operator began"
    for outage in before:
        if outage.end is None or outage.end + case.standard.hold_seconds > begun:
            return "users were not yet served again when the operator began"
    if not before and any(fault.felt in FELT_AT_ONCE for fault in case.setup.faults):
        settled = case.timeline.settled
        if case.timeline.outages and (settled is None or begun <= settled + case.standard.hold_seconds):
            return "users had not yet noticed the fault when the operator began"
    return ""


QUESTION = Question("harm", "Users left undisturbed", harm, limit="error_rate", unit="ratio")
