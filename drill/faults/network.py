"""Packets to a workload's pods dropped on the nodes, between pods: what the nodes themselves send, such as
the kubelet's probes, still arrives, so the pods stay Ready.

The rules stand in the FORWARD chain of each node, before those of policies. A pod that is made while the
fault is in has another address, and is reached.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from drill.cluster.access import Cluster
from drill.cluster.health import running_pods
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Sight, Site, kind
from drill.recording import now

LIST = ["iptables", "-w", "-L", "FORWARD", "-n", "-v", "-x", "--line-numbers"]


@kind("network")
class Network(Fault, frozen=True):
    """`mark`: the comment that tells this fault's rules from all others."""

    workload: str
    addresses: list[str]
    nodes: list[str]
    mark: str

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> Network:
        workload = site.workload
        pods = running_pods(site.cluster, workload.name, workload.container, workload.kind)
        addresses = [pod["status"]["podIP"] for pod in pods if pod["status"].get("podIP")]
        if not addresses:
            raise FaultError(f"no pod of {workload.name} runs: there is nothing to cut off")
        nodes = [node["metadata"]["name"] for node in site.cluster.get("/api/v1/nodes")["items"]]
        return cls(workload.name, addresses, nodes, f"drill-{secrets.token_hex(4)}")

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        for node in self.nodes:
            for address in self.addresses:
                rule = ["-d", address, "-m", "comment", "--comment", self.mark, "-j", "DROP"]
                cluster.on_node(node, ["iptables", "-w", "-I", "FORWARD", "1", *rule])
        return Injected(before, {"cut_off": self.addresses})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        dropped = sum(packets for node in self.nodes for _, packets in self._rules(cluster, node))
        return Sight(dropped > 0, f"{dropped} packets to {self.workload} dropped")

    def undo(self, cluster: Cluster) -> str:
        taken = 0
        for node in self.nodes:
            # from the last one up, since each removal moves those below it
            for number, _ in reversed(self._rules(cluster, node)):
                cluster.on_node(node, ["iptables", "-w", "-D", "FORWARD", str(number)])
                taken += 1
        return f"took {taken} rules away" if taken else "there are no such rules: nothing was left to undo"

    def _rules(self, cluster: Cluster, node: str) -> list[tuple[int, int]]:
        """Number and packets of each of this fault's rules on a node."""
        rows = cluster.on_node(node, LIST).decode().splitlines()
        found = [re.match(r"(\d+)\s+(\d+)\s", row) for row in rows if f"/* {self.mark} */" in row]
        return [(int(match[1]), int(match[2])) for match in found if match]
