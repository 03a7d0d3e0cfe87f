"""What a target's own noise is: a recording in which nothing was done to it, and the highest rate that it
serves.

`calibrate` is pure. `measure_capacity` sends real load, one rate after the other, and stops at the first that
the target does not serve within its limits, or that the load itself cannot send in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drill import wait
from drill.errors import SetupError
from drill.load.process import Load
from drill.load.stalls import Stall, touched
from drill.recording import RECORDING, Event, Recorder, all_of
from drill.recording.events import Calibration, Limit, LoadTrouble, MachineSampled
from drill.recording.requests import LOADS_OWN_ERRORS, Request, stream_requests
from drill.settings import Settings
from drill.statistics.noise import correlation_seconds, dispersion_of

LEAST_SECONDS = 30.0
"""Less than this shows no noise."""
PUNCTUAL_SECONDS = 0.05
"""A rate at which one request in a hundred is sent later than this is above what this machine can send."""
GROWS = 2.0
"""Latencies that rise by this factor from the first to the last third of a step show a queue that grows."""
GROWS_SECONDS = 0.02
LATE = "the load itself was late"
ATTEMPTS = 2
"""A neighbour that disturbs the load once says nothing of the rate: such a step is taken again."""
FIRST_SECONDS = 0.5
"""Of each step: connections are opened, nothing is counted."""


def calibrate(
    requests: Sequence[Request], events: Sequence[Event], *, capacity: float | None = None, digest: str = ""
) -> Calibration:
    """The noise in a recording of no fault. `capacity`: of `measure_capacity`; `digest`: of the target. What
    the load itself failed at is left out. Raises SetupError for a recording that is too short or has too much
    of that."""
    measured, lost = _measured(requests, events)
    planned = np.array([request.planned for request in measured])
    watched = float(planned.max() - planned.min()) if len(planned) else 0.0
    if watched < LEAST_SECONDS or lost > len(measured):
        raise SetupError(
            f"the no-fault drill shows {watched:.0f} s of requests, of which the load itself spoiled {lost}: "
            f"expected at least {LEAST_SECONDS:.0f} s; run drill calibrate again, with nothing else on this "
            "machine"
        )
    failed = np.array([bool(request.error) for request in measured])
    latency = np.array([request.finished - request.planned for request in measured])
    late = np.array([request.sent - request.planned for request in measured])
    dispersion = dispersion_of(failed, planned)
    busy = [sample.busy_share for sample in all_of(MachineSampled, events)]
    return Calibration(
        dispersion=dispersion.upper,
        correlation_seconds=correlation_seconds(latency[~failed], planned[~failed]),
        capacity=capacity,
        lateness_seconds=float(np.quantile(late, 0.99)),
        machine_busy_share=float(np.mean(busy)) if busy else 0.0,
        taken_wall=events[0].wall if events else 0.0,
        digest=digest,
        failures=dispersion.failures,
        requests=dispersion.requests,
    )


def _measured(requests: Sequence[Request], events: Sequence[Event]) -> tuple[list[Request], int]:
    """The requests that say something of the target, and how many do not."""
    stalls = [Stall(trouble.start, trouble.end) for trouble in all_of(LoadTrouble, events)]
    measured = [
        request
        for request in requests
        if not request.error.startswith(LOADS_OWN_ERRORS)
        and not touched(request.planned, request.finished, stalls)
    ]
    return measured, len(requests) - len(measured)


def measure_capacity(
    settings: Settings,
    folder: Path,
    limits: Mapping[str, Limit],
    rates: Sequence[float] = (150, 225, 300, 375, 450),
    seconds_each: float = 4.0,
) -> float | None:
    """The highest of `rates`, tried in this order, that the target serves within `limits` (error_rate,
    response_time); None where it does not serve the first. Each step leaves a folder of its own in `folder`.
    Raises SetupError where a load does not start."""
    best: float | None = None
    for rate in rates:
        for attempt in range(1, ATTEMPTS + 1):
            place = folder / f"{rate:g}-requests-per-second-{attempt}"
            why = _try(settings, place, limits, rate, seconds_each)
            if not why.startswith(LATE):
                break
        if why:
            break
        best = rate
    return best


def _try(settings: Settings, folder: Path, limits: Mapping[str, Limit], rate: float, seconds: float) -> str:
    recorder = Recorder(folder / RECORDING)
    try:
        with Load(settings, folder, recorder, requests_per_second=rate) as load:
            wait.pause(FIRST_SECONDS + seconds)
            load.check()
        sent = [request for chunk in stream_requests(load.stream) for request in chunk]
    finally:
        recorder.close()
    first = min(request.planned for request in sent) + FIRST_SECONDS
    return why_not_served([request for request in sent if request.planned >= first], limits)


def why_not_served(requests: Sequence[Request], limits: Mapping[str, Limit]) -> str:
    """Why requests at one rate are not served within the limits; empty where they are. Pure."""
    if not requests:
        return "no request was sent"
    ordered = sorted(requests, key=lambda request: request.planned)
    late = np.array([request.sent - request.planned for request in ordered])
    if (
        any(request.error.startswith(LOADS_OWN_ERRORS) for request in ordered)
        or np.quantile(late, 0.99) > PUNCTUAL_SECONDS
    ):
        return f"{LATE}: 1 % of the requests by {np.quantile(late, 0.99):.3f} s or more"
    failed = sum(bool(request.error) for request in ordered)
    error_rate, response_time = limits.get("error_rate"), limits.get("response_time")
    if failed and (error_rate is None or failed >= error_rate.value * len(ordered)):
        return f"{failed} of {len(ordered)} requests failed"
    latency = np.array([request.finished - request.planned for request in ordered])
    p95 = float(np.quantile(latency, 0.95))
    if response_time is not None and p95 >= response_time.value:
        return f"95 % of the responses took up to {p95:.3f} s"
    return _why_growing(latency)


def _why_growing(latency: NDArray[np.float64]) -> str:
    third = max(1, len(latency) // 3)
    begun, ended = float(np.median(latency[:third])), float(np.median(latency[-third:]))
    grows = ended > GROWS * begun + GROWS_SECONDS
    return f"responses took {begun:.3f} s at first and {ended:.3f} s at last: a queue grows" if grows else ""
