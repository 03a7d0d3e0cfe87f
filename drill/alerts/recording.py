"""The series of a drill, as they are scraped. Flows in: looks at the metrics, and when the fault was in.
Flows out: alert-series.jsonl, which `drill alerts` reads.

Nothing here fails a drill: a look that could not be taken is a gap in the series.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from drill.alerts.drilled import untold
from drill.alerts.exposed import scrapes_of, workloads_for
from drill.alerts.expressions import metrics_of
from drill.alerts.rules import AlertRules
from drill.alerts.series import NAME_ENDING, Scrapes, SeriesHeader, write_series
from drill.errors import filling_disk
from drill.observe.metrics import MetricsLook
from drill.settings import Alerts, Metrics, Settings

GRID_SECONDS = 1.0
"""Looks are that close together while a fault is in, so the file's values are, with gaps where there was no
look."""
LEAST_LOOKS = 2
"""At a fault, so that a rate can be told from them."""


class SeriesRecorder:
    """Collects what each look shows, from the sampler's thread."""

    def __init__(self, settings: Settings, metrics: Metrics, alerts: Alerts, rules: Sequence[AlertRules]):
        """`rules`: of the runbook as corrected and as first written: what either names is kept."""
        self._settings, self._metrics, self._alerts = settings, metrics, alerts
        self._names = metrics_of(rule for each in rules for rule in each.rules)
        self._untold = tuple(sorted({name for each in rules for rule in each.rules for name in untold(rule)}))
        self._scrapes = Scrapes(GRID_SECONDS)
        self._looks: list[float] = []
        self._lock = threading.Lock()
        self.workloads = workloads_for(self._names)
        self.every_seconds = alerts.scrape_seconds

    def seen(self, look: MetricsLook) -> None:
        """Keep what the rules name of one look."""
        target = self._settings.target
        found = scrapes_of(
            look, self._names, job=target.service, namespace=target.namespace, port=self._metrics.port
        )
        with self._lock:
            self._looks.append(look.monotonic)
            for each in found:
                self._scrapes.add(look.monotonic, each.labels, each.samples)

    def write(self, folder: Path, injected: float | None, held_until: float | None) -> Path | None:
        """Write the series; None where nothing was scraped. `injected`: when the first fault was; its last
        state is that of the last look before `held_until`, and without a fault that look is the last of the
        steady state; monotonic seconds, None for none. Raises SetupError where the disk is full."""
        with self._lock:
            series, looks = self._scrapes.series(), list(self._looks)
        if not series:
            return None
        begin = None if injected is None else max(0.0, injected - looks[0])
        last = None
        if held_until is not None:
            within = [each for each in looks if (injected is None or injected < each) and each < held_until]
            if len(within) >= LEAST_LOOKS:
                last = round((within[-1] - looks[0]) / GRID_SECONDS) * GRID_SECONDS
        hold = last if begin is not None and last is not None and last > begin else None
        path = folder / NAME_ENDING
        header = SeriesHeader(
            "drill alert series 1",
            f"scraped by drill, {len(looks)} times",
            GRID_SECONDS,
            fault_seconds=begin,
            hold_from_seconds=hold,
            evaluate_seconds=self._alerts.scrape_seconds,
            untold=self._untold,
            steady_until_seconds=last if begin is None else None,
        )
        with filling_disk(f"keep the alerts' series in {folder}"):
            write_series(path, header, series)
        return path
