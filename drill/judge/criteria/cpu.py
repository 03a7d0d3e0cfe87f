"""CPU in the window after, against the containers' own limits. Flows in: a Case. Flows out: a share of the
limit, exact from cumulative counters and so without an interval."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from drill.judge.case import Case
from drill.judge.criteria.pods import (
    LEAST_SAMPLES,
    LEAST_SHARE_MEASURED,
    PodSample,
    everyone,
    samples_of,
    too_little,
)
from drill.judge.criteria.question import Answer, Question, not_applicable, undecided
from drill.statistics import Reading, average_rate, hold


def cpu(case: Case) -> Answer:
    """CPU time used over CPU time allowed, weighted by time, over all pods. Every pod that runs at the end
    must be measured, but one that came too late for it, whose time counts as unmeasured.
    """
    samples = samples_of(case)
    few = too_little(case, samples)
    if few:
        return undecided(few, len(samples))
    readings, cores = defaultdict[str, list[Reading]](list), dict[str, float]()
    unlimited = set[str]()
    for sample in samples:
        for name, pod in sample.pods.items():
            if pod.cpu_limit_cores is None or pod.cpu_limit_cores <= 0:
                unlimited.add(name)
            elif pod.cpu_seconds is not None and pod.cpu_at is not None:
                readings[name].append(Reading(pod.cpu_at, pod.cpu_seconds))
                cores[name] = pod.cpu_limit_cores
    if unlimited and not everyone(samples) - unlimited:
        return not_applicable("no container has a CPU limit")
    averages = {name: average_rate(series) for name, series in readings.items()}
    unmeasured = _unmeasured(
        samples, {name: average.seconds for name, average in averages.items()}, unlimited
    )
    if unmeasured:
        return undecided(unmeasured, len(samples))
    used = sum(average.rise / cores[name] for name, average in averages.items())
    value = used / sum(average.seconds for average in averages.values())
    why = f"{value:.1%} of the CPU limit on average over {len(readings)} pods"
    return Answer(hold((value, value), case.setup.limits["cpu"].value), why, value, samples=len(samples))


def _unmeasured(samples: list[PodSample], seconds: dict[str, float], unlimited: set[str]) -> str:
    """Which pod's use is not known; empty where enough is."""
    ran = defaultdict[str, float](float)
    for before, after in pairwise(samples):
        for name in after.expected - unlimited:
            ran[name] += after.at - before.at if name in before.expected else 0.0
    there = samples[-1].expected & samples[-LEAST_SAMPLES].expected - unlimited
    blind = sorted(name for name in there if not seconds.get(name))
    if blind:
        return f"the use of {', '.join(blind)} was not measured"
    whole, measured = sum(ran.values()), sum(seconds.values())
    # a pod of which there is no rate ran for some time of which nothing is known
    passing = sum(1 for name in everyone(samples) - unlimited if not seconds.get(name))
    whole += passing * (samples[-1].at - samples[0].at) / (len(samples) - 1)
    if whole <= 0 or measured < LEAST_SHARE_MEASURED * whole:
        least = f"less than {LEAST_SHARE_MEASURED:.0%}"
        return f"{measured:.0f} s of {whole:.0f} s that pods ran were measured, {least}"
    return ""


QUESTION = Question(
    "cpu", "CPU usage, average", cpu, limit="cpu", unit="ratio", parts=("resources",), needs=("window after",)
)
