"""The health gate: the target must be well before anything is blamed on it."""

from __future__ import annotations

from drill import wait
from drill.conduct.scene import Scene
from drill.errors import DeadlineError, SetupError
from drill.parts.health import target_health
from drill.recording.events import HealthGate

GATE_SECONDS = 60


def pass_gate(scene: Scene) -> None:
    """Wait until the target is healthy, and record it. Raises SetupError with what was last seen."""
    scene.show("health gate", "a healthy target")
    try:
        seen = wait.until(
            "a healthy target",
            lambda: target_health(scene.cluster, scene.settings),
            lambda health: health.healthy,
            seconds=GATE_SECONDS,
        )
    except DeadlineError as error:
        scene.recorder.record(HealthGate(healthy=False, observed=str(error.last_seen)))
        raise SetupError(f"health gate: {error}") from error
    scene.recorder.record(HealthGate(healthy=True, observed=seen.observed))
