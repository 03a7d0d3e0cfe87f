"""Making a target as it was known, and waiting once until it is so and well."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from drill import wait
from drill.cluster.access import AbsentError, Cluster, ClusterError, Json, is_throw_away
from drill.cluster.health import Health, rollout
from drill.cluster.objects import path_of, replace
from drill.cluster.pods import replace_backed_off
from drill.errors import DeadlineError, FaultError, SetupError
from drill.parts.health import target_health
from drill.parts.part import TargetPart
from drill.putback.known_state import (
    NAME_SERVER,
    WORKLOADS,
    KnownState,
    differences,
    differing,
    lasting_differences,
    observe,
)
from drill.settings import Settings

REPAIR_SECONDS = 180
UNWELL_SECONDS = 20.0
"""So long a target may take to become well by itself before it is asked whether its data is broken."""
AUTOSCALER = "HorizontalPodAutoscaler"
FORGET_SECONDS = 20.0
"""What looks after autoscalers comes to each every 15 s. It holds a workload for five minutes at the most
pods that it asked for, and forgets that only of an autoscaler that it finds gone."""
FAR_MORE = 2
"""So many times the pods that are known are what an autoscaler must not go on asking for."""


def repair(
    cluster: Cluster,
    settings: Settings,
    known: KnownState,
    *,
    copies: Sequence[tuple[TargetPart, Path]] = (),
    seconds: float = REPAIR_SECONDS,
) -> list[str]:
    """Make the target as it was, wait until it is so and well, and return the differences that there were. Of
    `copies`, those of parts that are found broken are put in their place, once it has not become well by
    itself.

    In a context that is not kind-* nothing is deleted: what appeared stays, and is named. Raises SetupError
    naming what is still different when `seconds` have passed, ClusterError where the cluster does not answer
    at all.
    """
    now = observe(cluster)
    before = differences(known, now)
    left_alone = _left_alone(cluster, known, now)
    remembering = _remembering(cluster, known, now)
    for name in remembering:
        cluster.delete(path_of(AUTOSCALER, cluster.namespace, name))
    _put_back(cluster, known, now, only=lambda kind, name: kind != AUTOSCALER or name not in remembering)
    if remembering:
        wait.pause(FORGET_SECONDS)  # the first look then makes them anew
    data = _Data(copies)

    def look() -> Health:
        seen = as_known()
        if not seen.healthy:
            data.put_back()
        return seen

    def as_known() -> Health:
        try:
            present = observe(cluster)
            left = [line for line in lasting_differences(known, present) if line not in left_alone]
            if left:
                _put_back(cluster, known, present, only=_ruled_aside(known, present))
                return Health(False, "; ".join(left))
            for kind in WORKLOADS:
                for name in known.objects.get(kind, {}):
                    seen = rollout(cluster, name, kind)
                    if not seen.healthy:
                        replace_backed_off(cluster, name, kind)
                        return seen
            return target_health(cluster, settings)
        except ClusterError as error:
            return Health(False, str(error))

    try:
        wait.until(
            f"the known state of {settings.target.name}",
            look,
            lambda seen: seen.healthy,
            seconds=seconds,
            every_seconds=0.5,
        )
    except DeadlineError as error:
        raise SetupError(f"{error}{data.trouble}. Build it anew: drill down, then drill up") from error
    return [
        f"{line}, and stays: only in kind-* is anything deleted" if line in left_alone else line
        for line in before
    ] + data.lines


class _Data:
    """What the target's parts hold, of which no object tells. `lines`: what was put back; `trouble`: what
    could not be."""

    def __init__(self, copies: Sequence[tuple[TargetPart, Path]]) -> None:
        self._copies = list(copies)
        self._next_look = time.monotonic() + UNWELL_SECONDS
        self.lines: list[str] = []
        self.trouble = ""

    def put_back(self) -> None:
        """Where a part is broken, put its copy in the place. Each is looked at until that was possible once,
        every UNWELL_SECONDS."""
        if time.monotonic() < self._next_look:
            return
        for part, copy in list(self._copies):
            try:
                if part.return_kept(copy):
                    self.lines.append(f"{part.name}: was broken, and holds what it held before the drill")
            except (ClusterError, DeadlineError):
                continue  # no pod can be had that shows it, as yet
            except FaultError as error:
                self.trouble += f"; {part.name}: {error}"
            self._copies.remove((part, copy))
        self._next_look = time.monotonic() + UNWELL_SECONDS


def _remembering(cluster: Cluster, known: KnownState, now: KnownState) -> list[str]:
    """The autoscalers that go on asking for more pods than are known, because of what was changed: their own
    rules, or the load. Of a cluster that is nobody's throw-away none, for nothing is deleted there."""
    if not is_throw_away(cluster.context):
        return []
    changed = {name for kind, name in differing(known, now) if kind == AUTOSCALER}
    return [
        name
        for name, item in known.objects.get(AUTOSCALER, {}).items()
        if name in now.objects.get(AUTOSCALER, {})
        and (name in changed or _asks_for_far_more(cluster, known, name, item))
    ]


