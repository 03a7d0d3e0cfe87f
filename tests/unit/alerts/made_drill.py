"""The series of a drill, made: users' requests on three pods, looked at every second until they are served
again, every five seconds afterwards. Nothing of it was recorded in a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from drill.alerts.drilled import replay_drill
from drill.alerts.rules import AlertRules
from drill.alerts.series import NAME_ENDING, Kind, Scrapes, SeriesHeader, write_series
from drill.recording.events import AlertsReplayed
from drill.settings import Alerts

INJECTED, RECOVERED, END = 4.4, 12.2, 40.0
NAMESPACE = "novel-engine-production"
Answers = Mapping[int, float]
"""Requests a second of one pod, by status."""
Samples = list[tuple[Mapping[str, str], Kind, float]]
WELL: Answers = {200: 40.0}


def made(
    folder: Path,
    broken: Answers | None,
    *,
    before: Answers = WELL,
    after: Answers = WELL,
    fault: bool = True,
    hold: bool = True,
    restarts: Callable[[float], int] = lambda _at: 0,
    unseen: tuple[float, float] = (0.0, 0.0),
) -> Path:
    """A file of series. `broken`: what each pod answers under the fault, None where there are no pods;
    `unseen`: a stretch in which nothing was scraped; `hold`: the fault's last state was recorded."""
    found = Scrapes(1.0)
    counted: dict[int, float] = {200: 1000.0}
    at = 0.0
    while at <= END:
        down = fault and INJECTED < at <= RECOVERED
        answers = broken if down else after if fault and at > RECOVERED else before
        if not unseen[0] <= at < unseen[1]:
            for pod in range(3) if answers is not None else ():
                found.add(at, {"job": "novel-engine", "pod": f"novel-engine-{pod}"}, _requests(counted))
            found.add(
                at, {"job": "kube-state-metrics"}, _state(restarts(at) if answers is not None else None)
            )
        step = 1.0 if at < RECOVERED else 5.0
        for status, rate in (answers or {}).items():
            counted[status] = counted.get(status, 0.0) + rate * step
        at += step
    path = folder / NAME_ENDING
    held = 12.0 if fault and hold else None
    header = SeriesHeader(
        "drill alert series 1",
        "made",
        1.0,
        INJECTED if fault else None,
        held,
        evaluate_seconds=5.0,
    )
    write_series(path, header, found.series())
    return path


def event_of(promtool: Path, rules: AlertRules, path: Path) -> AlertsReplayed:
    """What the rule engine says of it."""
    sections = {"1-service-completely-down-p0": "1. Service Completely Down (P0)"}
    return replay_drill(promtool, rules, path, Alerts(), sections)


def _requests(counted: Mapping[int, float]) -> Samples:
    return [
        (
            {"__name__": "http_requests_total", "path": "/campaigns", "status": str(status)},
            "counter",
            float(round(count)),
        )
        for status, count in counted.items()
    ]


def _state(restarts: int | None) -> Samples:
    labels = {
        "__name__": "kube_pod_container_status_restarts_total",
        "namespace": NAMESPACE,
        "pod": "novel-engine-0",
        "container": "novel-engine",
    }
    return [] if restarts is None else [(labels, "counter", float(restarts))]
