"""Do alerts end when users are served again? Flows in: a Case. Flows out: seconds from recovery, in the
replay, until the last alert has ceased to fire."""

from __future__ import annotations

from drill.judge.called import NOT_RECORDED, untrusted
from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, not_applicable, undecided


def resolved(case: Case) -> Answer:
    """Every alert that fired, against the time that drill.toml gives them."""
    replay = case.alerts
    if replay is None:
        return not_applicable(NOT_RECORDED)
    trouble = untrusted(replay, case.setup)
    if trouble:
        return undecided(trouble)
    fired = [each for each in replay.spells if each.firing is not None]
    if not fired:
        return not_applicable("no alert fired")
    if not replay.recovered or case.timeline.recovered is None:
        return not_applicable("users were not served again, so no alert is to end")
    going_on = sorted({each.alert for each in fired if each.resolved is None})
    limit = replay.resolve_seconds
    if going_on:
        return Answer(
            "fail",
            f"{', '.join(going_on)}: still firing {limit:.0f} s after recovery",
            samples=replay.scrapes,
        )
    last = max(fired, key=lambda each: each.resolved or 0.0)
    seconds = max(0.0, (last.resolved or 0.0) - replay.until_seconds)
    why = f"{last.alert} ends {seconds:.0f} s after recovery; {limit:.0f} s are allowed"
    return Answer("pass" if seconds <= limit else "fail", why, seconds, samples=replay.scrapes)


QUESTION = Question(
    "resolved",
    "Alerts end after recovery",
    resolved,
    unit="s",
    counts="where the scenario speaks of alerts",
)
