"""What the drills of a run say of each alert of the runbook. Flows in: verdicts and recordings. Flows out:
for a line of a text, whether its alert did what it is there for. Silence that is right is not told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from drill.alerts.rules import alert_rules
from drill.errors import InputError
from drill.judge.called import any_may_fire, meant_by, undecided_of, untrusted
from drill.judge.verdict import DrillVerdict
from drill.recording import Event
from drill.recording.events import AlertKnown, AlertsReplayed, DrillStarted
from drill.run.facts import Facts, Input
from drill.run.inputs import runbook_named, runbook_of


class AlertSaid(NamedTuple):
    """What one drill says of the alert on a line. `how`: in words; `wrong`: it did not do what it is for."""

    text: Input
    line: int
    verdict: DrillVerdict
    how: str
    wrong: bool


def replayed_texts(facts: Facts, recordings: Mapping[str, Sequence[Event]]) -> set[str]:
    """The names of the texts by whose rules some drill was replayed."""
    found = [_replay_of(events) for events in recordings.values()]
    texts = [runbook_named(facts, started.runbook) for started, _ in filter(None, found)]
    return {text.name for text in texts if text is not None}


def alerted(
    run_folder: Path,
    facts: Facts,
    verdicts: Sequence[DrillVerdict],
    recordings: Mapping[str, Sequence[Event]],
) -> Iterator[AlertSaid]:
    """All that is said, in the order of the run."""
    lines_of: dict[str, dict[str, int]] = {}
    for verdict in verdicts:
        found = _replay_of(recordings.get(verdict.drill, ()))
        if found is None:
            continue
        started, replay = found
        text = runbook_named(facts, started.runbook)
        if text is None:
            continue
        if text.name not in lines_of:
            lines_of[text.name] = _lines(run_folder, facts, text.name)
        for rule in replay.rules:
            said = _said(rule, replay, started, felt=bool(verdict.outages))
            if said is not None and rule.alert in lines_of[text.name]:
                yield AlertSaid(text, lines_of[text.name][rule.alert], verdict, *said)


def _replay_of(events: Sequence[Event]) -> tuple[DrillStarted, AlertsReplayed] | None:
    """The beginning and the replay of a drill; None where there is none, or it tells nothing."""
    started = next((each.data for each in events if isinstance(each.data, DrillStarted)), None)
    replay = next((each.data for each in reversed(events) if isinstance(each.data, AlertsReplayed)), None)
    if started is None or replay is None or untrusted(replay, started):
        return None
    return started, replay


def _lines(run_folder: Path, facts: Facts, name: str) -> dict[str, int]:
    """Where each alert of a text stands; none where the text has no rules that can be read."""
    try:
        runbook = runbook_of(run_folder, facts, name)
        return {rule.name: rule.line for rule in alert_rules(runbook).rules} if runbook is not None else {}
    except InputError:
        return {}


def _said(
    rule: AlertKnown, replay: AlertsReplayed, started: DrillStarted, *, felt: bool
) -> tuple[str, bool] | None:
    """In words, and whether it is wrong; None where the drill says nothing of the alert."""
    wanted, spells = meant_by(started), [each for each in replay.spells if each.firing is not None]
    fired = [each.firing for each in spells if each.alert == rule.alert and each.firing is not None]
    unstated = started.alerts is None
    if fired:
        meant = rule.alert in wanted or any_may_fire(started, felt=felt)
        return _fired(rule, min(fired), replay, started, meant=meant)
    somebody = any(each.alert in wanted for each in spells)
    had_to = rule.alert in wanted and not somebody and (felt or not unstated)
    if had_to and not undecided_of(rule, replay.until_seconds):
        return f"is meant for this, and did not fire within {replay.until_seconds:.0f} s", True
    return None


def _fired(
    rule: AlertKnown, seconds: float, replay: AlertsReplayed, started: DrillStarted, *, meant: bool
) -> tuple[str, bool]:
    if not started.faults:
        return "fires, and nothing is broken", True
    if seconds < 0:
        return f"fires {-seconds:.0f} s before the fault", True
    fires = f"fires {seconds:.0f} s after the fault"
    trouble = ", and is not meant to" if not meant else _late(rule, seconds) or _lasting(rule, replay)
    return f"{fires}{trouble}", bool(trouble)


def _late(rule: AlertKnown, seconds: float) -> str:
    if rule.limit_seconds is None:
        return f"; severity {rule.severity!r} has no response time"
    if seconds >= rule.limit_seconds:
        return f"; {rule.severity} is to be over within {rule.limit_seconds:.0f} s"
    return ""


def _lasting(rule: AlertKnown, replay: AlertsReplayed) -> str:
    own = [each for each in replay.spells if each.alert == rule.alert and each.firing is not None]
    if replay.recovered and any(each.resolved is None for each in own):
        return f", and still {replay.resolve_seconds:.0f} s after recovery"
    return ""
