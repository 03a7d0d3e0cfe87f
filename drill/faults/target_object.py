"""Which object of the target an experiment means, and pods that are lost besides."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from drill.cluster.access import Cluster
from drill.cluster.autoscalers import autoscalers_of
from drill.cluster.objects import PATHS
from drill.errors import FaultError
from drill.faults.fault import Site, StruckWorkload

ObjectName = Annotated[str, msgspec.Meta(pattern=r"^(workload|service|autoscaler|[A-Z]\w+/\S+)$")]
"""The workload's own object, the target's Service, the workload's autoscaler, or KIND/NAME of another; a name
may hold {workload}, {container}, {service} and {namespace}."""
Lost = Literal["none", "one", "all"]
"""How many of the workload's pods are deleted besides, so that new ones have to be made."""


def object_named(site: Site, name: str) -> tuple[str, str]:
    """Kind and name of the object. Raises FaultError where there is no such kind, or no autoscaler."""
    workload = site.workload
    if name == "autoscaler":
        found = autoscalers_of(site.cluster, workload.name, workload.kind)
        if not found:
            raise FaultError(f"no autoscaler aims at {workload.name}: there is nothing to change")
        return "HorizontalPodAutoscaler", str(found[0]["metadata"]["name"])
    named = {
        "workload": f"{workload.kind}/{workload.name}",
        "service": f"Service/{site.settings.target.service}",
    }.get(name, site.filled(name))
    kind, _, rest = named.partition("/")
    if kind not in PATHS:
        raise FaultError(f"{kind}: expected a kind that can be put back: {', '.join(PATHS)}")
    return kind, rest


def lose_pods(cluster: Cluster, subject: StruckWorkload, lost: Lost) -> list[str]:
    """Delete so many pods of the workload, at once; their names."""
    if lost == "none":
        return []
    pods = cluster.pods(subject.workload, subject.workload_kind)
    names = sorted(pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"])
    names = names[:1] if lost == "one" else names
    for name in names:
        cluster.delete(cluster.core("pods", name), grace_seconds=0)
    return names
