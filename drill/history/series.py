"""One measure of one drill over its runs. Flows in: past drills. Flows out: series of points in order of
time, and the changes in them, each with what else was new in the run that it began with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drill.history.store import PastDrill, PastRun
from drill.statistics import change_points


@dataclass(frozen=True)
class Kind:
    """A measure that is followed. `place`: kind and name of the measure; `title`: for people."""

    place: tuple[str, str]
    title: str


FOLLOWED = (
    Kind(("criterion", "recovered"), "Time to recovery"),
    Kind(("criterion", "response_time"), "Response time, p95"),
    Kind(("criterion", "error_rate"), "Error rate"),
    Kind(("writes", "lost"), "Writes lost"),
    Kind(("criterion", "detected"), "Time to the alert"),
)
"""What the pictures show, where a drill has it."""


@dataclass(frozen=True)
class Point:
    """One run's value, in the unit of the series; `low`, `high`: the interval at 95 %, None where there is
    none; `outcome`: of the criterion, else the drill's verdict."""

    run: PastRun
    value: float
    low: float | None
    high: float | None
    samples: int
    outcome: str


@dataclass(frozen=True)
class PastChange:
    """The level of a series is another from the run `points[index]` on. `before`, `after`: medians; `new`:
    what else that run was the first with, in words."""

    index: int
    before: float
    after: float
    probability: float
    new: tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """`drill`: its name; `points` in order of time, one a run; `bound`: the limit as of the last run."""

    drill: str
    scenario: str
    title: str
    unit: str
    bound: float | None
    points: tuple[Point, ...]
    changes: tuple[PastChange, ...]


def series_of(
    drills: Sequence[PastDrill], kinds: Sequence[Kind] = FOLLOWED, *, last: int | None = None
) -> list[Series]:
    """A series for each drill and each measure that it has a number of. `drills`: of one target, in order of
    time, as `History.drills` gives them; `last`: only so many runs of each. A kept control is a point of the
    run that measured it, and of no other; a run that did not end has none."""
    by_name: dict[str, list[PastDrill]] = {}
    for drill in drills:
        if not drill.kept_run and drill.run.ended:
            by_name.setdefault(drill.drill, []).append(drill)
    found = []
    for past in by_name.values():
        looked_at = past[-last:] if last else past
        found += [series for kind in kinds if (series := _series(looked_at, kind)) is not None]
    return found


def _series(past: Sequence[PastDrill], kind: Kind) -> Series | None:
    points, bound, unit = [], None, ""
    for drill in past:
        measure = drill.measures.get(kind.place)
        if measure is None or measure.value is None:
            continue
        outcome = measure.outcome or drill.verdict
        points.append(Point(drill.run, measure.value, measure.low, measure.high, measure.samples, outcome))
        bound, unit = measure.bound, measure.unit
    if not points:
        return None
    changes = tuple(
        PastChange(
            found.index,
            found.before,
            found.after,
            found.probability,
            tuple(what_is_new(points[found.index - 1].run, points[found.index].run)),
        )
        for found in change_points([point.value for point in points])
    )
    return Series(past[-1].drill, past[-1].scenario, kind.title, unit, bound, tuple(points), changes)


def what_is_new(before: PastRun, now: PastRun) -> list[str]:
    """What a run was made with that the run before was not, in words."""
    new = [
        f"image of {container}"
        for container, image in sorted(now.images.items())
        if before.images.get(container) != image
    ]
    new += sorted(
        f"{role} {name}" if role != "runbook" else "runbook"
        for (role, name), digest in now.inputs.items()
        if before.inputs.get((role, name)) != digest and role in ("runbook", "target", "experiment")
    )
    if before.drill_commit != now.drill_commit:
        new.append(f"drill at {now.drill_commit[:12] or 'no commit'}")
    if (before.cores, before.kernel) != (now.cores, now.kernel):
        new.append(f"machine ({now.cores} cores, kernel {now.kernel})")
    if (before.context, before.cluster_version) != (now.context, now.cluster_version):
        new.append(f"cluster ({now.context}, {now.cluster_version})")
    return new
