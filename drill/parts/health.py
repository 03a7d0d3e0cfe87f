"""Is the target well? Its workloads rolled out, its health path answering, each of its parts well."""

from __future__ import annotations

from drill import wait
from drill.cluster.access import Cluster, ClusterError
from drill.cluster.health import Health, health_answer, rollout
from drill.parts.catalogue import parts_of
from drill.settings import Settings


def target_health(cluster: Cluster, settings: Settings) -> Health:
    """Look once at everything; the first thing that is not well, or all that was seen."""
    answered = service_health(cluster, settings)
    if not answered.healthy:
        return answered
    parts = parts_health(cluster, settings)
    return Health(parts.healthy, "; ".join(filter(None, (answered.observed, parts.observed))))


def service_health(cluster: Cluster, settings: Settings) -> Health:
    """Look once, without asking the parts: workloads rolled out, the health path answering."""
    for workload in settings.target.workloads:
        seen = rollout(cluster, workload.name, workload.kind)
        if not seen.healthy:
            return seen
    return health_answer(settings)


def parts_health(cluster: Cluster, settings: Settings) -> Health:
    """Look once at every part; well where there is none."""
    observed = []
    for part in parts_of(cluster, settings):
        try:
            seen = part.health()
        except ClusterError as error:
            return Health(False, f"{part.name}: {error}")
        if not seen.healthy:
            return seen
        observed.append(seen.observed)
    return Health(True, "; ".join(observed))


def wait_until_healthy(cluster: Cluster, settings: Settings, *, seconds: float = 120) -> Health:
    """Wait for the target to be well. Raises DeadlineError that tells what was last seen."""
    return wait.until(
        f"{settings.target.name} to be healthy",
        lambda: target_health(cluster, settings),
        lambda seen: seen.healthy,
        seconds=seconds,
        every_seconds=0.3,
    )
