"""What the operator did. Flows in: events in order of time. Flows out: each command that ended, with the
block of the runbook that it belongs to; the tools that were missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from drill.recording import Event, all_of
from drill.recording.events import CommandFinished, ProcedureFinished, ProcedureStarted


class Followed(NamedTuple):
    """One command of one block; `begun`: when the block was, monotonic seconds."""

    block: ProcedureStarted
    begun: float
    command: CommandFinished


def followed(events: Iterable[Event]) -> Iterator[Followed]:
    """Every command, in order of time."""
    block, begun = None, 0.0
    for event in events:
        if isinstance(event.data, ProcedureStarted):
            block, begun = event.data, event.monotonic
        elif isinstance(event.data, CommandFinished) and block is not None:
            yield Followed(block, begun, event.data)


def missing_tools(events: Iterable[Event]) -> list[str]:
    """Programs that procedures called, and that were not on the operator's machine; sorted."""
    return sorted({tool for end in all_of(ProcedureFinished, events) for tool in end.missing_tools})
