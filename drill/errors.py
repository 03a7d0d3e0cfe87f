"""The one error tree of drill. Flows in: what was expected, what was last observed, what to do. Flows out: an
exit status.

Nothing here imports anything else of drill.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DrillError(Exception):
    """Base of every error that drill raises on purpose. Printed without a traceback, it ends the run with
    `exit_status`.
    """

    exit_status = 3


class UsageError(DrillError):
    """The command line or a configuration asks for something that cannot be done. Nothing was changed."""


class SetupError(DrillError):
    """The machine, the cluster or the target is not fit to be drilled. Never blamed on the target's
    resilience.
    """


class InputError(UsageError):
    """A file says something wrong. Names the file, the line (1-based, where known), the value and what would
    be right.
    """

    def __init__(self, path: Path | str, line: int | None, value: object, expected: str) -> None:
        self.path, self.line, self.value, self.expected = Path(path), line, value, expected
        place = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{place}: {value!r} is not right here: expected {expected}")


class ForeignClusterError(UsageError):
    """The context is not one that drill may touch (design decision 10). Raised before any request leaves."""


class DeadlineError(DrillError):
    """A condition was not met in time. Says what was awaited, for how long, and what was last seen."""

    def __init__(self, awaited: str, seconds: float, last_seen: object) -> None:
        self.awaited, self.seconds, self.last_seen = awaited, seconds, last_seen
        super().__init__(f"waited {seconds:.1f} s for {awaited}; last seen: {last_seen}")


class FaultError(SetupError):
    """A fault could not be injected, was not witnessed within its deadline, or could not be undone."""


class ToolMissingError(SetupError):
    """A program that a step needs is not on this machine. What needs it is inconclusive, never skipped in
    silence.
    """


NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "it is read-only",
}


@contextmanager
def filling_disk(doing: str) -> Iterator[None]:
    """A disk that takes no more is a SetupError that names the place, not a traceback. `doing`: "keep ... in
    ..."."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        place = f"{error.filename}: " if error.filename else ""
        raise SetupError(
            f"{place}cannot {doing}: {NO_ROOM[error.errno]}; make room and run this again"
        ) from error
