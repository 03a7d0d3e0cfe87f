"""Something run on the node of a workload's pods, beside them and outside Kubernetes."""

from __future__ import annotations

import re
import secrets
from typing import Any

from drill.cluster.access import Cluster, node_of
from drill.cluster.health import running_pods
from drill.errors import FaultError
from drill.faults.command import SECRET, without_secret
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, kind, moment_between
from drill.recording import now


class NodeParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Each is run by bash on every node that has pods of the workload, as root; {secret} in them is a word
    that only this injection has. `shows`: a pattern that is found in what `look` prints while the fault is
    in. `undo` may run at any time, also when there is nothing to undo."""

    inject: str
    undo: str
    look: str
    shows: str


@kind("node")
class Node(Fault, frozen=True):
    """As its parameters, for those nodes."""

    parameters = NodeParameters

    nodes: list[str]
    inject_script: str
    undo_script: str
    look_script: str
    shows: str

    @classmethod
    def prepare(cls, site: Site, parameters: NodeParameters) -> Node:
        secret = secrets.token_hex(16)
        inject, undo, look = (
            script.replace(SECRET, secret) for script in (parameters.inject, parameters.undo, parameters.look)
        )
        return cls(nodes_of(site), inject, undo, look, parameters.shows)

    def shown(self) -> dict[str, Any]:
        return without_secret(super().shown())

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        said = [self._run(cluster, node, f"date +%s.%N; {self.inject_script}") for node in self.nodes]
        first = min(float(each.partition("\n")[0]) for each in said)
        return Injected(moment_between(before, first), {"nodes": self.nodes})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        said = {node: self._run(cluster, node, self.look_script).strip() for node in self.nodes}
        fits = all(re.search(self.shows, each) for each in said.values())
        return Sight(fits, "; ".join(f"{node}: {each}" for node, each in said.items()))

    def undo(self, cluster: Cluster) -> str:
        for node in self.nodes:
            self._run(cluster, node, self.undo_script)
        return f"ran the undo on {', '.join(self.nodes)}"

    def _run(self, cluster: Cluster, node: str, script: str) -> str:
        return cluster.on_node(node, ["bash", "-ec", script]).decode(errors="replace")


def nodes_of(site: Site) -> list[str]:
    """The nodes that the workload's running pods are on. Raises FaultError where none runs."""
    workload = site.workload
    pods = running_pods(site.cluster, workload.name, workload.container, workload.kind)
    if not pods:
        raise FaultError(f"no pod of {workload.name} runs: there is no node to do anything on")
    return sorted({node_of(pod) for pod in pods})
