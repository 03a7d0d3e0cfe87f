"""The samples of pods in the window after. Flows in: a Case. Flows out: what was measured of whom, and what
was not.
"""

from __future__ import annotations

from typing import NamedTuple

from drill.judge.case import Case
from drill.recording.events import PodResources, ResourcesSampled

LEAST_SAMPLES = 3
LEAST_SHARE_MEASURED = 0.6


class PodSample(NamedTuple):
    """One look. `at`: monotonic seconds; `pods`: what was measured, by name; `expected`: who ran then."""

    at: float
    pods: dict[str, PodResources]
    expected: frozenset[str]


def samples_of(case: Case) -> list[PodSample]:
    """The looks of the window after, in order of time."""
    return [
        PodSample(
            at,
            {pod.pod: pod for pod in data.pods},
            frozenset(data.expected or [pod.pod for pod in data.pods]),
        )
        for at, data in case.within(ResourcesSampled, case.window)
    ]


def everyone(samples: list[PodSample]) -> set[str]:
    """The names of all who ran at any look."""
    return {name for sample in samples for name in sample.expected}


def window_seconds(case: Case) -> float:
    """How long the window after was."""
    start, end = case.window
    return end - start


def too_little(case: Case, samples: list[PodSample]) -> str:
    """Why so few looks tell nothing; empty where there are enough."""
    if len(samples) < LEAST_SAMPLES:
        return f"{len(samples)} samples in the window after, fewer than {LEAST_SAMPLES}"
    covered, window = samples[-1].at - samples[0].at, window_seconds(case)
    if covered < LEAST_SHARE_MEASURED * window:
        return (
            f"{len(samples)} samples measure {covered:.1f} s of the window's {window:.0f} s, less than "
            f"{LEAST_SHARE_MEASURED:.0%}"
        )
    return ""
