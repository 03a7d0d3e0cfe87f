"""Which alert calls somebody under which fault, and when: the fourth view of a run, from whatever drills it
has. Flows in: verdicts, and recordings for the rules by which they were replayed. Flows out: rows and cells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from drill.judge.called import any_may_fire
from drill.judge.verdict import DrillVerdict
from drill.recording import Event
from drill.recording.events import AlertsReplayed, AlertStaged, DrillStarted
from drill.report.units import seconds_text

NOTHING = "nothing is broken"


@dataclass(frozen=True)
class CallEntry:
    """One drill in a cell. `kind`: meant, wrong or open; `words`: seconds from the fault until the alert was
    received or would have fired, or what is missing; `as_written`: by the rules of the text as first
    written."""

    drill: str
    scenario: str
    kind: str
    words: str
    as_written: bool


@dataclass(frozen=True)
class CallRow:
    """A fault, or nothing broken. `cells`: one an alert; `gaps`: drills in which nobody was called who should
    have been, or in which that is open."""

    fault: str
    cells: list[list[CallEntry]]
    gaps: list[CallEntry]


@dataclass(frozen=True)
class Calls:
    """Alerts in the order of the rules, faults by their names, nothing broken at the end. `uncovered`: alerts
    that fire in no drill of the run."""

    alerts: list[str]
    rows: list[CallRow]
    uncovered: list[str]


def calls(
    verdicts: Sequence[DrillVerdict],
    recordings: Mapping[str, Sequence[Event]],
    as_written: Collection[str] = (),
) -> Calls:
    """`as_written`: the drills that followed the text as first written, and were replayed by its rules. Those
    of which no alerts were replayed have no place in it."""
    told = [verdict for verdict in verdicts if verdict.alerts is not None]
    alerts = list(
        dict.fromkeys(
            rule.alert
            for verdict in sorted(told, key=lambda each: each.drill in as_written)
            for event in recordings.get(verdict.drill, ())
            if isinstance(event.data, AlertsReplayed)
            for rule in event.data.rules
        )
    )
    rows = []
    for fault in sorted({verdict.fault for verdict in told}, key=lambda name: (not name, name)):
        mine = [verdict for verdict in told if verdict.fault == fault]
        cells = [_entries(mine, partial(_said, recordings, alert), as_written) for alert in alerts]
        rows.append(CallRow(fault or NOTHING, cells, _entries(mine, _gap, as_written)))
    uncovered = [alert for column, alert in enumerate(alerts) if not any(row.cells[column] for row in rows)]
    return Calls(alerts, rows, uncovered)


def _entries(
    verdicts: Sequence[DrillVerdict],
    said: Callable[[DrillVerdict], tuple[str, str] | None],
    as_written: Collection[str],
) -> list[CallEntry]:
    """Of each drill that says anything. `said`: kind and words."""
    return [
        CallEntry(verdict.drill, verdict.scenario, *found, verdict.drill in as_written)
        for verdict in verdicts
        if (found := said(verdict)) is not None
    ]


def _said(
    recordings: Mapping[str, Sequence[Event]], alert: str, verdict: DrillVerdict
) -> tuple[str, str] | None:
    """What a drill says of an alert; None where it did not fire."""
    data = [event.data for event in recordings.get(verdict.drill, ())]
    staged = [each for each in data if isinstance(each, AlertStaged)]
    received = [each.seconds for each in staged if (each.alert, each.stage) == (alert, "received")]
    if received:
        return "meant", f"received after {seconds_text(min(received))}"
    fired = [seen for seen in verdict.alerts or () if seen.alert == alert]
    seconds = min((seen.firing_seconds for seen in fired if seen.firing_seconds is not None), default=None)
    if seconds is None:
        return None
    if not verdict.faults:
        return "wrong", "fires"
    if seconds < 0:
        return "wrong", f"{seconds_text(-seconds)} before the fault"
    fires = f"after {seconds_text(seconds)}"
    started = next((each for each in data if isinstance(each, DrillStarted)), None)
    any_may = started is not None and any_may_fire(started, felt=bool(verdict.outages))
    if any_may or any(seen.meant for seen in fired):
        return "meant", fires
    return "wrong", f"{fires}, and is not meant to"


def _gap(verdict: DrillVerdict) -> tuple[str, str] | None:
    """Nobody is called, or not in time, or nobody can tell; None where none of it is."""
    detected = next((each for each in verdict.criteria if each.name == "detected"), None)
    if detected is None or detected.verdict in ("pass", "not applicable"):
        return None
    if detected.verdict == "inconclusive":
        return "open", "undecided"
    return "wrong", "nobody is called" if detected.value is None else "not in time"
