"""The processes of a night. Flows in: a command. Flows out: how it ended. Their output is the night's own."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from drill.run.child import run_child
from drill.run.outcome import SETUP

DRILL = ("-c", "from drill.start import main; main()")


@dataclass(frozen=True)
class NightStep:
    """`exit_status`: one of drill's four; `seconds`: how long it took."""

    name: str
    exit_status: int
    seconds: float


def drill_command(arguments: Sequence[str]) -> list[str]:
    """A command line of drill, by the same Python."""
    return [sys.executable, *DRILL, *arguments]


def run_step(name: str, command: Sequence[str]) -> NightStep:
    """Run it to its end, however long that takes: drills bound themselves. A status that is none of drill's
    (a signal, pytest's own) says that it could not be carried out."""
    begun = time.monotonic()
    status = run_child(command)
    told = status if status is not None and status <= SETUP else SETUP
    return NightStep(name, told, time.monotonic() - begun)
