"""What was answered by an emulator, and not by what it stands for. Flows in: commands, events. Flows out: the
words that a verdict adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from drill.programs import calls
from drill.recording import Event, all_of
from drill.recording.events import CloudBegun, CommandFinished

CLOUD_TOOL = "aws"


def emulated(events: Sequence[Event], commands: Iterable[CommandFinished]) -> str:
    """What is to be said of commands that an emulator answered; empty where none of them was."""
    emulators = [begun.emulator for begun in all_of(CloudBegun, events) if not begun.trouble]
    if not emulators or not any(calls(command.command, CLOUD_TOOL) for command in commands):
        return ""
    return f"; {CLOUD_TOOL} was answered by {emulators[-1]} on this machine, not by AWS"


def unanswered(events: Sequence[Event], missing: Sequence[str]) -> str:
    """Why the cloud's command line was missing, in parentheses; empty where it was not, or where that is not
    known."""
    troubles = [begun.trouble for begun in all_of(CloudBegun, events) if begun.trouble]
    return f" ({troubles[-1]})" if troubles and CLOUD_TOOL in missing else ""
