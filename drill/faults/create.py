"""Objects that somebody made: a quota, a webhook, a second autoscaler, a pod. They are deleted again."""

from __future__ import annotations

from typing import Any

from drill.cluster.access import AbsentError, Cluster, Json
from drill.cluster.objects import PATHS, path_of
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, StruckWorkload, kind
from drill.faults.sights import Shows
from drill.faults.target_object import Lost, lose_pods
from drill.recording import now


class CreateParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """`objects`: as `kubectl create` takes them, made in this order; without a namespace in that of the
    target. Texts in them may hold {workload}, {container}, {service}, {namespace}, {image} and {command}."""

    objects: list[dict[str, Any]]
    shows: Shows
    lost_pods: Lost = "none"


@kind("create")
class Create(Fault, frozen=True):
    """As its parameters."""

    parameters = CreateParameters

    objects: list[dict[str, Any]]
    subject: StruckWorkload
    shows: Shows
    lost_pods: Lost

    @classmethod
    def prepare(cls, site: Site, parameters: CreateParameters) -> Create:
        objects: list[Json] = site.filled_in(parameters.objects)
        for item in objects:
            if item.get("kind") not in PATHS:
                raise FaultError(
                    f"{item.get('kind')}: expected a kind that can be put back: {', '.join(PATHS)}"
                )
            if _exists(site.cluster, item):
                raise FaultError(f"{_shown(item)} is there already: making it would change nothing")
        return cls(objects, site.subject, parameters.shows.filled(site), parameters.lost_pods)

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        for item in self.objects:
            cluster.request("POST", path_of(item["kind"], _namespace(cluster, item)), item)
        lost = lose_pods(cluster, self.subject, self.lost_pods)
        return Injected(before, {"made": [_shown(item) for item in self.objects], "lost": lost})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        return self.shows.at(cluster, self.subject)

    def undo(self, cluster: Cluster) -> str:
        there = [item for item in reversed(self.objects) if _exists(cluster, item)]
        for item in there:
            cluster.delete(_path(cluster, item), grace_seconds=0)
        if not there:
            return "none of what was made is there: nothing was left to undo"
        return f"deleted {', '.join(map(_shown, there))}"


def _exists(cluster: Cluster, item: Json) -> bool:
    try:
        cluster.get(_path(cluster, item))
    except AbsentError:
        return False
    return True


def _path(cluster: Cluster, item: Json) -> str:
    return path_of(item["kind"], _namespace(cluster, item), item["metadata"]["name"])


def _namespace(cluster: Cluster, item: Json) -> str:
    return str(item["metadata"].get("namespace") or cluster.namespace)


def _shown(item: Json) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"
