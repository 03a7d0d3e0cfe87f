"""The runbook's key metrics. Flows in: the runbook's lists and [monitoring] of drill.toml. Flows out: each
metric with the query that gives it, or why nothing does; and what it gives now.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import msgspec

from drill.errors import InputError
from drill.monitoring.prometheus import Prometheus, PrometheusError, QueriedSeries
from drill.runbook import Runbook
from drill.settings import Settings

NAME = re.compile(r"^\*\*(?P<name>[^*]+)\*\*")
UNDESCRIBED = "no query in [monitoring.metrics]"


class KeyMetric(msgspec.Struct, frozen=True):
    """One that the runbook names. `page`: the dashboard that shows it; `meaning`: what the runbook says of
    it; `missing`: why there is no query, "" where there is one."""

    name: str
    page: str
    line: int
    meaning: str
    query: str
    missing: str


class Measured(msgspec.Struct, frozen=True):
    """What one gives now: its series that are numbers. `trouble`: why it gives none, "" where it does."""

    metric: KeyMetric
    series: tuple[QueriedSeries, ...]
    trouble: str

    def lines(self) -> list[str]:
        """For people: the value, or missing and why."""
        name = self.metric.name
        if self.metric.missing or self.trouble:
            return [f"{name}: missing: {self.metric.missing or self.trouble}"]
        if len(self.series) == 1 and not self.series[0].labels:
            return [f"{name}: {self.series[0].samples[-1][1]:.6g}"]
        return [
            f"{name} {' '.join(f'{key}={value}' for key, value in sorted(each.labels.items()))}: "
            f"{each.samples[-1][1]:.6g}"
            for each in self.series
        ]


def key_metrics(settings: Settings, runbook: Runbook) -> list[KeyMetric]:
    """The metrics of the sections that have a dashboard, in the runbook's order. Raises InputError for a
    section that is not there, and for a query of a metric that the runbook does not name."""
    monitoring = settings.monitoring
    if monitoring is None:
        return []
    found = []
    for page, title in monitoring.dashboards.items():
        for item in runbook.items_of(title):
            match = NAME.match(item.text)
            if match is None:
                continue
            name = match["name"].strip().removesuffix(":").strip()
            query = monitoring.metrics.get(name, "")
            missing = "" if query else monitoring.missing.get(name, UNDESCRIBED)
            meaning = item.text[match.end() :].strip(" :")
            found.append(KeyMetric(name, page, item.line, meaning, query, missing))
    known = {metric.name for metric in found}
    for name in (*monitoring.metrics, *monitoring.missing):
        if name not in known:
            names = ", ".join(sorted(known)) or "there is none"
            raise InputError(
                settings.file, None, name, f"a key metric of the runbook in [monitoring]: {names}"
            )
    return found


def measure(prometheus: Prometheus, metrics: list[KeyMetric]) -> list[Measured]:
    """Ask for each of them that has a query."""
    return [
        Measured(metric, (), "") if metric.missing else _measured(prometheus.query, metric)
        for metric in metrics
    ]


def _measured(query: Callable[[str], list[QueriedSeries]], metric: KeyMetric) -> Measured:
    try:
        answer = query(metric.query)
    except PrometheusError as error:
        return Measured(metric, (), str(error))
    numbers = tuple(each for each in answer if each.samples and math.isfinite(each.samples[-1][1]))
    if numbers:
        return Measured(metric, numbers, "")
    what = "no number (NaN or Inf)" if answer else "nothing"
    return Measured(metric, (), f"its query gives {what}: {metric.query}")
