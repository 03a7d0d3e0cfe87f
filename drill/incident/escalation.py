"""Who is called when. Flows in: the runbook's list of contacts and its response times. Flows out: each level
with the time since the start from which on it is called.

A runbook lists levels and seldom says when each is reached. Unless drill.toml does, one level is added each
time that the severity's response time has passed; where that is so, the words say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drill.baselines import Limit
from drill.baselines.limits import named_item
from drill.runbook import Runbook


@dataclass(frozen=True)
class Interval:
    """How long a severity waits for the next update, or the next level. `source`: who says so."""

    seconds: float
    source: str


@dataclass(frozen=True)
class EscalationLevel:
    """`after_seconds`: since the start; `line`: of the runbook."""

    name: str
    who: str
    line: int
    after_seconds: float


def interval_of(
    severity: str, minutes: Mapping[str, float], key: str, response_times: Mapping[str, Limit]
) -> Interval | None:
    """What drill.toml states in [communication] `key`, else the runbook's response time of that severity;
    None where neither does."""
    if severity in minutes:
        return Interval(minutes[severity] * 60, f"[communication] {key} of drill.toml")
    limit = response_times.get(severity)
    return Interval(limit.value, f"the response time of {severity}, {limit.source}") if limit else None


def levels_of(runbook: Runbook, title: str, interval: Interval) -> list[EscalationLevel]:
    """In the order of the runbook's list, the first from the start. Raises InputError where there is no such
    section or no list in it."""
    found = []
    for number, item in enumerate(runbook.items_of(title)):
        named = named_item(item.text)
        found.append(EscalationLevel(named.name, named.said.strip(), item.line, number * interval.seconds))
    return found


def reached(levels: list[EscalationLevel], since_seconds: float) -> list[EscalationLevel]:
    """Those that are called by so many seconds since the start."""
    return [each for each in levels if each.after_seconds <= since_seconds]
