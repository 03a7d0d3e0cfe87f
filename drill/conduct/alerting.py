"""Would anybody have been called? What the runbook's alerts look at is recorded while the drill runs, and
replayed by Prometheus' rule engine when it is over."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

from drill.alerts.drilled import replay_drill
from drill.alerts.recording import SeriesRecorder
from drill.alerts.rules import AlertRules, alert_rules
from drill.conduct.scene import Scene
from drill.errors import DrillError, InputError, UsageError
from drill.machine.promtool import ensure_promtool
from drill.reading import anchor_of
from drill.recording import Moment, all_of, read_events
from drill.recording.events import AlertsReplayed, FaultWitnessed
from drill.runbook import Runbook

TROUBLES = (ArithmeticError, AttributeError, DrillError, LookupError, OSError, TypeError, ValueError)
"""What series that nobody expected may raise: alerts are then not known, and the drill stands."""


class Alerting:
    """Nothing here fails a drill: what goes wrong is recorded, and the alerts are then not known."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._promtool: Path | None = None
        self._replay: Future[AlertsReplayed] | None = None
        self._missing = "promtool was never looked for"

    @cached_property
    def listener(self) -> SeriesRecorder | None:
        """Who keeps the series; None where the target has no [alerts], no [metrics], or no rules."""
        settings, book = self._scene.settings, self._scene.book
        rules = [_rules_of(book.corrected)]
        if settings.target.runbook_as_written is not None:
            rules.append(_rules_of(book.as_written))
        found = [each for each in rules if each is not None]
        if settings.alerts is None or settings.metrics is None or not found:
            return None
        return SeriesRecorder(settings, settings.metrics, settings.alerts, found)

    def prepare(self) -> None:
        """See to it that the rule engine is there, before anything is broken: it may have to be fetched."""
        if self.listener is None:
            return
        try:
            self._promtool = ensure_promtool()
        except DrillError as error:
            self._missing = f"the tool is missing: {error}"

    def begin_replay(self, injected: float | None, recovered: float | None, acted: Moment | None) -> None:
        """Write the series, and have the rule engine begin, beside whatever comes next. `injected`: the first
        fault's moment; `recovered`: since when users are served; monotonic seconds, None for never. `acted`:
        the moment before the operator's first command. The fault's last state is that before users were
        served again; where they never noticed, that before somebody acted."""
        if self.listener is None:
            return
        try:
            held_until = recovered if self._felt() else acted.monotonic if acted is not None else None
            path = self.listener.write(
                self._scene.folder, injected, float("inf") if held_until is None else held_until
            )
        except TROUBLES as error:
            self._scene.recorder.record(AlertsReplayed(why=f"{type(error).__name__}: {error}"))
            return
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="alerts")
        self._replay = pool.submit(self._replayed, path)
        pool.shutdown(wait=False)

    def end_replay(self) -> None:
        """Wait for the rule engine, and record what it says."""
        if self._replay is None:
            return
        self._scene.show("alerts", "the rule engine to have replayed the drill")
        try:
            event = self._replay.result()
        except TROUBLES as error:
            event = AlertsReplayed(why=f"{type(error).__name__}: {error}")
        self._replay = None
        self._scene.recorder.record(event)

    def _replayed(self, path: Path | None) -> AlertsReplayed:
        scene = self._scene
        runbook = scene.book.as_written if scene.facts.as_written else scene.book.corrected
        rules, alerts = _rules_of(runbook), scene.settings.alerts
        if path is None:
            return AlertsReplayed(why="nothing was scraped")
        if self._promtool is None:
            return AlertsReplayed(why=self._missing)
        if rules is None or alerts is None:
            return AlertsReplayed(why=f"{runbook.path.name} has no alert rules that can be read")
        sections = {anchor_of(section.title): section.title for section in runbook.sections}
        return replay_drill(self._promtool, rules, path, alerts, sections)

    def _felt(self) -> bool:
        events = read_events(self._scene.recorder.path)
        return any(witnessed.users for witnessed in all_of(FaultWitnessed, events))


def _rules_of(runbook: Runbook) -> AlertRules | None:
    """None where it has none, or none that can be read: its linter says which."""
    try:
        return alert_rules(runbook)
    except (InputError, UsageError):
        return None
