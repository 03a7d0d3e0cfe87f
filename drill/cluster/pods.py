"""Pods that keep a workload from coming back."""

from __future__ import annotations

from drill.cluster.access import Cluster
from drill.cluster.health import statuses_of


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
