"""Is every planned request accounted for? Flows in: the recorded requests, what the recording says of the
load, and the stretch that was watched. Flows out: an Account: the requests that were measured, and the
stretches that were not.

The plan is exact: one request in each slot, a whole multiple of 1 / requests_per_second on the monotonic
clock. A slot without a record, or with two, is unmeasured. So is every request that was under way while the
load itself was in trouble: it says so, or it sent a request late, or not at all. None of these is a failure
of the target, a witness, an outage or a pass (design decision 13).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drill.recording import Requests

LATE_SECONDS = 0.25
"""A request sent later than this after its moment shows that the load was stopped or starved meanwhile."""
LATE_FACTOR = 3.0
"""Where calibration found the load later than a third of that, this many times its 99th percentile."""
ON_PLAN = 0.01
"""How far from a slot, in slots, a planned time may lie: what rounding to nanoseconds can do, and no more."""
CLOCK_SECONDS = 0.002
NO_RECORD, TWICE, OFF_PLAN = "no record", "recorded more than once", "a record that is not of the plan"
UNDER_WAY = "under way while the load was in trouble"
LATE, UNSENT = "the load sent late", "not sent: the load itself fell behind"
MISORDERED = "times out of order"


class Stretch(NamedTuple):
    """[start, end), monotonic seconds, in which `slots` planned requests are unmeasured; `what`: why."""

    start: float
    end: float
    slots: int
    what: str


class Trouble(NamedTuple):
    """[start, end), monotonic seconds, in which the load was in trouble."""

    start: float
    end: float
    what: str


class Account(NamedTuple):
    """`planned`: slots in the stretch watched, [start, end) in monotonic seconds; `measured`: the requests
    that count, at most one for a slot; `stretches`: the unmeasured, in order."""

    start: float
    end: float
    planned: int
    measured: Requests
    stretches: list[Stretch]

    @property
    def unmeasured(self) -> int:
        """Slots of which nothing is said."""
        return sum(stretch.slots for stretch in self.stretches)

    def touching(self, start: float, end: float) -> list[Stretch]:
        """The unmeasured stretches that lie in part in [start, end)."""
        return [each for each in self.stretches if each.start < end and each.end > start]


def account_for(
    requests: Requests,
    requests_per_second: float,
    watched: tuple[float, float],
    troubles: Sequence[Trouble] = (),
    lateness_seconds: float = 0.0,
) -> Account:
    """Hold what was recorded against the plan for [start, end). `lateness_seconds`: the load's usual lateness
    (p99).
    """
    start, end = watched
    first, last = _slot_range(start, end, requests_per_second)
    exact = requests.planned * requests_per_second
    inside = (exact > first - 0.5) & (exact < last - 0.5)
    rows, exact = requests.where(inside), exact[inside]
    slots = np.rint(exact).astype(np.int64)
    late = late_after(lateness_seconds)
    troubles = _merged([*troubles, *_seen(rows, late)])
    same, spoiled = _spoiled(rows, slots, exact, troubles)
    measured = rows.where(~spoiled)
    gaps = _gaps(slots[~spoiled], first, last)
    recorded = _Recorded(slots, slots[same], slots[_off_plan(exact, slots)])
    stretches = [_stretch(gap, requests_per_second, troubles, recorded) for gap in gaps]
    return Account(start, end, max(0, last - first), measured, stretches)


def late_after(lateness_seconds: float) -> float:
    """How many seconds after its moment a request may be sent before the load is said to have been in
    trouble.
    """
    return max(LATE_SECONDS, LATE_FACTOR * lateness_seconds)


def _slot_range(start: float, end: float, rate: float) -> tuple[int, int]:
    """The first slot in [start, end), and the first behind it."""
    first = math.ceil(start * rate - ON_PLAN)
    return first, max(first, math.ceil(end * rate - ON_PLAN))


def _seen(rows: Requests, late: float) -> list[Trouble]:
    """Trouble of the load that its own records show."""
    found = []
    for what, mask in (
        (LATE, ~rows.unsent & (rows.sent - rows.planned > late)),
        (UNSENT, rows.unsent),
        (MISORDERED, _misordered(rows)),
    ):
        ends = np.maximum(rows.planned[mask], rows.sent[mask])
        found += [
            Trouble(a, b, what) for a, b in zip(rows.planned[mask].tolist(), ends.tolist(), strict=True)
        ]
    return found


def _merged(troubles: list[Trouble]) -> list[Trouble]:
    """In order of time, those that touch made one; it is named after the longest."""
    merged: list[tuple[Trouble, Trouble]] = []
    for each in sorted(troubles):
        if merged and each.start <= merged[-1][0].end:
            whole, longest = merged[-1]
            longest = max(longest, each, key=lambda trouble: trouble.end - trouble.start)
            merged[-1] = (Trouble(whole.start, max(whole.end, each.end), longest.what), longest)
        else:
            merged.append((each, each))
    return [whole for whole, _ in merged]


def _spoiled(
    rows: Requests, slots: NDArray[np.int64], exact: NDArray[np.float64], troubles: Sequence[Trouble]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows share a slot, and which say nothing: those, those off the plan, and those under way in
    trouble.
    """
    same = np.zeros(len(slots), np.bool_)
    equal = slots[1:] == slots[:-1]
    same[1:] = equal
    same[:-1] |= equal
    spoiled = same | _off_plan(exact, slots)
    longest = float((rows.finished - rows.planned).max(initial=0.0))
    for trouble in troubles:
        low, high = np.searchsorted(rows.planned, [trouble.start - longest, trouble.end])
        high = max(int(high), int(np.searchsorted(rows.planned, trouble.start, side="right")))
        spoiled[low:high] |= rows.finished[low:high] > trouble.start
    return same, spoiled | rows.unsent | _misordered(rows)


def _misordered(rows: Requests) -> NDArray[np.bool_]:
    """Sent before its moment, or finished before it was sent."""
    return (rows.sent < rows.planned - CLOCK_SECONDS) | (rows.finished < rows.sent - CLOCK_SECONDS)


def _off_plan(exact: NDArray[np.float64], slots: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.abs(exact - slots) > ON_PLAN


def _gaps(slots: NDArray[np.int64], first: int, last: int) -> list[tuple[int, int]]:
    """Runs of slots in [first, last) that none of `slots` (sorted) fills, each [from, to)."""
    edges = np.concatenate([[first - 1], slots, [last]])
    places = np.flatnonzero(edges[1:] - edges[:-1] > 1)
    return [(int(edges[place]) + 1, int(edges[place + 1])) for place in places]


class _Recorded(NamedTuple):
    """The slots that have a record at all, sorted, and which of them have two or are off the plan."""

    slots: NDArray[np.int64]
    twice: NDArray[np.int64]
    off_plan: NDArray[np.int64]


def _stretch(gap: tuple[int, int], rate: float, troubles: Sequence[Trouble], recorded: _Recorded) -> Stretch:
    """The unmeasured run of slots in seconds, and what was wrong."""
    start, end = gap[0] / rate, gap[1] / rate
    what = next((each.what for each in troubles if each.start < end and each.end >= start), "")
    for slots, reason in (
        (recorded.twice, TWICE),
        (recorded.off_plan, OFF_PLAN),
        (recorded.slots, UNDER_WAY),
    ):
        low, high = np.searchsorted(slots, gap)
        what = what or (reason if high > low else "")
    return Stretch(start, end, gap[1] - gap[0], what or NO_RECORD)
