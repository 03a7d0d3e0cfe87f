"""Did users have their service back within the severity's response time? Flows in: a Case. Flows out: seconds
from the origin to the beginning of good service that lasted until the end of watching.

Where the scenario speaks of alerts, the whole time is judged: until an alert calls somebody, until somebody
begins, and from there until users are served. The second share is assumed, and the answer says so. That
nobody would have been called is the alerts' failure, which `detected` judges, and not the procedure's.

Out at the end is a failure once the time is up, or once patience is spent and nothing in the cluster is on
its way any more; until then it is not known.
"""

from __future__ import annotations

import math

from drill.judge.called import called, received, shares_of, silence_undecided, untrusted
from drill.judge.case import Case
from drill.judge.criteria.question import (
    Answer,
    Question,
    doubt_of_recovery,
    known_out_until,
    not_applicable,
    undecided,
    unmeasured_in,
)
from drill.judge.verdict import Called, Criterion
from drill.recording.events import ClusterProgress, Limit

LATE_SECONDS = 0.5
"""The live watch and this judge place the last arrival up to so many seconds apart."""
NOBODY_LOOKED = "whether anything in the cluster was on its way was not recorded"
NOBODY_CALLED = (
    "nobody would have been called, which is the failure of the alerts and not of the procedure: this is the "
    "time of an operator who needs no call"
)
PROGRESS_SECONDS = 5.0
"""What is on its way at the end is what was seen on its way in the last seconds at least."""


def recovered(case: Case) -> Answer:
    """The time to recovery, or why there was none."""
    timeline = case.timeline
    if not case.setup.faults or timeline.origin is None:
        return not_applicable("no fault was injected, so there is nothing to recover from")
    if not timeline.outages:
        return _never_out(case, doubt_of_recovery(case))
    if timeline.recovered is None:
        return _still_out(case)
    took = timeline.recovered - timeline.origin
    return _called_and_served(case, took) if _speaks_of_alerts(case) else _served_again(case, took)


def _speaks_of_alerts(case: Case) -> bool:
    """True where the scenario states that an alert fires, or has called the operator, and somebody acts."""
    stated = bool(case.setup.alerts) and case.alerts is not None
    return (stated or any(received(case))) and not case.setup.control


def _called_and_served(case: Case, took: float) -> Answer:
    call, measured = called(case), _served_again(case, took)
    if call is None:
        replay = case.alerts
        doubt = untrusted(replay, case.setup) or silence_undecided(replay) if replay is not None else ""
        said = f"{measured.why}; when somebody would have been called is not known: {doubt}"
        return measured._replace(verdict="fail" if measured.verdict == "fail" else "inconclusive", why=said)
    if call.detected_seconds is None:
        return measured._replace(why=f"{measured.why}; {NOBODY_CALLED}")
    if call.acted_seconds is None:
        return measured._replace(why=f"{measured.why}, before anybody who was called had acted")
    return _summed(case, call, measured, case.setup.limits.get("recovered"))


def _summed(case: Case, call: Called, measured: Answer, limit: Limit | None) -> Answer:
    known = (call.detected_seconds or 0.0) + (call.acted_seconds or 0.0)
    shares = shares_of(call)
    if limit is None:
        return measured._replace(why=f"{shares}; {measured.why}")
    if call.total_seconds is not None:
        said = f"{shares} = {call.total_seconds:.0f} s"
        return _within(measured, limit, call.total_seconds, _unsure_seconds(case), said)
    if known >= limit.value:
        return _within(measured, limit, known, _unsure_seconds(case), shares)
    named = f"[alerts] response_seconds says nothing of {call.severity or 'its severity'}"
    would_do = f"less than {limit.value - known:.0f} s would do"
    return measured._replace(
        verdict="inconclusive",
        value=None,
        why=f"{shares}; when somebody begins is unknown: {named}; {would_do}",
    )


def _unsure_seconds(case: Case) -> float:
    """So much sooner users may have been served than was seen, for nothing was measured right before."""
    recovered = case.timeline.recovered
    if recovered is None:
        return 0.0
    unseen = case.account.touching(known_out_until(case, recovered), recovered)
    return recovered - unseen[0].start if unseen else 0.0


def _within(measured: Answer, limit: Limit, seconds: float, unsure: float, shares: str) -> Answer:
    """The answer on the whole time; what spoils the measured share spoils it too."""
    if seconds - unsure >= limit.value:
        return measured._replace(verdict="fail", value=seconds, why=shares)
    if measured.verdict != "pass":
        return measured._replace(value=seconds, why=f"{shares}; {measured.why}")
    return measured._replace(value=seconds, why=shares)


def _served_again(case: Case, took: float) -> Answer:
    timeline, doubt = case.timeline, doubt_of_recovery(case)
    limit = case.setup.limits.get("recovered")
    samples = len(case.account.measured.between(timeline.recovered or 0.0, timeline.watched[1]))
    why = f"users were served again {took:.1f} s after the fault{_ups_and_downs(case)}"
    if limit is None:
        return Answer(
            "inconclusive", f"{why}, but the runbook states no response time", took, samples=samples
        )
    if took - _unsure_seconds(case) >= limit.value:
        return Answer("fail", why, took, samples=samples)
    if doubt:
        return Answer("inconclusive", f"{doubt}; as far as seen, {why}", took, samples=samples)
    return Answer("pass", why, took, samples=samples)


