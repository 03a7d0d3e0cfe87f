"""Looks at what runs: the health path as users reach it, the rollout of a workload, its containers. Each is
one look; whether the whole target is well, parts included, is drill.parts.health's question."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import msgspec

from drill import wait
from drill.cluster.access import Cluster, ClusterError, Json
from drill.settings import Settings

OK = 200


class Health(msgspec.Struct, frozen=True):
    """One look at the target. `observed` says what was seen, well or not."""

    healthy: bool
    observed: str


def health_answer(settings: Settings, seconds: float = 2) -> Health:
    """Ask the health path once, where users enter; healthy when it answers 200 within `seconds`."""
    parts = urlsplit(settings.target.address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    where = f"{settings.target.address}{settings.target.health_path}"
    try:
        connection.request("GET", settings.target.health_path)
        response = connection.getresponse()
        text = response.read(300).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return Health(False, f"{where}: {type(error).__name__}: {error}")
    finally:
        connection.close()
    return Health(response.status == OK, f"{where}: {response.status} {text}")


def rollout(cluster: Cluster, name: str, kind: str = "Deployment") -> Health:
    """Look once whether every pod that the workload asks for is there, up to date and ready, and no other is
    left.
    """
    try:
        found = cluster.workload(name, kind)
        pods = len(cluster.pods(name, kind))
    except ClusterError as error:
        return Health(False, str(error))
    status, wanted = found.get("status", {}), found["spec"].get("replicas", 1)
    counts = {
        name: status.get(name, 0)
        for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    }
    current = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    return Health(
        current and pods == wanted and all(count == wanted for count in counts.values()),
        f"{name}: {wanted} wanted, {pods} pods, {counts}",
    )


def measured_pods(cluster: Cluster, namespace: str) -> int:
    """How many pods of the namespace the metrics API has measured, which `kubectl top` and the autoscaler
    read. It takes some seconds after a pod's start. Raises ClusterError where that API does not answer.
    """
    return len(cluster.get(f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods")["items"])


def running_pods(cluster: Cluster, name: str, container: str, kind: str = "Deployment") -> list[Json]:
    """Pods of the workload whose `container` runs now and that are not being deleted."""
    return [pod for pod in cluster.pods(name, kind) if is_running(pod, container)]


def is_running(pod: Json, container: str) -> bool:
    """True while the pod's `container` runs and nobody deletes the pod."""
    return "deletionTimestamp" not in pod["metadata"] and "running" in state_of(pod, container)


def state_of(pod: Json, container: str) -> Json:
    """The state of one container of a pod: {"running": ...}, {"waiting": ...}, {"terminated": ...} or
    nothing.
    """
    state: Json = status_of(pod, container).get("state", {})
    return state


def status_of(pod: Json, container: str) -> Json:
    """The container's status as the kubelet reports it: containerID, restartCount, state, lastState; empty
    while there is none.
    """
    return next((status for status in statuses_of(pod) if status["name"] == container), {})


def statuses_of(pod: Json) -> list[Json]:
    """The statuses of all containers of a pod; none while it is not on a node."""
    statuses: list[Json] = pod.get("status", {}).get("containerStatuses") or []
    return statuses


def wait_until_rolled_out(
    cluster: Cluster, name: str, kind: str = "Deployment", *, seconds: float = 120
) -> None:
    """Wait for the workload's pods to be complete, current and ready. Raises DeadlineError."""
    wait.until(
        f"the rollout of {name}",
        lambda: rollout(cluster, name, kind),
        lambda seen: seen.healthy,
        seconds=seconds,
        every_seconds=0.3,
    )
