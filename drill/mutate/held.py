"""A folder of results is one command's at a time. Flows in: the folder. Flows out: it, for as long as the
block runs, and for nobody else.

The kernel's own lock on a file in it: it is gone with the last process that has it, however that ended. A
drill has it as well, so that nobody removes the copy that it runs in while it puts back.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drill.errors import SetupError, filling_disk
from drill.run.child import ends_on_sigterm

LOCK = "lock"
"""Holds the process id of the command that has the folder, or had it last."""


@contextmanager
def hold_folder(folder: Path) -> Iterator[int]:
    """Have the folder for this command alone, and give the open lock, for drills to have as well. SIGTERM
    ends what happens inside as Ctrl-C does. Raises SetupError that says which process has it."""
    file = folder / LOCK
    with filling_disk(f"keep in {file} who has {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(lock, folder)
        with ends_on_sigterm():
            yield lock
    finally:
        os.close(lock)


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode().strip()
        raise SetupError(f"{folder}: {_told(holder)}") from None
    with filling_disk(f"keep in {folder / LOCK} who has {folder}"):
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _told(holder: str) -> str:
    if Path(f"/proc/{holder}").exists():
        return (
            f"process {holder} has it. Wait until that has ended, or end it with `kill {holder}`: its drill "
            "puts back what it broke, and what is known is kept"
        )
    return (
        f"process {holder} had it and is gone, but the drill that it began still puts back what it broke: "
        "run this again when that has ended, in a few minutes at most"
    )
