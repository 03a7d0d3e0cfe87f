"""The node that a workload's pods run on lost: the machine stands still, and nothing on it answers."""

from __future__ import annotations

from typing import Any

from drill.cluster.access import Cluster, ClusterError
from drill.cluster.nodes import is_paused, pause, resume
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Sight, Site, kind
from drill.faults.node import nodes_of
from drill.recording import now

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ANSWER_SECONDS = 2


@kind("pause")
class Pause(Fault, frozen=True):
    """`nodes`: those that stand still."""

    nodes: list[str]

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> Pause:
        nodes = nodes_of(site)
        for node in nodes:
            labels = site.cluster.get(f"/api/v1/nodes/{node}")["metadata"].get("labels") or {}
            if CONTROL_PLANE in labels:
                raise FaultError(
                    f"{site.workload.name} runs on {node}, which is the control plane: without it nobody "
                    "could say what happens; its pods are to be on a node of their own"
                )
        return cls(nodes)

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        for node in self.nodes:
            pause(node)
        return Injected(before, {"nodes": self.nodes})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        """The API server asks the kubelet of each."""
        silent = []
        for node in self.nodes:
            try:
                cluster.request("GET", f"/api/v1/nodes/{node}/proxy/healthz", seconds=ANSWER_SECONDS)
            except ClusterError:
                silent.append(node)
        return Sight(silent == self.nodes, f"no answer from the kubelet of {', '.join(silent) or 'no node'}")

    def undo(self, cluster: Cluster) -> str:
        paused = [node for node in self.nodes if is_paused(node)]
        for node in paused:
            resume(node)
        return (
            f"let {', '.join(paused)} go on" if paused else "no node stands still: nothing was left to undo"
        )
