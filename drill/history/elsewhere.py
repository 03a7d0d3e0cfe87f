"""What else the machine did while a drill was watched. Flows in: a drill's events. Flows out: a share of its
cores.

The load, the cluster and the target all run on it. What remains once the target's own pods are taken off
should be the same in every run; where it is not, neither are latencies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from drill.recording import Event, all_of
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
    inside = [event for event in events if start <= event.monotonic <= end]
    busy = [sample.busy_share for sample in all_of(MachineSampled, inside)]
    own = cores_used(
        [(event.monotonic, event.data) for event in inside if isinstance(event.data, ResourcesSampled)]
    )
    if not busy or own is None:
        return None
    return max(0.0, float(np.mean(busy)) - own / cores)


def cores_used(looks: Sequence[tuple[float, ResourcesSampled]]) -> float | None:
    """CPU seconds a second of all pods together, from the first look to the last; None where that was not
    measured. `looks`: monotonic seconds and what was seen then, in order of time.

    Pods come and go, and of a new one nothing is known before its second reading. So what those that were
    measured used in a second is taken for all that ran, for as long as each was there. A restarted container
    counts from zero again: what happened across its restart is left out.
    """
    readings: dict[tuple[str, str], list[Reading]] = defaultdict(list)
    for _, look in looks:
        for pod in look.pods:
            if pod.cpu_seconds is not None and pod.cpu_at is not None:
                readings[pod.pod, pod.container_id].append(Reading(pod.cpu_at, pod.cpu_seconds))
    averages = [average_rate(series) for series in readings.values()]
    measured_seconds = sum(each.seconds for each in averages)
    seconds = looks[-1][0] - looks[0][0] if looks else 0.0
    if measured_seconds <= 0 or seconds <= 0:
        return None
    pod_seconds = sum(
        (_running(before) + _running(after)) / 2 * (then - at)
        for (at, before), (then, after) in pairwise(looks)
    )
    return sum(each.rise for each in averages) / measured_seconds * pod_seconds / seconds


def _running(look: ResourcesSampled) -> int:
    return len(look.expected or look.pods)


def _window_after(events: Sequence[Event]) -> tuple[float, float] | None:
    def first(kind: type[WindowOpened] | type[WindowClosed]) -> float | None:
        of_kind = (each for each in events if isinstance(each.data, kind) and each.data.window == AFTER)
        return next((each.monotonic for each in of_kind), None)

    start, end = first(WindowOpened), first(WindowClosed)
    return None if start is None or end is None else (start, end)
