"""Would somebody have been called in time? Flows in: a Case. Flows out: seconds from the injection until the
alert that is meant fires, against the response time of its severity; and whether each alert of which that is
known fires when it has to."""

from __future__ import annotations

from drill.judge.called import NOT_RECORDED, due_by, first_firing, meant, overdue, undecided_of, untrusted
from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, not_applicable, undecided
from drill.recording.events import AlertDue, AlertKnown, AlertsReplayed


def detected(case: Case) -> Answer:
    """The first of the alerts that are meant; of all, where nobody has said which."""
    replay = case.alerts
    if replay is None:
        return not_applicable(NOT_RECORDED)
    if not case.setup.faults:
        return not_applicable("nothing was broken")
    wanted = meant(case)
    unstated, felt = case.setup.alerts is None, bool(case.timeline.outages)
    if not wanted and not (unstated and felt):
        return not_applicable("no alert is meant to fire")
    trouble = untrusted(replay, case.setup)
    if trouble:
        return undecided(trouble)
    had_to_call = felt or not unstated
    answer = _first(replay, wanted, had_to_call=had_to_call)
    if answer.verdict != "pass":
        return answer
    return _each_due(replay, due_by(case.setup), answer, had_to_call=had_to_call)


def _each_due(
    replay: AlertsReplayed, due: tuple[AlertDue, ...], answer: Answer, *, had_to_call: bool
) -> Answer:
    """Somebody is called; each alert of which it is known when it has to fire does so by then."""
    rules = {rule.alert: rule for rule in replay.rules}
    for each in due:
        seconds = first_firing(replay.spells, each.alert)
        late = overdue(each, seconds) if had_to_call or seconds is not None else ""
        if late and seconds is None and each.alert in rules:
            why = undecided_of(rules[each.alert], replay.until_seconds)
            if why:
                return undecided(why)
        if late:
            return answer._replace(verdict="fail", why=f"{late}; {answer.why}")
    return answer


def _first(replay: AlertsReplayed, wanted: tuple[str, ...], *, had_to_call: bool) -> Answer:
    rules = {rule.alert: rule for rule in replay.rules}
    names = wanted or tuple(rules)
    firing = {name: first_firing(replay.spells, name) for name in names}
    fired = sorted(
        (seconds, name) for name, seconds in firing.items() if seconds is not None and seconds >= 0
    )
    if fired:
        seconds, name = fired[0]
        return _in_time(rules[name], seconds, replay)
    if not had_to_call:
        return not_applicable("users noticed nothing, so nobody had to be called")
    return _silent(replay, rules, names)


def _in_time(rule: AlertKnown, seconds: float, replay: AlertsReplayed) -> Answer:
    how = (
        f"{rule.alert} fires {seconds:.0f} s after the fault (replayed with its last state held on, and "
        f"evaluated every {replay.evaluate_seconds:g} s)"
    )
    if rule.limit_seconds is None:
        return Answer(
            "fail", f"{how}; the runbook states no response time for severity {rule.severity!r}", seconds
        )
    why = f"{how}; {rule.severity} is to be over within {rule.limit_seconds:.0f} s"
    return Answer("pass" if seconds < rule.limit_seconds else "fail", why, seconds, samples=replay.scrapes)


def _silent(replay: AlertsReplayed, rules: dict[str, AlertKnown], names: tuple[str, ...]) -> Answer:
    for name in names:
        why = undecided_of(rules[name], replay.until_seconds) if name in rules else ""
        if why:
            return undecided(why)
    absent = [name for name in names if name not in rules]
    said = f"there is no alert {', '.join(absent)}" if absent else f"{', '.join(names)} did not fire"
    return Answer(
        "fail",
        f"nobody would have been called: {said} within {replay.until_seconds:.0f} s of the fault",
        samples=replay.scrapes,
    )


QUESTION = Question(
    "detected",
    "Somebody is called in time",
    detected,
    unit="s",
    counts="where the scenario speaks of alerts",
)
