"""What a long preparation tells its user.

Flows in: the title of a stage. Flows out: lines on standard error with what is done and how long it took.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from drill.errors import SetupError, ToolMissingError


def say(line: str) -> None:
    """One line for the user, at once."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def stage(title: str) -> Iterator[None]:
    """Announce a stage, and at its end how long it took."""
    say(f"==> {title}")
    started = time.monotonic()
    yield
    say(f"    done in {time.monotonic() - started:.1f} s")


def run(command: Sequence[str], *, why: str, environment: Mapping[str, str] | None = None) -> None:
    """Run a program whose own output the user sees. Raises SetupError with `why` it was run when it fails."""
    try:
        status = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment, check=False
        ).returncode
    except FileNotFoundError as error:
        raise ToolMissingError(f"{command[0]} is not on this machine; it is needed to {why}") from error
    if status != 0:
        raise SetupError(
            f"could not {why}: `{' '.join(command)}` ended with exit status {status}; what it said stands "
            "above"
        )


def output(command: Sequence[str], *, why: str) -> str:
    """Standard output of a program, stripped. Raises SetupError with `why` and the end of what it said when
    it fails.
    """
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ToolMissingError(f"{command[0]} is not on this machine; it is needed to {why}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-800:]
        raise SetupError(
            f"could not {why}: `{' '.join(command)}` ended with exit status {done.returncode}: {said}"
        )
    return done.stdout.strip()


def succeeds(command: Sequence[str], *, seconds: float = 30) -> bool:
    """True when the program is there and ends with exit status 0 in time."""
    try:
        return (
            subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
            ).returncode
            == 0
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
