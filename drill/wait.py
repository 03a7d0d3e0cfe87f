"""Waiting for a condition with a deadline. The only place in drill that sleeps.

Flows in: a function that looks once. Flows out: what it saw when it was satisfied, or a DeadlineError that
tells what it last saw.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from drill.errors import DeadlineError

Seen = TypeVar("Seen")


def until(
    awaited: str,
    look: Callable[[], Seen],
    satisfied: Callable[[Seen], bool] = bool,
    *,
    seconds: float,
    every_seconds: float = 0.2,
) -> Seen:
    """Call `look` every `every_seconds` until `satisfied` holds for what it returns; return that.

    It looks at least once, and once more at the deadline. Raises DeadlineError after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if satisfied(seen):
            return seen
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise DeadlineError(awaited, seconds, seen)
        time.sleep(min(every_seconds, remaining))


def until_lasting(
    awaited: str,
    look: Callable[[], bool],
    *,
    lasting_seconds: float,
    seconds: float,
    every_seconds: float = 0.2,
) -> None:
    """Call `look` every `every_seconds` until it has been true at every look for `lasting_seconds` (0: once).

    Raises DeadlineError after `seconds`, with what the last look saw.
    """
    since: float | None = None

    def lasts() -> str:
        nonlocal since
        well = look()
        now = time.monotonic()
        since = (now if since is None else since) if well else None
        return "not so" if since is None else f"so for {now - since:.1f} s"

    until(
        awaited,
        lasts,
        lambda _: since is not None and time.monotonic() - since >= lasting_seconds,
        seconds=seconds,
        every_seconds=every_seconds,
    )


def pause(seconds: float) -> None:
    """Let `seconds` pass: the length of a window is itself the condition."""
    time.sleep(max(0.0, seconds))
