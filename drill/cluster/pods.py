"""A pod's containers, and pods that keep a workload from coming back."""

from __future__ import annotations

from drill.cluster.access import Cluster, Json
from drill.cluster.health import statuses_of


def container_of(spec: Json, name: str) -> Json:
    """What a pod's spec says of the container of that name."""
    container: Json = next(each for each in spec["containers"] if each["name"] == name)
    return container


def replace_backed_off(cluster: Cluster, name: str, workload_kind: str = "Deployment") -> list[str]:
    """Delete the workload's pods that wait in the kubelet's back-off; their names. New ones start at once."""
    names = []
    for pod in cluster.pods(name, workload_kind):
        if any(
            status.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
            for status in statuses_of(pod)
        ):
            names.append(pod["metadata"]["name"])
            cluster.delete(cluster.core("pods", names[-1]))
    return names
