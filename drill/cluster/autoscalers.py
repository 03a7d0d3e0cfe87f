"""Autoscalers, by what they aim at."""

from __future__ import annotations

from drill.cluster.access import Cluster, Json
from drill.cluster.objects import path_of


def autoscalers_of(cluster: Cluster, name: str, workload_kind: str = "Deployment") -> list[Json]:
    """Those that choose the replicas of a workload."""
    found: list[Json] = cluster.get(path_of("HorizontalPodAutoscaler", cluster.namespace))["items"]
    return [each for each in found if _aimed(each) == (workload_kind, name)]


def _aimed(autoscaler: Json) -> tuple[str, str]:
    reference = autoscaler["spec"]["scaleTargetRef"]
    return reference["kind"], reference["name"]
