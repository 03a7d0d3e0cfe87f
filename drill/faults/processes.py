"""Killing containers' processes from the node, as the kernel's out-of-memory killer would: no grace, no API
server, all at once.

Flows in: pods and the name of a container. Flows out: which container ids were killed and when; whether the
runtime holds them for dead.

The kubelet looks for dead containers once a second and reports later still, and after a second kill it waits
before it starts a new one: so the container runtime is asked what became of a process, and the new start is
left to the recovery's clock.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from drill.cluster.access import Cluster, Json, node_of
from drill.cluster.health import running_pods, status_of
from drill.errors import FaultError
from drill.faults.fault import Arguments, Injected, Sight, moment_between
from drill.recording import now

# bash in the node: its EPOCHREALTIME is read in the same process, directly before the one kill
KILL_SCRIPT = """
set -e
table=$(ctr -n k8s.io task ls)
pids=""
for id in "$@"; do
    pid=$(awk -v id="$id" '$1 == id && $3 == "RUNNING" {print $2}' <<<"$table")
    [ -n "$pid" ] || { echo "container $id has no running task" >&2; exit 1; }
    pids="$pids $pid"
done
at=$EPOCHREALTIME
kill -9 $pids
echo "$at"
"""
RUNNING = "RUNNING"


def kill_arguments(cluster: Cluster, deployment: str, container: str) -> Arguments:
    """What the undo of a kill needs: the pods that may be hit."""
    pods = [pod["metadata"]["name"] for pod in running_pods(cluster, deployment, container)]
    return {"deployment": deployment, "container": container, "pods": pods}


def kill_containers(cluster: Cluster, arguments: Arguments) -> Injected:
    """SIGKILL this container in every running pod of the deployment, on all nodes at the same moment. Raises
    FaultError when there is none.
    """
    deployment, container = arguments["deployment"], arguments["container"]
    by_node: dict[str, dict[str, str]] = {}
    for pod in running_pods(cluster, deployment, container):
        by_node.setdefault(node_of(pod), {})[pod["metadata"]["name"]] = container_id(pod, container)
    if not by_node:
        raise FaultError(
            f"no running container {container!r} in any pod of {deployment}: there is nothing to kill"
        )
    before = now()

    def kill(node: str) -> float:
        return float(
            cluster.on_node(
                node, ["env", "LC_ALL=C", "bash", "-c", KILL_SCRIPT, "kill", *by_node[node].values()]
            ).decode()
        )

    with ThreadPoolExecutor(max_workers=len(by_node)) as pool:
        moments = list(pool.map(kill, by_node))
    return Injected(moment_between(before, min(moments)), {"killed": by_node})


def look_for_dead(cluster: Cluster, detail: dict[str, Any]) -> Sight:
    """Ask the container runtime of each node whether the killed containers still run."""
    killed: dict[str, dict[str, str]] = detail["killed"]
    wanted = [identity for containers in killed.values() for identity in containers.values()]
    running: set[str] = set()
    for node in killed:
        rows = [
            line.split()
            for line in cluster.on_node(node, ["ctr", "-n", "k8s.io", "task", "ls"]).decode().splitlines()
        ]
        running |= {row[0] for row in rows if row[2] == RUNNING}
    dead = [identity for identity in wanted if identity not in running]
    return Sight(
        bool(wanted) and len(dead) == len(wanted),
        f"the container runtime holds {len(dead)} of {len(wanted)} killed containers for dead",
    )


def container_id(pod: Json, container: str) -> str:
    """The id that the container runtime knows the container by, without the runtime's name."""
    return str(status_of(pod, container).get("containerID", "")).rpartition("//")[2]


def replace_killed(cluster: Cluster, arguments: Arguments) -> str:
    """Replace the pods that may have been hit, so that the next kill is not slowed by the kubelet's memory of
    this one; what was done, in words.
    """
    present = {
        pod["metadata"]["name"]
        for pod in cluster.pods(arguments["deployment"])
        if "deletionTimestamp" not in pod["metadata"]
    }
    names = sorted(present & set(arguments["pods"]))
    for name in names:
        cluster.delete(cluster.core("pods", name), grace_seconds=5)
    return (
        f"replaced {', '.join(names)}"
        if names
        else "none of the killed pods is left: nothing was left to undo"
    )
