"""Would anybody have been called? What the runbook's alerts look at is recorded while the drill runs."""

from __future__ import annotations

from functools import cached_property

from drill.alerts.recording import SeriesRecorder
from drill.alerts.rules import AlertRules, alert_rules
from drill.conduct.scene import Scene
from drill.errors import DrillError, InputError, UsageError
from drill.recording import Moment, read_events
from drill.recording.events import FaultWitnessed, SampleFailed
from drill.runbook import Runbook


class Alerting:
    """Nothing here fails a drill: what goes wrong is recorded, and the alerts are then not known."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    @cached_property
    def listener(self) -> SeriesRecorder | None:
        """Who keeps the series; None where the target has no [alerts], no [metrics], or no rules."""
        settings = self._scene.settings
        rules = self._rules()
        if settings.alerts is None or settings.metrics is None or not rules:
            return None
        return SeriesRecorder(settings, settings.metrics, settings.alerts, rules)

    def finish(self, injected: float | None, recovered: float | None, acted: Moment | None) -> None:
        """Write the series. `injected`: the first fault's moment; `recovered`: since when users are served;
        monotonic seconds, None for never. `acted`: the moment before the operator's first command. The
        fault's last state is that before users were served again; where they never noticed, that before
        somebody acted."""
        if self.listener is None:
            return
        held_until = recovered if self._felt() else acted.monotonic if acted is not None else None
        try:
            self.listener.write(self._scene.folder, injected, held_until or float("inf"))
        except DrillError as error:
            self._scene.recorder.record(SampleFailed("the alerts' series", str(error)))

    def _rules(self) -> list[AlertRules]:
        """Those of the runbook as corrected and, where there is one, as first written."""
        book, found = self._scene.book, []
        for text in ("corrected", "as_written"):
            try:
                runbook: Runbook = getattr(book, text)
                found.append(alert_rules(runbook))
            except (InputError, UsageError):
                continue  # it has no rules, or rules that are none: the runbook's linter says which
        return found

    def _felt(self) -> bool:
        events = read_events(self._scene.recorder.path)
        return any(isinstance(event.data, FaultWitnessed) and event.data.users for event in events)
