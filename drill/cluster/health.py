"""Is the target well? Flows in: a cluster and settings. Flows out: what was seen, each from one look; and
waits built on these looks.

Looks: the health path as users reach it, the rollout of a deployment, the database's own integrity check.
"""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import msgspec

from drill import wait
from drill.cluster.access import Cluster, ClusterError, Json
from drill.settings import Settings, Sqlite

OK = 200

INTEGRITY_SCRIPT = """
import json, sqlite3, sys, urllib.parse
seen = {"integrity": "", "tables": []}
try:
    connection = sqlite3.connect("file:" + urllib.parse.quote(sys.argv[1]) + "?mode=ro", uri=True, timeout=5)
    seen["tables"] = sorted(row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
    seen["integrity"] = "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check(3)"))
except sqlite3.Error as error:
    seen["integrity"] = f"{type(error).__name__}: {error}"
print(json.dumps(seen))
"""


class Health(msgspec.Struct, frozen=True):
    """One look at the target. `observed` says what was seen, well or not."""

    healthy: bool
    observed: str


class Integrity(msgspec.Struct, frozen=True):
    """What the database says of itself. `integrity`: "ok", or what is wrong; `tables`: its tables, sorted by
    name.
    """

    integrity: str
    tables: list[str]

    @property
    def sound(self) -> bool:
        """True when SQLite finds nothing wrong and there are tables at all."""
        return self.integrity == "ok" and bool(self.tables)


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


def rollout(cluster: Cluster, deployment: str) -> Health:
    """Look once whether every pod that the deployment asks for is there, up to date and ready, and no other
    is left.
    """
    try:
        found = cluster.deployment(deployment)
        pods = len(cluster.pods(deployment))
    except ClusterError as error:
        return Health(False, str(error))
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    counts = {
        name: status.get(name, 0)
        for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    }
    current = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    return Health(
        current and pods == wanted and all(count == wanted for count in counts.values()),
        f"{deployment}: {wanted} wanted, {pods} pods, {counts}",
    )


def running_pods(cluster: Cluster, deployment: str, container: str) -> list[Json]:
    """Pods of the deployment whose `container` runs now and that are not being deleted."""
    return [
        pod
        for pod in cluster.pods(deployment)
        if "deletionTimestamp" not in pod["metadata"] and "running" in state_of(pod, container)
    ]


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


def database_integrity(cluster: Cluster, settings: Settings) -> Integrity:
    """Let the database check itself, from inside a running application pod. Raises ClusterError when no pod
    can be asked.
    """
    part = settings.part("sqlite")
    if not isinstance(part, Sqlite):
        raise ClusterError("the target's file describes no database")
    target = settings.target
    pods = running_pods(cluster, target.deployment, target.container)
    if not pods:
        raise ClusterError(f"no pod of {target.deployment} runs: its database cannot be asked")
    return integrity_in(cluster, pods[0]["metadata"]["name"], target.container, part.path)


def integrity_in(cluster: Cluster, pod: str, container: str, path: str) -> Integrity:
    """Let the database at `path` check itself from inside this container."""
    return msgspec.convert(
        json.loads(cluster.exec(pod, container, ["python", "-c", INTEGRITY_SCRIPT, path], seconds=30)),
        Integrity,
    )


def target_health(cluster: Cluster, settings: Settings) -> Health:
    """Look once at everything: rollouts of the target's deployments, the health path, the database where
    there is one.
    """
    for workload in settings.target.workloads:
        seen = rollout(cluster, workload.name)
        if not seen.healthy:
            return seen
    answered = health_answer(settings)
    if not answered.healthy or settings.lacks("sqlite"):
        return answered
    try:
        database = database_integrity(cluster, settings)
    except ClusterError as error:
        return Health(False, str(error))
    return Health(
        database.sound,
        f"{answered.observed}; database {database.integrity}, tables {', '.join(database.tables)}",
    )


def wait_until_rolled_out(cluster: Cluster, deployment: str, *, seconds: float = 120) -> None:
    """Wait for the deployment's pods to be complete, current and ready. Raises DeadlineError."""
    wait.until(
        f"the rollout of {deployment}",
        lambda: rollout(cluster, deployment),
        lambda seen: seen.healthy,
        seconds=seconds,
        every_seconds=0.3,
    )


def wait_until_healthy(cluster: Cluster, settings: Settings, *, seconds: float = 120) -> Health:
    """Wait for the target to be well. Raises DeadlineError that tells what was last seen."""
    awaited = f"{settings.target.name} to be healthy"
    return wait.until(
        awaited,
        lambda: target_health(cluster, settings),
        lambda seen: seen.healthy,
        seconds=seconds,
        every_seconds=0.3,
    )
