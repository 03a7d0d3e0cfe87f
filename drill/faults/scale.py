"""A workload asked for another number of replicas."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from drill.cluster.access import AbsentError, Cluster
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, StruckWorkload, kind
from drill.faults.sights import Shows
from drill.recording import now


class ScaleParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """`replicas`: how many are asked for."""

    shows: Shows
    replicas: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0


@kind("scale")
class Scale(Fault, frozen=True):
    """`replicas`: while the fault is in; `before`: what is put back."""

    parameters = ScaleParameters

    subject: StruckWorkload
    replicas: int
    before: int
    shows: Shows

    @classmethod
    def prepare(cls, site: Site, parameters: ScaleParameters) -> Scale:
        workload = site.workload
        present = site.cluster.workload(workload.name, workload.kind)["spec"].get("replicas", 1)
        if present == parameters.replicas:
            raise FaultError(f"{workload.name} has {present} replicas already: scaling would change nothing")
        return cls(site.subject, parameters.replicas, present, parameters.shows.filled(site))

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        cluster.scale(self.subject.workload, self.replicas, self.subject.workload_kind)
        return Injected(before, {"workload": self.subject.workload, "replicas_before": self.before})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        return self.shows.at(cluster, self.subject)

    def undo(self, cluster: Cluster) -> str:
        try:
            present = cluster.workload(self.subject.workload, self.subject.workload_kind)["spec"].get(
                "replicas", 1
            )
        except AbsentError:
            return f"{self.subject.workload} is gone: there is nothing to scale back"
        if present != self.replicas:
            return f"{self.subject.workload} had {present} replicas again: nothing was left to undo"
        cluster.scale(self.subject.workload, self.before, self.subject.workload_kind)
        return f"scaled {self.subject.workload} back to {self.before}"
