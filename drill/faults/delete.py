"""An object of the target deleted, and made anew as it was."""

from __future__ import annotations

from typing import Any

from drill.cluster.access import Cluster, ConflictError
from drill.cluster.objects import essence, path_of, stripped
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, StruckWorkload, kind
from drill.faults.sights import Shows
from drill.faults.target_object import ObjectName, object_named
from drill.recording import now


class DeleteParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """`object`: what is deleted."""

    object: ObjectName
    shows: Shows


@kind("delete")
class Delete(Fault, frozen=True):
    """`before`: the object without what the server fills in; it is made anew from it."""

    parameters = DeleteParameters

    object_kind: str
    name: str
    before: dict[str, Any]
    subject: StruckWorkload
    shows: Shows

    @classmethod
    def prepare(cls, site: Site, parameters: DeleteParameters) -> Delete:
        object_kind, name = object_named(site, parameters.object)
        live = site.cluster.get(path_of(object_kind, site.cluster.namespace, name))
        before = stripped(live, live["apiVersion"], object_kind)
        return cls(object_kind, name, before, site.subject, parameters.shows.filled(site))

    def shown(self) -> dict[str, Any]:
        return {**super().shown(), "before": essence(self.before)}

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        cluster.delete(path_of(self.object_kind, cluster.namespace, self.name))
        return Injected(before, {"deleted": f"{self.object_kind}/{self.name}"})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        return self.shows.at(cluster, self.subject)

    def undo(self, cluster: Cluster) -> str:
        shown = f"{self.object_kind}/{self.name}"
        try:
            cluster.request("POST", path_of(self.object_kind, cluster.namespace), self.before)
        except ConflictError:
            return f"{shown} is there: nothing was left to undo"
        return f"made {shown} anew"
