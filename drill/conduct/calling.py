"""Who is called, by the target's own monitoring: an alert watched from the injection until it is received.
Flows in: [monitoring]. Flows out: events, one for each stage.
"""

from __future__ import annotations

import time

from drill.alerts.receiver import Receiver
from drill.alerts.rules import alert_rules
from drill.conduct.scene import Scene
from drill.errors import SetupError
from drill.monitoring.deploy import difference, gateway_of, monitoring_of
from drill.monitoring.live import longest_seconds, wait_until_quiet, watch
from drill.monitoring.prometheus import in_cluster
from drill.recording import Event, Moment
from drill.recording.clock import monotonic_of, now
from drill.recording.events import AlertMissed, AlertStage, AlertStaged

RECEIVED = "received-alerts.jsonl"


class NobodyCalledError(AssertionError):
    """An alert that was to call the operator did not: a failure of the section's alert."""


class Calling:
    """Listens for alerts from `begin` to `close`, where the scenario has any call the operator."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._receiver: Receiver | None = None

    def begin(self) -> None:
        """Refuse what would fail later: monitoring that does not answer, has other rules, or whose alerts
        cannot be received here. Raises SetupError."""
        scene = self._scene
        if not scene.facts.calls:
            return
        monitoring = monitoring_of(scene.settings)
        differs = difference(
            in_cluster(scene.settings, scene.cluster).rules(), alert_rules(scene.book.corrected)
        )
        if differs:
            raise SetupError(f"{differs}. `drill monitoring up` loads them")
        self._receiver = Receiver(
            gateway_of(scene.settings), monitoring.receiver_port, scene.folder / RECEIVED
        )

    def wait_until_quiet(self) -> None:
        """Before anything is broken, none of the alerts that are to call may be there. Another, which an
        earlier drill's restarts keep up for a quarter of an hour, is no call. Users are on the service, and
        Prometheus has to see them first. Raises SetupError."""
        scene = self._scene
        if scene.facts.calls:
            scene.show("before", f"{' and '.join(scene.facts.calls)} not to be there")
            rules = alert_rules(scene.book.corrected)
            wait_until_quiet(in_cluster(scene.settings, scene.cluster), rules, only=scene.facts.calls)

    def wait_until_called(self, alert: str, injected: Event) -> None:
        """Watch until the alert is received. Raises NobodyCalledError where it is not."""
        scene = self._scene
        rule = alert_rules(scene.book.corrected).named(alert)
        if rule is None or self._receiver is None:
            raise SetupError(f"{alert}: nobody listens for such an alert")
        reference = now()

        def seen(stage: AlertStage, wall: float, labels: dict[str, str]) -> None:
            at = Moment(wall, monotonic_of(wall, reference))
            scene.recorder.record(AlertStaged(alert, stage, wall - injected.wall, labels), at=at)
            scene.show("fault", f"{alert}, {stage}")

        scene.show("fault", f"{alert} to be received")
        most = max(0.0, longest_seconds(rule) - (time.time() - injected.wall))
        missed = watch(
            in_cluster(scene.settings, scene.cluster),
            self._receiver.file,
            alert,
            since_wall=injected.wall,
            seconds=most,
            seen=seen,
        )
        if missed:
            scene.recorder.record(AlertMissed(alert, time.time() - injected.wall, missed))
            raise NobodyCalledError(f"nobody is called: {missed}")

    def close(self) -> None:
        """Listen no more."""
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None
