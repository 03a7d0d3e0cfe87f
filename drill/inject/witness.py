"""The witness of a fault: what the platform shows of it, and what users feel.

A failed fault is felt by a failed request, a slow one by slow requests or failed ones, a latent one by
nobody. A request that the load itself spoilt tells nothing, and is not among those that are looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from drill import wait
from drill.errors import DeadlineError
from drill.faults.fault import Sight
from drill.recording import Request
from drill.recording.events import Felt
from drill.settings import Settings

LOOK_EVERY_SECONDS = 0.02
SLOW_REQUESTS, SLOW_SHARE = 5, 0.2
"""A slow fault is felt once so many requests, and such a share of all since the injection, took too long."""


class UsersSeen(Protocol):
    """What users see while a drill runs; drill.load's RequestTail is one."""

    def poll(self) -> object:
        """Take in what was recorded since the last call."""

    def measured_since(self, monotonic: float, names: Collection[str]) -> list[Request]:
        """Requests of these names planned at or after `monotonic`, but for those that the load itself
        spoilt.
        """


class Seen(msgspec.Struct):
    """What has been witnessed so far. `platform`, `users`: what was seen, None while nothing was;
    `last_sight`: of the platform; `moments`: monotonic seconds of what was seen."""

    platform: str | None = None
    users: str | None = None
    last_sight: str = ""
    moments: list[float] = []

    @property
    def whole(self) -> bool:
        """Both sides were seen, or need not be."""
        return self.platform is not None and self.users is not None


def watch(
    look: Callable[[], Sight],
    users: UsersSeen | None,
    *,
    felt: Felt,
    start: float,
    seconds: float,
    names: Collection[str],
    slow_seconds: float,
) -> Seen:
    """Watch both sides of a fault that was injected at `start` (monotonic seconds) until they show it, at
    most `seconds` after it; what was seen by then. `names`: of the requests that it may hit; `slow_seconds`:
    longer is slow. Nobody is waited for where the fault is latent, or no users are there."""
    seen = Seen(moments=[start])
    if felt in ("latent", "nothing") or users is None:
        seen.users = ""

    def look_once() -> Seen:
        if users is not None and seen.users is None:
            users.poll()
            _feel(felt, start, users.measured_since(start, names), slow_seconds, seen)
        if seen.platform is None:
            sight = look()
            seen.last_sight = sight.observed
            if sight.shows:
                seen.platform = sight.observed
                seen.moments.append(time.monotonic())
        return seen

    try:
        return wait.until(
            "the effect of a fault",
            look_once,
            lambda so_far: so_far.whole,
            seconds=max(0.0, start + seconds - time.monotonic()),
            every_seconds=LOOK_EVERY_SECONDS,
        )
    except DeadlineError:
        return seen


def _feel(felt: Felt, start: float, requests: list[Request], slow_seconds: float, seen: Seen) -> None:
    failed = [request for request in requests if request.error]
    if failed:
        first = min(failed, key=lambda request: request.finished)
        seen.users = f"failed request {first.name}: {first.error}"
        seen.moments.append(first.finished)
        return
    if felt != "slow":
        return
    slow = [request for request in requests if request.finished - request.planned > slow_seconds]
    if len(slow) >= max(SLOW_REQUESTS, SLOW_SHARE * len(requests)):
        first = slow[0]
        seen.users = f"{len(slow)} of {len(requests)} requests slow, the first {first.name}: "
        seen.users += f"{first.finished - first.planned:.2f} s"
        seen.moments.append(max(start, slow[SLOW_REQUESTS - 1].finished))


def affected_requests(settings: Settings, part: str) -> list[str]:
    """Names of the requests that a fault of this part may hit: those that need it, or all where none says so,
    or where it is the application's (empty)."""
    needing = [request.name for request in settings.load.requests if part in request.needs]
    return needing or [request.name for request in settings.load.requests]
