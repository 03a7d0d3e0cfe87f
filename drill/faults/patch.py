"""An object of the target changed by a patch, and put back as it was."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from drill.cluster.access import AbsentError, Cluster
from drill.cluster.objects import PATHS, essence, path_of, replace, stripped
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, kind
from drill.faults.sights import Shows
from drill.recording import now

STRATEGIC = "application/strategic-merge-patch+json"


class PatchParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """`object`: what is patched: the workload's own object, the target's Service, or KIND/NAME of another;
    `patch`: a strategic merge patch. Texts in both may hold {workload}, {container}, {service} and
    {namespace}."""

    patch: dict[str, Any]
    shows: Shows
    object: Annotated[str, msgspec.Meta(pattern=r"^(workload|service|[A-Z]\w+/\S+)$")] = "workload"


@kind("patch")
class Patch(Fault, frozen=True):
    """`before`: the object without what the server fills in; it is what is put back."""

    parameters = PatchParameters

    object_kind: str
    name: str
    patch: dict[str, Any]
    before: dict[str, Any]
    workload: str
    workload_kind: str
    service: str
    shows: Shows

    @classmethod
    def prepare(cls, site: Site, parameters: PatchParameters) -> Patch:
        workload = site.workload
        named = {
            "workload": f"{workload.kind}/{workload.name}",
            "service": f"Service/{site.settings.target.service}",
        }.get(parameters.object, site.filled(parameters.object))
        object_kind, _, name = named.partition("/")
        if object_kind not in PATHS:
            raise FaultError(f"{object_kind}: expected a kind that can be put back: {', '.join(PATHS)}")
        live = site.cluster.get(path_of(object_kind, site.cluster.namespace, name))
        return cls(
            object_kind,
            name,
            site.filled_in(parameters.patch),
            stripped(live, live["apiVersion"], object_kind),
            workload.name,
            workload.kind,
            site.settings.target.service,
            parameters.shows,
        )

    def shown(self) -> dict[str, Any]:
        shown = {**super().shown(), "before": essence(self.before)}
        if self.object_kind == "Secret":
            shown["patch"] = essence({"kind": "Secret", "metadata": {"labels": {}}, **self.patch})
        return shown

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        cluster.request("PATCH", self._path(cluster), self.patch, content_type=STRATEGIC)
        return Injected(before, {"object": f"{self.object_kind}/{self.name}", "patch": self.shown()["patch"]})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        return self.shows.look(cluster, self.service, self.workload, self.workload_kind)

    def undo(self, cluster: Cluster) -> str:
        shown = f"{self.object_kind}/{self.name}"
        try:
            live = cluster.get(self._path(cluster))
        except AbsentError:
            cluster.request("POST", path_of(self.object_kind, cluster.namespace), self.before)
            return f"{shown} was gone: made it anew"
        if essence(stripped(live, live["apiVersion"], self.object_kind)) == essence(self.before):
            return f"{shown} is as it was: nothing was left to undo"
        replace(cluster, self._path(cluster), self.before)
        return f"put {shown} back"

    def _path(self, cluster: Cluster) -> str:
        return path_of(self.object_kind, cluster.namespace, self.name)
