"""Nothing is broken: the drill of all drills' own noise."""

from __future__ import annotations

from typing import Any

from drill.cluster.access import Cluster
from drill.faults.fault import Fault, Injected, Sight, Site, kind
from drill.recording import now


@kind("nothing")
class Nothing(Fault, frozen=True):
    """Touches nothing; its record is empty."""

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> Nothing:
        return cls()

    def inject(self, cluster: Cluster) -> Injected:
        return Injected(now(), {})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        return Sight(True, "nothing was broken")

    def undo(self, cluster: Cluster) -> str:
        return "nothing was broken: nothing was left to undo"
