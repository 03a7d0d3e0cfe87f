"""Was the service restored within the severity's response time? Flows in: a Case. Flows out: seconds from
injection to restoration."""

from __future__ import annotations

from drill.judge.case import Case
from drill.judge.criteria.reasons import undecided
from drill.judge.verdict import Criterion
from drill.judge.windows import LEAST_SHARE_OF_LOAD

NAME = "restored"
# the live watch and this judge place the last arrival up to so many seconds apart
LATE_SECONDS = 0.5


def restored(case: Case) -> Criterion:
    """Fail when it took too long, or when nobody saw it within the patience after the procedure had ended."""
    timeline, settings = case.timeline, case.setup.settings
    if timeline.first_failed is None:
        return undecided(case, NAME, "no request failed after the fault: the users never noticed it")
    seconds = timeline.since_injection(timeline.restored)
    if seconds is None:
        return _not_restored(case)
    limit = case.setup.limits.get(NAME)
    if limit is None:
        return undecided(
            case, NAME, f"restored after {seconds:.1f} s, but the runbook states no response time"
        )
    why = f"restored {seconds:.1f} s after the injection"
    if timeline.relapsed is not None:
        failed, of = timeline.relapsed
        why += f", but {failed} of {of} requests failed from then to the end of the procedure"
    window = (timeline.restored or 0.0, (timeline.restored or 0.0) + settings.hold_seconds)
    return Criterion(
        NAME,
        "pass" if seconds < limit.value else "fail",
        value=seconds,
        limit=limit.value,
        unit=limit.unit,
        samples=len(case.watched.between(*window)),
        source=limit.source,
        why=why,
    )


def _not_restored(case: Case) -> Criterion:
    timeline, settings = case.timeline, case.setup.settings
    begun, ended = timeline.procedure_started, timeline.procedure_finished
    if begun is not None and ended is None:
        return undecided(
            case, NAME, "the recording ends before the procedure did, and the service was still out"
        )
    patience_from = ended if ended is not None else (timeline.witnessed or timeline.injected or 0.0)
    watched = max(0.0, timeline.watched_until - patience_from)
    since = "the procedure ended" if ended is not None else "the fault was witnessed"
    if watched + LATE_SECONDS < settings.patience_seconds:
        why = (
            f"still out, and watched for {watched:.1f} s only since {since}, of "
            f"{settings.patience_seconds:g} s"
        )
        return undecided(case, NAME, why)
    seen = len(case.watched.between(patience_from, timeline.watched_until))
    if seen < LEAST_SHARE_OF_LOAD * watched * settings.requests_per_second:
        planned = watched * settings.requests_per_second
        why = f"too little load to tell: {seen} requests in {watched:.1f} s, of {planned:.0f} planned"
        return undecided(case, NAME, why, samples=seen)
    good_for = timeline.watched_until - (timeline.answering_since or timeline.watched_until)
    if good_for >= settings.hold_seconds / 2:
        why = (
            f"no request failed in the last {good_for:.1f} s of watching, too short to tell "
            f"({settings.hold_seconds:g} s)"
        )
        return undecided(case, NAME, why, samples=seen)
    limit = case.setup.limits.get(NAME)
    return Criterion(
        NAME,
        "fail",
        limit=limit.value if limit else None,
        unit=limit.unit if limit else "",
        samples=seen,
        source=limit.source if limit else "",
        why=f"still out {timeline.watched_seconds:.1f} s after the injection, {watched:.1f} s after {since}",
    )
