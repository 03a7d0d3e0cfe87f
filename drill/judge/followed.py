"""Which command belongs to which block of the runbook. Flows in: events in order of time. Flows out: each
command that ended, with the block that the operator was following."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from drill.recording import Event
from drill.recording.events import CommandFinished, ProcedureStarted


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
