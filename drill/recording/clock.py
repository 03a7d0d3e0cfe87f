"""The one clock. Flows out: moments that load, faults and commands share.

CLOCK_MONOTONIC is one clock for all processes of a Linux machine, so moments taken in the load's process, in
an experiment's process and here are compared directly; wall time is carried for people and for what only
knows wall time (bash, Kubernetes).
"""

from __future__ import annotations

import time

import msgspec


class Moment(msgspec.Struct, frozen=True):
    """One point in time. `wall`: seconds since the epoch; `monotonic`: seconds of CLOCK_MONOTONIC."""

    wall: float
    monotonic: float


def now() -> Moment:
    """The present moment."""
    return Moment(wall=time.time(), monotonic=time.monotonic())


def monotonic_of(wall: float, reference: Moment) -> float:
    """The monotonic seconds at which the wall clock showed `wall`, by a `reference` moment taken close to
    it.
    """
    return reference.monotonic + (wall - reference.wall)
