"""The image of a workload while a release gate alternates it. Flows in: a ledger entry. Flows out: pods of
that image, all of them new, and in the end of the image that was found; never in the place of what somebody
else released meanwhile.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from drill import wait
from drill.cluster.access import Cluster, ClusterError, Json
from drill.cluster.health import Health, rollout, statuses_of
from drill.cluster.objects import RESTARTED, copy_of, path_of
from drill.errors import DeadlineError, SetupError
from drill.parts.health import target_health
from drill.putback.known_state import KnownState
from drill.putback.ledger import ImageEntry, lineage
from drill.settings import Settings
from drill.settings.target import Workload

ROLLOUT_SECONDS = 180.0
STRATEGIC = "application/strategic-merge-patch+json"


def is_above(entry: ImageEntry) -> bool:
    """True where the gate that alternates it is this process, or started it."""
    return entry.process in lineage()


def image_of(cluster: Cluster, workload: Workload) -> str:
    """The image that the workload asks for. Raises ClusterError where there is no such workload, SetupError
    where it has no such container."""
    return str(_container(cluster.workload(workload.name, workload.kind), workload.container)["image"])


def run_image(
    settings: Settings, cluster: Cluster, entry: ImageEntry, image: str, seconds: float = ROLLOUT_SECONDS
) -> None:
    """Let the workload run `image`, with as many pods as were asked for and all of them new, also where it
    ran before, and wait until the target is well. Raises SetupError where somebody else released another
    image meanwhile, or it is not well after `seconds`, with what was last seen."""
    present = _image(cluster, entry)
    if not _is_ours(entry, present):
        raise SetupError(
            f"{entry.place} runs {present}, which the gate has not set: somebody released it meanwhile, so "
            "there is nothing to compare. It is left as it is"
        )
    _patch(cluster, entry, image, replicas=entry.replicas)
    _wait_until_well(settings, cluster, entry, image, seconds)


def return_image(settings: Settings, cluster: Cluster, entry: ImageEntry) -> str:
    """Put back the image that was found, and wait until the target is well; what was done, in words. What
    somebody else released meanwhile stays. Raises SetupError where it does not become well."""
    present = _image(cluster, entry)
    if not _is_ours(entry, present):
        return f"{entry.place} is left at {present}, which somebody released meanwhile"
    if present != entry.found:
        _patch(cluster, entry, entry.found)
    _wait_until_well(settings, cluster, entry, entry.found, ROLLOUT_SECONDS)
    return f"{entry.place} runs {entry.found}, as before" + (
        f"; it ran {present}" if present != entry.found else ""
    )


def with_found_image(known: KnownState, entry: ImageEntry) -> KnownState:
    """The state that a drill began with under an image of the gate's, with the image that was found."""
    objects = {kind: dict(items) for kind, items in known.objects.items()}
    item = objects.get(entry.kind, {}).get(entry.workload)
    if item is None:
        return known
    item = copy_of(item)
    container = _container(item, entry.container)
    if _is_ours(entry, container["image"]):
        container["image"] = entry.found
    objects[entry.kind][entry.workload] = item
    return msgspec.structs.replace(known, objects=objects)


def _is_ours(entry: ImageEntry, image: str) -> bool:
    return image in (entry.found, *entry.alternated)


def _image(cluster: Cluster, entry: ImageEntry) -> str:
    return str(_container(cluster.workload(entry.workload, entry.kind), entry.container)["image"])


def _container(item: Json, name: str) -> Json:
    """Of a workload's pods."""
    containers: list[Json] = item["spec"]["template"]["spec"]["containers"]
    found = next((each for each in containers if each["name"] == name), None)
    if found is None:
        names = ", ".join(each["name"] for each in containers)
        raise SetupError(
            f"{item['metadata']['name']} has no container {name!r}, but {names}: [[target.workloads]] of "
            "drill.toml names the one that does the work"
        )
    return found


def _patch(cluster: Cluster, entry: ImageEntry, image: str, replicas: int | None = None) -> None:
    mark = {RESTARTED: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    template = {
        "metadata": {"annotations": mark},
        "spec": {"containers": [{"name": entry.container, "image": image}]},
    }
    spec = {"template": template} | ({} if replicas is None else {"replicas": replicas})
    path = path_of(entry.kind, cluster.namespace, entry.workload)
    cluster.request("PATCH", path, {"spec": spec}, content_type=STRATEGIC)


def _wait_until_well(
    settings: Settings, cluster: Cluster, entry: ImageEntry, image: str, seconds: float
) -> None:
    def look() -> Health:
        try:
            seen = rollout(cluster, entry.workload, entry.kind)
            if seen.healthy:
                return target_health(cluster, settings)
            return Health(False, "; ".join([seen.observed, *_waiting(cluster, entry)]))
        except ClusterError as error:
            return Health(False, str(error))

    try:
        wait.until(
            f"{entry.place} to run {image}",
            look,
            lambda seen: seen.healthy,
            seconds=seconds,
            every_seconds=0.3,
        )
    except DeadlineError as error:
        raise SetupError(str(error)) from error


def _waiting(cluster: Cluster, entry: ImageEntry) -> list[str]:
    """Why containers do not run: ErrImagePull, CrashLoopBackOff."""
    return [
        f"{pod['metadata']['name']}: {status['state']['waiting'].get('reason', 'waiting')}"
        for pod in cluster.pods(entry.workload, entry.kind)
        for status in statuses_of(pod)
        if "waiting" in status.get("state", {})
    ]
