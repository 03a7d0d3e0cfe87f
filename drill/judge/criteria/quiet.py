"""Did only what was meant to fire do so? Flows in: a Case. Flows out: how many other alerts fired, and those
that fired before anything was broken."""

from __future__ import annotations

from drill.judge.called import (
    NOT_RECORDED,
    any_may_fire,
    due_by,
    first_firing,
    hasty,
    meant,
    undecided_of,
    untrusted,
)
from drill.judge.case import Case
from drill.judge.criteria.question import Answer, Question, not_applicable, undecided


def quiet(case: Case) -> Answer:
    """Alerts that call somebody for nothing: those that are not meant, any before the injection, and one that
    fires sooner after it than it may, for a short disturbance would call somebody as well. Where nobody has
    said which are meant and users are out, any may fire after the injection."""
    replay = case.alerts
    if replay is None:
        return not_applicable(NOT_RECORDED)
    wanted, broken = meant(case), bool(case.setup.faults)
    anything = any_may_fire(case.setup, felt=bool(case.timeline.outages))
    noise = []
    for each in replay.spells:
        if each.firing is None:
            continue
        if broken and each.firing < 0:
            noise.append(f"{each.alert} fired {-each.firing:.0f} s before the fault")
        elif each.alert not in wanted and not anything:
            noise.append(f"{each.alert} fired at {each.firing:+.0f} s and is not meant to")
    early = (hasty(due, first_firing(replay.spells, due.alert)) for due in due_by(case.setup))
    noise += [each for each in early if each]
    if noise:
        return Answer("fail", "; ".join(dict.fromkeys(noise)), float(len(noise)), samples=replay.scrapes)
    trouble = untrusted(replay, case.setup)
    if trouble:
        return undecided(trouble)
    silent = {rule.alert for rule in replay.rules} - {
        each.alert for each in replay.spells if each.firing is not None
    }
    for rule in replay.rules:
        why = undecided_of(rule, replay.until_seconds) if rule.alert in silent - set(wanted) else ""
        if why:
            return undecided(why)
    others = ", ".join(sorted(silent - set(wanted))) or "no other alert is there"
    return Answer("pass", f"silent: {others}", 0.0, samples=replay.scrapes)


QUESTION = Question(
    "quiet",
    "Nobody is called for nothing",
    quiet,
    own_limit=0.0,
    unit="alerts",
    counts="where the scenario speaks of alerts",
)
