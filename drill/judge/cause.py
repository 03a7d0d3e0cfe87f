"""What the operator did, beside what users saw. Flows in: a Case. Flows out: its commands and changes in
seconds since the origin, and the command after which users were served again."""

from __future__ import annotations

from collections.abc import Sequence

from drill.judge.case import Case
from drill.judge.timeline import Timeline
from drill.judge.verdict import Change, CommandRun
from drill.recording import Event
from drill.recording.events import ClusterChanged, CommandFinished

REFUSED = 400
"""The API server's answers from here on changed nothing."""


def changes_of(case: Case) -> list[Change] | None:
    """What was changed, in order of time; None where no audit log was read."""
    if case.changes is None:
        return None
    origin = case.timeline.origin or 0.0
    return [
        Change(event.data.verb, event.data.object, event.monotonic - origin)
        for event in _made(case.changes)
        if isinstance(event.data, ClusterChanged)
    ]


def _made(changes: Sequence[Event]) -> list[Event]:
    """Those that were not refused."""
    return [
        event for event in changes if isinstance(event.data, ClusterChanged) and event.data.code < REFUSED
    ]


def came_back_after(case: Case) -> CommandRun | None:
    """The command that made the last change before users were served again; where no audit log was read, the
    last one that had ended by then. None where users never were, or nobody had acted yet."""
    timeline = case.timeline
    if timeline.recovered is None:
        return None
    by = timeline.recovered
    if case.changes is not None:
        changed = [event.monotonic for event in _made(case.changes) if event.monotonic <= by]
        by = changed[-1] if changed else float("-inf")
        begun = [command for command in case.commands if command.started <= by]
    else:
        begun = [command for command in case.commands if command.finished <= by]
    last = max(begun, key=lambda command: command.started, default=None)
    return command_run(last, timeline) if last else None


def command_run(command: CommandFinished, timeline: Timeline) -> CommandRun:
    """One command as the verdict tells it."""
    return CommandRun(
        line=command.line,
        command=command.command,
        status=command.status,
        seconds=max(0.0, command.finished - command.started),
        interrupted=command.interrupted,
        hung=command.hung,
        finished_seconds=timeline.since_origin(command.finished),
    )
