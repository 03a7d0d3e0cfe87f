"""CPU and memory in the window after, against the containers' own limits. Flows in: a Case. Flows out: shares
of the limit."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from drill.judge.case import Case, PodResources, ResourceSample
from drill.judge.criteria.reasons import lacking, never_after, undecided, unlimited
from drill.judge.verdict import Criterion
from drill.statistics import Reading, average_rate, covered_seconds, hold, mean_interval

LEAST_SAMPLES = 3
LEAST_SHARE_OF_WINDOW = 0.6


def cpu(case: Case) -> Criterion:
    """CPU time used over CPU time allowed, weighted by time, over all pods. Exact from cumulative counters,
    so without an interval."""
    name = "cpu"
    unjudged = _unjudged(case, name)
    if unjudged:
        return unjudged
    samples, readings, cores = _samples(case), defaultdict[str, list[Reading]](list), dict[str, float]()
    for _, pods in samples:
        for pod in pods:
            if pod.cpu_seconds is not None and pod.cpu_at is not None and pod.cpu_limit_cores:
                readings[pod.pod].append(Reading(pod.cpu_at, pod.cpu_seconds))
                cores[pod.pod] = pod.cpu_limit_cores
    if not readings:
        return Criterion(name, "not applicable", why="no container has a CPU limit and a measure of its use")
    averages = {pod: average_rate(series) for pod, series in readings.items()}
    measured = covered_seconds(stretch for average in averages.values() for stretch in average.stretches)
    if measured < LEAST_SHARE_OF_WINDOW * case.setup.settings.after_seconds:
        return undecided(case, name, _coverage(case, measured, len(samples)), len(samples))
    used = sum(average.rise / cores[pod] for pod, average in averages.items())
    value = used / sum(average.seconds for average in averages.values())
    limit = case.setup.limits[name]
    return Criterion(
        name,
        hold((value, value), limit.value),
        value=value,
        limit=limit.value,
        unit=limit.unit,
        samples=len(samples),
        source=limit.source,
        why=f"{value:.1%} of the CPU limit on average over {len(readings)} pods and {measured:.0f} s",
    )


def memory(case: Case) -> Criterion:
    """The mean share of its memory limit that the fullest pod used."""
    name = "memory"
    unjudged = _unjudged(case, name)
    if unjudged:
        return unjudged
    samples, shares = _samples(case), defaultdict[str, list[float]](list)
    for _, pods in samples:
        for pod in pods:
            if pod.memory_bytes is not None and pod.memory_limit_bytes:
                shares[pod.pod].append(pod.memory_bytes / pod.memory_limit_bytes)
    if not shares:
        return Criterion(
            name, "not applicable", why="no container has a memory limit and a measure of its use"
        )
    seen = {pod: np.array(values) for pod, values in shares.items() if len(values) >= LEAST_SAMPLES}
    measured = samples[-1][0] - samples[0][0]
    if not seen or measured < LEAST_SHARE_OF_WINDOW * case.setup.settings.after_seconds:
        return undecided(case, name, _coverage(case, measured, len(samples)), len(samples))
    fullest = max(sorted(seen), key=lambda pod: float(seen[pod].mean()))
    values = seen[fullest]
    value, limit = float(values.mean()), case.setup.limits[name]
    interval = mean_interval(values) or (value, value)
    return Criterion(
        name,
        hold(interval, limit.value),
        value=value,
        limit=limit.value,
        unit=limit.unit,
        interval=interval,
        samples=len(values),
        source=limit.source,
        why=f"the fullest of {len(seen)} pods, {fullest}, used {value:.1%} of its memory limit",
    )


def _unjudged(case: Case, name: str) -> Criterion | None:
    unjudged = lacking(case, name, ("resources",)) or unlimited(case, name) or never_after(case, name)
    if unjudged:
        return unjudged
    count = len(_samples(case))
    if count < LEAST_SAMPLES:
        return undecided(
            case, name, f"{count} samples in the window after, fewer than {LEAST_SAMPLES}", count
        )
    return None


def _samples(case: Case) -> list[tuple[float, list[PodResources]]]:
    """Moment and pods of each sample in the window after."""
    window = case.timeline.after
    events = case.within("sample.resources", window) if window else []
    return [(event.monotonic, case.typed(event, ResourceSample).pods) for event in events]


def _coverage(case: Case, measured: float, count: int) -> str:
    after = case.setup.settings.after_seconds
    return (
        f"{count} samples measure {measured:.1f} s of the window's {after:g} s, less than "
        f"{LEAST_SHARE_OF_WINDOW:.0%}"
    )
