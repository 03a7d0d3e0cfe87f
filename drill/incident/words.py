"""A notice for people and for programs. Flows in: notices. Flows out: text, Markdown, JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from drill.incident.escalation import EscalationLevel
from drill.incident.notice import Incident, Notice, moment_text
from drill.incident.template import UnknownPlaceholder
from drill.report import units
from drill.report.templates import markdown_cell

RULE_OF_DRILL = "one level more each time that it has passed; the runbook's list states no times"


def notice_text(notice: Notice) -> str:
    """For a terminal, and to be sent as it is."""
    return "\n".join(_text(notice)) + "\n"


def notice_markdown(notice: Notice) -> str:
    """For a ticket: the filled template as a block, the rest as lists."""
    return "\n".join(_markdown(notice)) + "\n"


def notices_json(run: str, notices: Sequence[Notice]) -> str:
    """All of a run. Times are seconds since the epoch (`wall`) or seconds."""
    body = {"run": run, "notices": [_plain(each) for each in notices]}
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def _text(notice: Notice) -> Iterator[str]:
    yield f"{notice.scenario}  ({notice.drill})"
    if notice.incident is None:
        yield f"  {_nothing(notice)}"
        return
    yield ""
    yield notice.incident.filled.text
    yield from (f"  {each}" for each in _facts(notice.incident))


def _markdown(notice: Notice) -> Iterator[str]:
    yield f"## {markdown_cell(notice.scenario)}"
    yield ""
    if notice.incident is None:
        yield markdown_cell(_nothing(notice))
        return
    yield "````text"
    yield notice.incident.filled.text.rstrip("\n")
    yield "````"
    yield ""
    yield from (f"- {markdown_cell(each)}" for each in _facts(notice.incident))


def _nothing(notice: Notice) -> str:
    return f"{'no incident' if notice.kind == 'none' else 'not told'}: {notice.why}"


def _facts(incident: Incident) -> Iterator[str]:
    yield f"severity: {incident.severity_text}"
    if len(incident.impact.kinds) > 1:
        for each in incident.impact.kinds:
            slow = "" if each.slow is None else f", {each.slow} slow"
            yield f"{each.name}: {each.failed} of {each.requests} failed{slow}"
    if incident.update_interval:
        interval = incident.update_interval
        yield f"updates: each {units.seconds_text(interval.seconds)}, {interval.source}"
    if incident.level_interval:
        rule = incident.level_interval
        yield f"escalation: {units.seconds_text(rule.seconds)}, {rule.source}; {RULE_OF_DRILL}"
    else:
        yield "escalation: unknown; the severity, and a response time of it in the runbook, would tell"
    called = set(incident.called)
    yield from (_level(each, incident.started_wall, called=each in called) for each in incident.levels)
    yield from incident.remarks
    yield from (_unknown(each) for each in incident.filled.unknown)


def _level(level: EscalationLevel, started_wall: float, *, called: bool) -> str:
    when = moment_text(started_wall + level.after_seconds)
    state = "called" if called else "not reached"
    return f"{level.name}, from {when}: {level.who} (line {level.line}): {state}"


def _unknown(each: UnknownPlaceholder) -> str:
    return f"unknown: {{{each.placeholder}}} (line {each.line}); {each.would_tell} would tell"


def _plain(notice: Notice) -> dict[str, Any]:
    return asdict(notice)
