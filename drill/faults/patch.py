"""An object of the target changed by a patch, and put back as it was."""

from __future__ import annotations

from typing import Any

from drill.cluster.access import AbsentError, Cluster
from drill.cluster.objects import essence, path_of, replace, stripped
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, StruckWorkload, kind
from drill.faults.sights import Shows
from drill.faults.target_object import ObjectName, object_named
from drill.recording import now

STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class PatchParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """`object`: what is patched; `patch`: a strategic merge patch, or the operations of a JSON patch. Texts
    in it may hold {workload}, {container}, {service}, {namespace}, {image} and {command}."""

    patch: dict[str, Any] | list[dict[str, Any]]
    shows: Shows
    object: ObjectName = "workload"


@kind("patch")
class Patch(Fault, frozen=True):
    """`before`: the object without what the server fills in; it is what is put back."""

    parameters = PatchParameters

    object_kind: str
    name: str
    patch: dict[str, Any] | list[dict[str, Any]]
    before: dict[str, Any]
    subject: StruckWorkload
    shows: Shows

    @classmethod
    def prepare(cls, site: Site, parameters: PatchParameters) -> Patch:
        object_kind, name = object_named(site, parameters.object)
        live = site.cluster.get(path_of(object_kind, site.cluster.namespace, name))
        return cls(
            object_kind,
            name,
            site.filled_in(parameters.patch),
            stripped(live, live["apiVersion"], object_kind),
            site.subject,
            parameters.shows.filled(site),
        )

    def shown(self) -> dict[str, Any]:
        shown = {**super().shown(), "before": essence(self.before)}
        if self.object_kind == "Secret" and isinstance(self.patch, dict):
            shown["patch"] = essence({"kind": "Secret", "metadata": {"labels": {}}, **self.patch})
        return shown

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        how = STRATEGIC if isinstance(self.patch, dict) else JSON_PATCH
        cluster.request("PATCH", self._path(cluster), self.patch, content_type=how)
        return Injected(before, {"object": f"{self.object_kind}/{self.name}", "patch": self.shown()["patch"]})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        return self.shows.at(cluster, self.subject)

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
