"""Containers killed from the node, as the kernel's out-of-memory killer would: no grace, no API server, all
at once.

The kubelet looks for dead containers once a second and reports later still, and after a second kill it waits
before it starts a new one: so the container runtime is asked what became of a process, and the new start is
left to the clock of the recovery.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from drill.cluster.access import AbsentError, Cluster, Json, node_of
from drill.cluster.health import running_pods, status_of
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Sight, Site, kind, moment_between
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


@kind("kill")
class Kill(Fault, frozen=True):
    """SIGKILL to this container in every running pod of a workload, on all nodes at the same moment. `pods`:
    those that may be hit."""

    workload: str
    workload_kind: str
    container: str
    pods: list[str]

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> Kill:
        workload = site.workload
        pods = running_pods(site.cluster, workload.name, workload.container, workload.kind)
        names = [pod["metadata"]["name"] for pod in pods]
        return cls(workload.name, workload.kind, workload.container, names)

    def inject(self, cluster: Cluster) -> Injected:
        by_node: dict[str, dict[str, str]] = {}
        for pod in running_pods(cluster, self.workload, self.container, self.workload_kind):
            by_node.setdefault(node_of(pod), {})[pod["metadata"]["name"]] = container_id(pod, self.container)
        if not by_node:
            raise FaultError(
                f"no running container {self.container!r} in any pod of {self.workload}: there is nothing to "
                "kill"
            )
        before = now()

        def kill(node: str) -> float:
            script = ["env", "LC_ALL=C", "bash", "-c", KILL_SCRIPT, "kill", *by_node[node].values()]
            return float(cluster.on_node(node, script).decode())

        with ThreadPoolExecutor(max_workers=len(by_node)) as pool:
            moments = list(pool.map(kill, by_node))
        return Injected(moment_between(before, min(moments)), {"killed": by_node})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        """Ask the container runtime of each node whether the killed containers still run."""
        killed: dict[str, dict[str, str]] = detail["killed"]
        wanted = [identity for containers in killed.values() for identity in containers.values()]
        running: set[str] = set()
        for node in killed:
            table = cluster.on_node(node, ["ctr", "-n", "k8s.io", "task", "ls"]).decode()
            rows = [line.split() for line in table.splitlines()]
            running |= {row[0] for row in rows if len(row) > 2 and row[2] == RUNNING}
        dead = [identity for identity in wanted if identity not in running]
        return Sight(
            bool(wanted) and len(dead) == len(wanted),
            f"of {len(wanted)} killed containers the runtime has {len(wanted) - len(dead)} running",
        )

    def undo(self, cluster: Cluster) -> str:
        """Replace the pods that may have been hit, so that the next kill is not slowed by the kubelet's
        memory of this one."""
        try:
            pods = cluster.pods(self.workload, self.workload_kind)
        except AbsentError:
            return f"{self.workload} is gone, and its killed pods with it: nothing was left to undo"
        present = {pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}
        names = sorted(present & set(self.pods))
        for name in names:
            cluster.delete(cluster.core("pods", name), grace_seconds=5)
        if not names:
            return "none of the killed pods is left: nothing was left to undo"
        return f"replaced {', '.join(names)}"


def container_id(pod: Json, container: str) -> str:
    """The id that the container runtime knows the container by, without the runtime's name."""
    return str(status_of(pod, container).get("containerID", "")).rpartition("//")[2]
