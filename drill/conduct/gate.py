"""The health gate: the target must be well before anything is blamed on it."""

from __future__ import annotations

from drill import wait
from drill.cluster.access import Cluster, ClusterError
from drill.cluster.health import Health, measured_pods
from drill.conduct.scene import Scene
from drill.errors import DeadlineError, SetupError
from drill.parts.health import target_health
from drill.recording.events import HealthGate
from drill.settings import Settings

GATE_SECONDS = 60


def pass_gate(scene: Scene) -> None:
    """Wait until the target is healthy, and record it. Raises SetupError with what was last seen."""
    scene.show("health gate", "a healthy target")
    try:
        seen = wait.until(
            "a healthy target",
            lambda: ready_for_a_drill(scene.cluster, scene.settings),
            lambda health: health.healthy,
            seconds=GATE_SECONDS,
        )
    except DeadlineError as error:
        scene.recorder.record(HealthGate(healthy=False, observed=str(error.last_seen)))
        raise SetupError(f"health gate: {error}") from error
    scene.recorder.record(HealthGate(healthy=True, observed=seen.observed))


def ready_for_a_drill(cluster: Cluster, settings: Settings) -> Health:
    """Look once: the target is well, and measured again where all of its pods are new: without that `kubectl
    top`, a command of many runbooks, fails and the autoscaler is blind. A cluster that measures no pods,
    since it has no metrics API, is as ready.
    """
    health = target_health(cluster, settings)
    if not health.healthy:
        return health
    try:
        count = measured_pods(cluster, settings.target.namespace)
    except ClusterError:
        return health
    return Health(count > 0, f"{health.observed}; pods that the metrics API has measured: {count}")
