"""Faults of the application's pods: all killed, or scaled away. Flows in, flows out: see
drill.faults.fault.
"""

from __future__ import annotations

from typing import Any

from drill.cluster.access import Cluster
from drill.errors import FaultError
from drill.faults.fault import Arguments, Injected, Part, Sight
from drill.faults.processes import kill_arguments, kill_containers, look_for_dead, replace_killed
from drill.recording import now
from drill.settings import Settings


class PodsKilled:
    """SIGKILLs every application container at the same moment."""

    name = "pods-killed"
    needs: tuple[Part, ...] = ()
    witness = "the container runtime holds every killed container for dead"

    def prepare(self, cluster: Cluster, settings: Settings, identity: str) -> Arguments:
        return kill_arguments(cluster, settings.target.deployment, settings.target.container)

    def inject(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> Injected:
        return kill_containers(cluster, arguments)

    def look(
        self, cluster: Cluster, settings: Settings, arguments: Arguments, detail: dict[str, Any]
    ) -> Sight:
        return look_for_dead(cluster, detail)

    def undo(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> str:
        return replace_killed(cluster, arguments)


class DeploymentScaledToZero:
    """Someone scaled the application away."""

    name = "deployment-scaled-to-zero"
    needs: tuple[Part, ...] = ()
    witness = "the service has no endpoints"

    def prepare(self, cluster: Cluster, settings: Settings, identity: str) -> Arguments:
        name = settings.target.deployment
        replicas = cluster.deployment(name)["spec"]["replicas"]
        if replicas == 0:
            raise FaultError(f"{name} has 0 replicas already: scaling it to zero would change nothing")
        return {"deployment": name, "replicas": replicas}

    def inject(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> Injected:
        before = now()
        cluster.scale(arguments["deployment"], 0)
        return Injected(
            before, {"deployment": arguments["deployment"], "replicas_before": arguments["replicas"]}
        )

    def look(
        self, cluster: Cluster, settings: Settings, arguments: Arguments, detail: dict[str, Any]
    ) -> Sight:
        addresses = cluster.endpoints(settings.target.service)
        return Sight(not addresses, f"{len(addresses)} endpoints of service {settings.target.service}")

    def undo(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> str:
        name, replicas = arguments["deployment"], arguments["replicas"]
        present = cluster.deployment(name)["spec"]["replicas"]
        if present == 0:
            cluster.scale(name, replicas)
        return (
            f"scaled {name} back to {replicas}"
            if present == 0
            else f"{name} had {present} replicas again: nothing was left to undo"
        )
