"""What a fault is made of. Flows in: the cluster and the settings. Flows out: what was broken and when, what
the platform shows of it, and how it was put back.

Each is one class with five small methods, the two that look may be called any number of times. The order in
which they are called is kept by drill.inject and by experiments/*.yaml, not here.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

from drill.cluster.access import Cluster
from drill.recording import Moment, now
from drill.settings import Settings

Part = Literal["database", "redis"]
Arguments = dict[str, Any]


class Injected(msgspec.Struct, frozen=True):
    """One injection. `at`: the moment just before the target was touched; `detail`: what was hit, as JSON."""

    at: Moment
    detail: dict[str, Any]


class Sight(msgspec.Struct, frozen=True):
    """One look at the platform's side of a fault: whether it shows, and what was seen."""

    shows: bool
    observed: str


class Fault(Protocol):
    """A fault by its parts. Errors of all methods: ClusterError, FaultError, DeadlineError."""

    name: str
    needs: tuple[Part, ...]
    """Sections of drill.toml without which the fault is not applicable."""
    witness: str
    """What the platform shows once the fault has taken effect, in words."""

    def prepare(self, cluster: Cluster, settings: Settings, identity: str) -> Arguments:
        """All that the undo will need, found out before anything is broken; JSON. `identity` is the ledger
        entry's.
        """

    def inject(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> Injected:
        """Break it, now."""

    def look(
        self, cluster: Cluster, settings: Settings, arguments: Arguments, detail: dict[str, Any]
    ) -> Sight:
        """Look once at the platform's side."""

    def undo(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> str:
        """Put back what is still broken, whether it was injected, half injected, not at all, or repaired by
        someone meanwhile.

        Returns what was done, in words. May be called again after it was killed half way.
        """


def moment_between(before: Moment, wall: float) -> Moment:
    """The moment at which another process of this machine's clock said `wall`; `before`, where it says what
    cannot be.
    """
    after = now()
    if not before.wall <= wall <= after.wall:
        return before
    return Moment(wall=wall, monotonic=before.monotonic + (wall - before.wall))
