"""What was answered by an emulator, and not by what it stands for. Flows in: commands, events. Flows out: the
words that a verdict adds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from drill.recording import Event
from drill.recording.events import CloudBegun, CommandFinished

CLOUD_TOOL = "aws"
CALLS_CLOUD = re.compile(rf"^(?!\s*#).*?(?<![\w./-]){CLOUD_TOOL}(?![\w./-])", re.MULTILINE)


def calls_cloud(text: str) -> bool:
    """Whether a text of commands starts the cloud's command line, as far as its words tell: a comment does
    not."""
    return CALLS_CLOUD.search(text) is not None


def emulated(events: Sequence[Event], commands: Iterable[CommandFinished]) -> str:
    """What is to be said of commands that an emulator answered; empty where none of them was."""
    emulators = [
        each.data.emulator for each in events if isinstance(each.data, CloudBegun) and not each.data.trouble
    ]
    if not emulators or not any(calls_cloud(command.command) for command in commands):
        return ""
    return f"; {CLOUD_TOOL} was answered by {emulators[-1]} on this machine, not by AWS"


def unanswered(events: Sequence[Event], missing: Sequence[str]) -> str:
    """Why the cloud's command line was missing, in parentheses; empty where it was not, or where that is not
    known."""
    troubles = [
        each.data.trouble for each in events if isinstance(each.data, CloudBegun) and each.data.trouble
    ]
    return f" ({troubles[-1]})" if troubles and CLOUD_TOOL in missing else ""
