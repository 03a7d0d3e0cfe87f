"""What the alerts of a drill cost: CPU of one look's text, and of one replay: `python -m
benchmarks.alert_scrape`.

The text is the one that Novel Engine's own metrics give at /metrics after stated traffic; CPU is that of this
process, and of promtool.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from prometheus_client import REGISTRY, generate_latest

from drill.alerts.drilled import replay_drill
from drill.alerts.expressions import metrics_of
from drill.alerts.rules import alert_rules
from drill.alerts.series import NAME_ENDING, Scrapes, SeriesHeader, write_series
from drill.machine.promtool import ensure_promtool
from drill.observe.parse import exposed
from drill.runbook import parse
from drill.settings import Alerts
from novel_engine.app.metrics import REQUEST_SECONDS, REQUESTS

RUNBOOK = Path(__file__).parents[1] / "runbook" / "operations-runbook.md"
PATHS = (
    "/campaigns",
    "/campaigns/{id}",
    "/characters",
    "/characters/{id}",
    "/simulations",
    "/health",
    "/metrics",
)
TIMES = 200
PODS = 3
LOOKS = 45


def text_after(requests: int) -> str:
    """The text after so many requests on each path, of which one in ten fails."""
    for path in PATHS:
        for number in range(requests):
            REQUESTS.labels("GET", path, 500 if number % 10 == 0 else 200).inc()
            REQUEST_SECONDS.labels("GET", path).observe(0.02)
    return generate_latest(REGISTRY).decode()


def look_milliseconds(text: str, names: frozenset[str]) -> float:
    """CPU of one pod's text, in milliseconds."""
    began = time.process_time()
    for _ in range(TIMES):
        exposed(text, names)
    return (time.process_time() - began) / TIMES * 1000


def replay_seconds(names: frozenset[str]) -> tuple[float, float, int]:
    """Of one replay of a drill of three pods: seconds passed, seconds of CPU, and how many series."""
    rules, found = alert_rules(parse(RUNBOOK)), Scrapes(1.0)
    for at in range(LOOKS):
        samples = [
            ({"__name__": each.name, **each.labels}, each.kind, each.value)
            for each in exposed(text_after(40), names)
        ]
        for pod in range(PODS):
            found.add(float(at), {"pod": f"novel-engine-{pod}"}, samples)
    series = found.series()
    header = SeriesHeader("drill alert series 1", "made", 1.0, 5.5, 14.0, evaluate_seconds=5.0)
    with tempfile.TemporaryDirectory(prefix="drill-bench-") as folder:
        path = Path(folder) / NAME_ENDING
        write_series(path, header, series)
        began, before = time.monotonic(), os.times()
        replay_drill(ensure_promtool(), rules, path, Alerts(), {})
        after = os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    return time.monotonic() - began, cpu, len(series)


def main() -> None:
    """Print the figures."""
    names = metrics_of(alert_rules(parse(RUNBOOK)).rules)
    text = text_after(40)
    lines = len(text.splitlines())
    print(f"one pod's text of {lines} lines: {look_milliseconds(text, names):.2f} ms of CPU")
    seconds, cpu, series = replay_seconds(names)
    print(f"replay of {series} series, {LOOKS} looks: {seconds:.1f} s, {cpu:.1f} s of CPU")


if __name__ == "__main__":
    main()