def stays_out(case: Case) -> Criterion:
    """The statement "the service stays out": `value` is how long users had been out when watching ended."""
    answer = _stays_out(case)
    return Criterion(
        "stays out",
        answer.verdict,
        title="The service stays out",
        value=answer.value,
        unit="s",
        samples=answer.samples,
        why=answer.why,
    )


def _stays_out(case: Case) -> Answer:
    timeline = case.timeline
    if timeline.origin is None or not timeline.outages:
        return not_applicable("users were never out")
    if timeline.recovered is not None:
        return Answer(
            "fail", f"users were served again {timeline.recovered - timeline.origin:.1f} s after the fault"
        )
    out = timeline.watched[1] - timeline.outages[-1].start
    short = _watched_too_shortly(case) or _out_of_sight(case)
    if short:
        return Answer("inconclusive", short, out)
    coming = _on_its_way(case)
    if coming is None:
        return Answer("inconclusive", f"users are out, but {NOBODY_LOOKED}", out)
    if coming:
        return Answer("inconclusive", f"users are out, but still on its way is: {', '.join(coming)}", out)
    return Answer("pass", f"users were out for the last {out:.1f} s that were watched", out)


def _out_of_sight(case: Case) -> str:
    """Why users may have been served again although they were out; empty where they were seen to the end."""
    seen_until = float(case.account.measured.planned[-1])
    unseen = unmeasured_in(case, math.nextafter(seen_until, math.inf), case.timeline.watched[1])
    return f"users were out when a request was measured last, but {unseen}" if unseen else ""


def _never_out(case: Case, doubt: str) -> Answer:
    seen_since = case.account.measured.between(case.timeline.origin or 0.0, case.timeline.watched[1])
    if not len(seen_since):
        return undecided("no outage was seen, but no request was measured since the fault")
    if doubt:
        return undecided(f"no outage was seen, but {doubt}")
    failed = int(seen_since.failed.sum())
    seen = f"{failed} requests failed, no more than the limit allows" if failed else "no request failed"
    return not_applicable(f"users were never out: {seen}")


def _still_out(case: Case) -> Answer:
    timeline = case.timeline
    origin, end = timeline.origin or 0.0, timeline.watched[1]
    limit = case.setup.limits.get("recovered")
    samples = len(case.account.measured.between(origin, end))
    out = f"users are still out {end - origin:.1f} s after the fault{_ups_and_downs(case)}"
    short = _watched_too_shortly(case)
    seen_until = float(case.account.measured.planned[-1])
    unmeasured = case.account.touching(timeline.outages[-1].start, seen_until)
    if limit is not None and seen_until - origin >= limit.value and not unmeasured:
        return Answer("fail", f"{out}, and the time is up", samples=samples)
    if short:
        return undecided(short, samples)
    coming = _on_its_way(case)
    if coming is None:
        return undecided(f"{out}; {NOBODY_LOOKED}", samples)
    if coming:
        return undecided(f"{out}; still on its way: {', '.join(coming)}", samples)
    return Answer("fail", f"{out}, and nothing in the cluster is on its way", samples=samples)


def _watched_too_shortly(case: Case) -> str:
    """Why a service that is out may yet come back by what was going on; empty where patience was spent."""
    timeline, patience = case.timeline, case.setup.settings.patience_seconds
    if timeline.procedure_started is not None and timeline.procedure_finished is None:
        return "users are out, and the recording ends before the procedure did"
    since, what = _patient_since(case)
    end = timeline.watched[1]
    last = timeline.outages[-1]
    if last.end is not None and last.good_after >= case.standard.hold_requests / 2:
        good = last.good_after / case.standard.requests_per_second
        hold = case.standard.hold_seconds
        return f"users were served for the last {good:.1f} s, too short to tell ({hold:g} s)"
    unmeasured = sum(
        min(each.end, end) - max(each.start, since) for each in case.account.touching(since, end)
    )
    watched = max(0.0, end - since - unmeasured)
    if watched + LATE_SECONDS >= patience:
        return ""
    less = f", less {unmeasured:.1f} s: {unmeasured_in(case, since, end)}" if unmeasured else ""
    return f"users are out, and were watched for {watched:.1f} s only since {what}, of {patience:g} s{less}"


def _patient_since(case: Case) -> tuple[float, str]:
    """From when on nothing more was done, and what that was; a relapse is a new reason for patience."""
    timeline = case.timeline
    relapse = timeline.outages[-1].start if len(timeline.outages) > 1 else 0.0
    return max(
        (timeline.settled or 0.0, "the fault was witnessed"),
        (timeline.procedure_finished or 0.0, "the procedure ended"),
        (relapse, "users were lost again"),
    )


def _on_its_way(case: Case) -> list[str] | None:
    """What the cluster had on its way in the last looks before the end of watching; None where nobody
    looked.
    """
    end = case.timeline.watched[1]
    looks = case.within(ClusterProgress, (end - PROGRESS_SECONDS, end + LATE_SECONDS))
    return sorted({each for _, look in looks for each in look.on_its_way}) if looks else None


def _ups_and_downs(case: Case) -> str:
    timeline = case.timeline
    if len(timeline.outages) < 2:
        return ""
    return f", having been out {len(timeline.outages)} times for {timeline.out_seconds:.1f} s altogether"


QUESTION = Question(
    "recovered",
    "Users served again",
    recovered,
    limit="recovered",
    unlimited="asked all the same",
    unit="s",
)
