"""Drills run by another command of drill, each run a process of its own. Whatever ends the command, an
interrupt or `kill -9`, the run is told to end, and puts back what it broke."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import BinaryIO

KEEPER = Path(__file__).with_name("child_keeper.py")


def pytest_command(arguments: Sequence[str]) -> tuple[str, ...]:
    """A command line of pytest, by the same Python."""
    return (sys.executable, "-m", "pytest", *arguments)


def run_child(
    command: Sequence[str],
    *,
    output: BinaryIO | int | None = None,
    folder: Path | None = None,
    longest_seconds: float | None = None,
    holds: Sequence[int] = (),
) -> int | None:
    """Its exit status, 128 and the signal where one ended it; None where it was told to end after
    `longest_seconds`. `output`: where both its streams go; an int takes standard output only; None leaves
    both where they are. `holds`: open locks, held until the run has ended, whatever ends this process.
    SIGTERM is taken as Ctrl-C, and KeyboardInterrupt raised once the run has ended."""
    with (
        ends_on_sigterm(),
        subprocess.Popen(
            [sys.executable, str(KEEPER), *command],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=None if isinstance(output, int) or output is None else subprocess.STDOUT,
            start_new_session=True,
            pass_fds=holds,
        ) as process,
    ):
        try:
            return process.wait(longest_seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return None
        except KeyboardInterrupt:
            _end(process)
            raise


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """SIGTERM ends what happens inside as Ctrl-C does: what was changed is put back first."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(f"signal {number}")

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The keeper ends the run once its standard input closes, and bounds how long that may take."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
