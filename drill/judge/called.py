"""Would anybody have been called? Flows in: a Case with the replay of its series. Flows out: each alert's
moments, and how long everything would have taken from the fault to recovery.

All seconds count from the injection of the first fault, in the replay: there the fault's last state is held
on, as if nobody had acted, and recovery comes when that is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from drill.judge.case import Case
from drill.judge.verdict import AlertSeen, Called
from drill.recording.events import AlertDue, AlertKnown, AlertSpell, AlertsReplayed, AlertStaged, DrillStarted

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


def any_may_fire(setup: DrillStarted, *, felt: bool) -> bool:
    """Whether any alert may call somebody: something was broken, nobody has said which alerts are to, and
    users are out (`felt`)."""
    return bool(setup.faults) and setup.alerts is None and not meant_by(setup) and felt


def due_by(setup: DrillStarted) -> tuple[AlertDue, ...]:
    """When alerts have to fire: as the scenario states it, and of the others as its fault has it; nothing is
    known of several faults together."""
    stated = {each.alert: each for each in setup.due}
    if len(setup.faults) == 1:
        for each in setup.faults[0].due:
            if setup.alerts is None or each.alert in setup.alerts:
                stated.setdefault(each.alert, each)
    return tuple(stated.values())


def untrusted(replay: AlertsReplayed, setup: DrillStarted) -> str:
    """Why the replay tells nothing; empty where it does."""
    if replay.why:
        return replay.why
    if replay.gap_seconds > LONGEST_GAP_SECONDS:
        return f"nothing was scraped for {replay.gap_seconds:.0f} s, longer than {LONGEST_GAP_SECONDS:.0f} s"
    if setup.faults and replay.held_seconds == 0:
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


def hasty(due: AlertDue, seconds: float | None) -> str:
    """Why it fires too early, `seconds` after the fault; empty where it does not."""
    if seconds is None or not 0 <= seconds < due.after_seconds:
        return ""
    return (
        f"{due.alert} fires at {seconds:+.0f} s, and what is over within {due.after_seconds:.0f} s is to "
        "call nobody"
    )


def overdue(due: AlertDue, seconds: float | None) -> str:
    """Why it fires too late or never; empty where it does not."""
    within = "" if due.within_seconds is None else f" within {due.within_seconds:.0f} s"
    if seconds is None or seconds < 0:
        return f"{due.alert} has to fire{within}, and does not"
    if due.within_seconds is not None and seconds > due.within_seconds:
        return f"{due.alert} has to fire{within}, and fires {seconds:.0f} s after the fault"
    return ""


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
    """How long it would have taken from the fault until users were served, had an alert called somebody; None
    where nobody can tell, nothing was broken, or users did not notice. An alert that was received in life
    counts before what the replay says."""
    if not case.setup.faults or not case.timeline.outages:
        return None
    live = _received(case)
    if live is not None:
        return live
    replay = case.alerts
    if replay is None or untrusted(replay, case.setup):
        return None
    rules = {rule.alert: rule for rule in replay.rules}
    firing = [
        (each.firing, rules[each.alert])
        for each in replay.spells
        if each.firing is not None and 0 <= each.firing <= replay.until_seconds and each.alert in rules
    ]
    if not firing:
        return None if silence_undecided(replay) else Called("")
    # who is called to something less urgent has longer: whoever begins first counts
    detected, rule = min(
        firing, key=lambda each: (each[0] + (each[1].response_seconds or _NEVER), each[0], each[1].alert)
    )
    return _with_shares(Called(rule.alert, detected), rule, case)


def silence_undecided(replay: AlertsReplayed) -> str:
    """Why it means nothing that no alert fires; empty where it does."""
    return next((why for rule in replay.rules if (why := undecided_of(rule, replay.until_seconds))), "")


def _whole(seconds: float) -> str:
    return f"{seconds:.0f} s"


def _tenths(seconds: float) -> str:
    return f"{seconds:.1f} s"


def shares_of(
    called: Called, text: Callable[[float], str] = _whole, measured: Callable[[float], str] = _tenths
) -> str:
    """The shares of the whole time, as far as they are known, each with how it is. `text`: of seconds;
    `measured`: of those that users were out."""
    shares = []
    if called.detected_seconds is not None:
        how = "received" if called.live else "replayed"
        shares.append(f"{called.alert} calls {text(called.detected_seconds)} after the fault ({how})")
    if called.response_seconds is not None:
        shares.append(f"{text(called.response_seconds)} until somebody begins (assumed)")
    if called.acted_seconds is not None:
        shares.append(f"{measured(called.acted_seconds)} until users are served (measured)")
    return " + ".join(shares)


_NEVER = 1e9
"""Later than anything that is assumed, where nothing is."""


def received(case: Case) -> Iterator[AlertStaged]:
    """What whoever is on call had in life, in order of time; before the fault it told nothing of it."""
    return (each for each in case.all(AlertStaged) if each.stage == "received" and each.seconds >= 0)


def _received(case: Case) -> Called | None:
    """The first alert that whoever is on call had in life."""
    first = next(received(case), None)
    if first is None:
        return None
    rules = case.alerts.rules if case.alerts is not None else []
    rule = next((each for each in rules if each.alert == first.alert), None)
    return _with_shares(Called(first.alert, first.seconds, live=True), rule, case)


def _with_shares(found: Called, rule: AlertKnown | None, case: Case) -> Called:
    started, recovered = case.timeline.procedure_started, case.timeline.recovered
    acted = None
    if started is not None and recovered is not None and recovered > started:
        acted = recovered - started
    response = rule.response_seconds if rule is not None else None
    total = None
    if acted is not None and response is not None and found.detected_seconds is not None:
        total = found.detected_seconds + response + acted
    return msgspec.structs.replace(
        found,
        response_seconds=response,
        acted_seconds=acted,
        total_seconds=total,
        severity=rule.severity if rule is not None else "",
        limit_seconds=rule.limit_seconds if rule is not None else None,
    )
