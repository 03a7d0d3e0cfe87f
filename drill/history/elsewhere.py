"""What else the machine did while a drill was watched. Flows in: a drill's events. Flows out: a share of its
cores.

The load, the cluster and the target all run on it. What remains once the target's own pods are taken off
should be the same in every run; where it is not, neither are latencies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from drill.recording import Event
from drill.recording.events import MachineSampled, ResourcesSampled, WindowClosed, WindowOpened
from drill.statistics import Reading, average_rate

AFTER = "after"


def busy_elsewhere(events: Sequence[Event], cores: int) -> float | None:
    """The share of all `cores` that was busy in the window after with other things than the target's pods, 0
    to 1; None where that was not measured."""
    window = _window_after(events)
    if window is None or cores < 1:
        return None
    start, end = window
    inside = [event.data for event in events if start <= event.monotonic <= end]
    busy = [data.busy_share for data in inside if isinstance(data, MachineSampled)]
    readings: dict[str, set[Reading]] = defaultdict(set)
    for data in inside:
        for pod in data.pods if isinstance(data, ResourcesSampled) else ():
            if pod.cpu_seconds is not None and pod.cpu_at is not None:
                readings[pod.pod].add(Reading(pod.cpu_at, pod.cpu_seconds))
    averages = [average_rate(sorted(series)) for series in readings.values()]
    own = sum(each.rise / each.seconds for each in averages if each.seconds > 0)
    if not busy or not own:
        return None
    return max(0.0, float(np.mean(busy)) - own / cores)


def _window_after(events: Sequence[Event]) -> tuple[float, float] | None:
    start = next(
        (
            each.monotonic
            for each in events
            if isinstance(each.data, WindowOpened) and each.data.window == AFTER
        ),
        None,
    )
    end = next(
        (
            each.monotonic
            for each in events
            if isinstance(each.data, WindowClosed) and each.data.window == AFTER
        ),
        None,
    )
    return None if start is None or end is None else (start, end)
