"""What a procedure on a target without a fault has changed. Flows in: a Case. Flows out: the quantile of
users' response time and the hit rate of the cache, each before and after it, and whether the two can be told
apart.

They are told, and judged by nobody: tuning that gains nothing does no harm. Before is as long as the window
after is at least, up to the procedure's start.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drill.judge.case import Case
from drill.judge.criteria.response_time import waiting_of
from drill.judge.outages import quantile_of
from drill.judge.verdict import Gain, HitRate
from drill.recording.events import CacheSampled, PodCache
from drill.statistics import (
    LEAST_BLOCKS,
    counted_share_interval,
    difference_interval,
    quantile,
    ratio_interval,
)

LEAST_LOOKUPS = 100


def gain(case: Case) -> Gain | None:
    """None with a fault, without a procedure, and where a window has too few blocks of time."""
    begun, limit = case.timeline.procedure_started, case.setup.limits.get("response_time")
    if case.setup.faults or begun is None or limit is None:
        return None
    settings, probability = case.setup.settings, quantile_of(limit)
    before, after = (
        waiting_of(requests, limit, settings.timeout_seconds, case.calibration)
        for requests in (case.account.measured.between(begun - settings.after_seconds, begun), case.after)
    )
    if before.interval is None or after.interval is None:
        return None
    was, became = (quantile(each.latency, probability) for each in (before, after))
    ratio = ratio_interval((became, after.interval), (was, before.interval))
    return None if ratio is None else Gain(probability, was, before.interval, became, after.interval, ratio)


def hit_rate(case: Case) -> tuple[HitRate | None, str]:
    """The share of lookups that the cache answered, and why it is not told; neither of them with a fault,
    without a procedure, and where nobody looked at a cache.

    What lies between two looks at the counters is a block. Lookups within it may depend on each other, as
    when a key has expired and all miss at once; blocks are taken as independent but for the next one.
    """
    begun, after = case.timeline.procedure_started, case.timeline.after
    if case.setup.faults or begun is None or after is None or not case.all(CacheSampled):
        return None, ""
    before = (begun - case.setup.settings.after_seconds, begun)
    found = []
    for when, stretch in (("before", before), ("after", after)):
        hits, lookups = _lookups(case, stretch)
        number = round(float(lookups.sum()))
        if number < LEAST_LOOKUPS:
            return None, f"{number} lookups {when}, fewer than {LEAST_LOOKUPS}"
        if len(lookups) < LEAST_BLOCKS:
            return None, f"{when}, lookups fall into {len(lookups)} blocks of time, fewer than {LEAST_BLOCKS}"
        found.append((float(hits.sum() / lookups.sum()), counted_share_interval(hits, lookups)))
    was, became = found
    return HitRate(*was, *became, difference_interval(became, was)), ""


def _lookups(case: Case, stretch: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hits and lookups of all pods in each block of [start, end], monotonic seconds, in which there were
    any. What a pod counted across its restart is unknown, and left out."""
    known = dict[str, PodCache]()
    blocks = []
    for _, sample in case.within(CacheSampled, stretch):
        hits = misses = 0.0
        for pod in sample.pods:
            was = known.get(pod.pod, pod)
            known[pod.pod] = pod
            if pod.hits >= was.hits and pod.misses >= was.misses:
                hits += pod.hits - was.hits
                misses += pod.misses - was.misses
        if hits + misses > 0:
            blocks.append((hits, hits + misses))
    counted = np.array(blocks, dtype=np.float64).reshape(-1, 2)
    return counted[:, 0], counted[:, 1]