def _asks_for_far_more(cluster: Cluster, known: KnownState, name: str, autoscaler: Json) -> bool:
    aimed = autoscaler["spec"]["scaleTargetRef"]
    workload = known.objects.get(aimed["kind"], {}).get(aimed["name"])
    if workload is None:
        return False
    status = cluster.get(path_of(AUTOSCALER, cluster.namespace, name)).get("status") or {}
    return int(status.get("desiredReplicas", 0)) >= FAR_MORE * int(workload["spec"].get("replicas", 1))


def _ruled_aside(known: KnownState, present: KnownState) -> Callable[[str, str], bool]:
    """Tells of each object whether something lasting differs: replicas that an autoscaler chose are let
    be."""
    lasting = lasting_differences(known, present)
    return lambda kind, name: any(line.startswith(f"{kind}/{name}: ") for line in lasting)


def _left_alone(cluster: Cluster, known: KnownState, now: KnownState) -> list[str]:
    """Lines of what appeared and is not deleted, since this is nobody's throw-away cluster."""
    if is_throw_away(cluster.context):
        return []
    return [line for line in differences(known, now) if line.endswith(": was not there")]


def _put_back(
    cluster: Cluster, known: KnownState, now: KnownState, only: Callable[[str, str], bool] | None = None
) -> None:
    """Change every object that differs; one that refuses does not keep the others from it. Raises the first
    ClusterError, after all was tried."""
    refused: list[ClusterError] = []
    for kind, name in differing(known, now):
        if only is not None and not only(kind, name):
            continue
        try:
            _put_one_back(
                cluster, kind, name, known.objects[kind].get(name), now.objects.get(kind, {}).get(name)
            )
        except ClusterError as error:
            refused.append(error)
    if refused:
        raise refused[0]


def _put_one_back(cluster: Cluster, kind: str, name: str, wanted: Json | None, present: Json | None) -> None:
    if kind == "Node":
        if wanted is not None and present is not None:
            cluster.request(
                "PATCH",
                path_of(kind, "", name),
                {
                    "spec": {
                        "unschedulable": wanted["spec"]["unschedulable"],
                        "taints": wanted["spec"]["taints"],
                    }
                },
                content_type="application/merge-patch+json",
            )
        return  # a node that is gone or not ready comes back by what undoes its fault
    namespace = NAME_SERVER[0] if kind == "NameServer" else cluster.namespace
    listed = path_of("ConfigMap" if kind == "NameServer" else kind, namespace)
    if wanted is None:
        if is_throw_away(cluster.context):
            cluster.delete(f"{listed}/{name}")
    elif present is None:
        cluster.request("POST", listed, wanted)
    else:
        try:
            replace(cluster, f"{listed}/{name}", wanted)
        except AbsentError:
            cluster.request("POST", listed, wanted)
