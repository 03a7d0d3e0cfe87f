"""Would anybody have been called? Flows in: a Case with the replay of its series. Flows out: each alert's
moments, and how long everything would have taken from the fault to recovery.

All seconds count from the injection of the first fault, in the replay: there the fault's last state is held
on, as if nobody had acted, and recovery comes when that is over.
"""

from __future__ import annotations

from collections.abc import Sequence

from drill.judge.case import Case
from drill.judge.verdict import AlertSeen, Called
from drill.recording.events import AlertKnown, AlertSpell, AlertsReplayed, DrillStarted

LONGEST_GAP_SECONDS = 15.0
"""A series with a longer gap has lost more than a scrape or two: a rate over a minute may be another."""
NOT_RECORDED = "nothing was recorded for alerts: the target has no [alerts], no [metrics] or no alert rules"


def meant(case: Case) -> tuple[str, ...]:
    """The alerts that are to fire; any of them is enough to call somebody."""
    return meant_by(case.setup)


def meant_by(setup: DrillStarted) -> tuple[str, ...]:
    """Those that the scenario states, else those that its faults name."""
    if setup.alerts is not None:
        return tuple(setup.alerts)
    return tuple(dict.fromkeys(name for fault in setup.faults for name in fault.meant))


def untrusted(replay: AlertsReplayed, case: Case) -> str:
    """Why the replay tells nothing; empty where it does."""
    if replay.why:
        return replay.why
    if replay.gap_seconds > LONGEST_GAP_SECONDS:
        return f"nothing was scraped for {replay.gap_seconds:.0f} s, longer than {LONGEST_GAP_SECONDS:.0f} s"
    if case.setup.faults and replay.held_seconds == 0:
        return (
            "the fault was in for fewer than two scrapes, so its state cannot be held on: a drill in which "
            "it lasts for 3 s would tell"
        )
    return ""


def undecided_of(rule: AlertKnown, observed_seconds: float) -> str:
    """Why the silence of a rule means nothing; empty where it does."""
    if rule.untold:
        return f"{rule.alert} asks for {', '.join(rule.untold)}, which was not scraped"
    if observed_seconds < rule.needs_seconds:
        return f"{rule.alert} is silent for {observed_seconds:.0f} s; {rule.needs_seconds:.0f} s would tell"
    return ""


def first_firing(spells: Sequence[AlertSpell], alert: str) -> float | None:
    """Seconds from the injection until it fires; None where it never does."""
    return min(
        (each.firing for each in spells if each.alert == alert and each.firing is not None), default=None
    )


def alerts_of(case: Case) -> list[AlertSeen] | None:
    """Every alert that was at least pending, in order of time; None where nothing was replayed."""
    replay = case.alerts
    if replay is None or replay.why:
        return None
    known = {rule.alert: rule for rule in replay.rules}
    wanted = meant(case)
    return [
        AlertSeen(
            each.alert,
            known[each.alert].severity if each.alert in known else "",
            each.alert in wanted,
            each.pending,
            each.firing,
            each.resolved,
            known[each.alert].section if each.alert in known else "",
        )
        for each in replay.spells
    ]


def called(case: Case) -> Called | None:
    """How long it would have taken from the fault until users were served, had somebody been called by the
    first alert that fires; None where nothing was replayed, nothing was broken, or users did not notice."""
    replay, timeline = case.alerts, case.timeline
    if replay is None or not case.setup.faults or not timeline.outages or untrusted(replay, case):
        return None
    firing = [
        (each.firing, each.alert)
        for each in replay.spells
        if each.firing is not None and 0 <= each.firing <= replay.until_seconds
    ]
    if not firing:
        silent = [why for rule in replay.rules if (why := undecided_of(rule, replay.until_seconds))]
        return None if silent else Called("", None, None, None, None)
    detected, alert = min(firing)
    rule = next(each for each in replay.rules if each.alert == alert)
    started, recovered = timeline.procedure_started, timeline.recovered
    acted = None
    if started is not None and recovered is not None and recovered > started:
        acted = recovered - started
    total = None
    if acted is not None and rule.response_seconds is not None:
        total = detected + rule.response_seconds + acted
    return Called(alert, detected, rule.response_seconds, acted, total)
