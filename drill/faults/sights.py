"""What the platform shows of a fault, as an experiment states it: every field that is given must be so."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from drill.cluster.access import Cluster
from drill.cluster.health import statuses_of
from drill.faults.fault import Sight

Some = Literal["some", "none"]


class Shows(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`endpoints`: ready addresses of the target's Service; `ready`: pods of the workload that are Ready;
    `running`: of its containers; `waiting`: a pattern that the reason for which a container waits must match.
    """

    endpoints: Some | None = None
    ready: Some | None = None
    running: Some | None = None
    waiting: str = ""

    def look(self, cluster: Cluster, service: str, workload: str, workload_kind: str) -> Sight:
        """Look once at all that is stated."""
        seen: list[str] = []
        fits: list[bool] = []
        if self.endpoints:
            count = len(cluster.endpoints(service))
            fits.append((count > 0) == (self.endpoints == "some"))
            seen.append(f"{count} endpoints of service {service}")
        if self.ready or self.running or self.waiting:
            pods = cluster.pods(workload, workload_kind)
            pods = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
            statuses = [status for pod in pods for status in statuses_of(pod)]
            ready = sum(bool(status.get("ready")) for status in statuses)
            running = sum("running" in status.get("state", {}) for status in statuses)
            reasons = [status.get("state", {}).get("waiting", {}).get("reason", "") for status in statuses]
            if self.ready:
                fits.append((ready > 0) == (self.ready == "some"))
            if self.running:
                fits.append((running > 0) == (self.running == "some"))
            if self.waiting:
                fits.append(any(reason and re.search(self.waiting, reason) for reason in reasons))
            waiting = ", ".join(sorted(set(filter(None, reasons)))) or "none"
            seen.append(f"{workload}: {ready} containers ready, {running} running, waiting: {waiting}")
        return Sight(bool(fits) and all(fits), "; ".join(seen))
