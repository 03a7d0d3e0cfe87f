"""How old is what a restored backup left? Flows in: a Case whose writes were audited. Flows out: between
which ages the data is, in seconds before the fault.

It is no older than the newest row that survived, and no younger than the oldest that is known to be lost.
Users of the drill write all the time: where one of their own writes survived, these two are the same. Of rows
from before the drill only the target's part can tell (`row_times` in drill.toml), which is asked before the
fault and after recovery. Where no row was written for long, a backup of the beginning of that time and one of
its end are the same, and the two ages lie far apart.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from drill.judge.case import Case
from drill.recording.events import RowsSurvived, RowsThere, WritesAudited


class DataAge(NamedTuple):
    """`least`, `most`: seconds; `most` is infinite where no row that survived could be dated. `newest`: what
    survived, in words, empty where nothing is known of it."""

    least: float
    most: float
    newest: str


def age_of_data(case: Case, audit: WritesAudited) -> DataAge | None:
    """The age; None where no backup was restored or nothing was injected."""
    origin = case.timeline.origin
    if not case.setup.restores or origin is None:
        return None
    if audit.newest_survivor_at is not None:
        age = max(0.0, origin - audit.newest_survivor_at)
        return DataAge(age, age, "write")
    lost = [origin - write.acknowledged_at for write in audit.absent]
    survived = next(reversed(case.all(RowsSurvived)), None)
    if survived is None:
        return DataAge(max([0.0, *lost]), math.inf, "")
    there = case.first(RowsThere)
    before = [] if there is None else [there.newest_wall, there.overdue_wall]
    newest = -math.inf if survived.newest_wall is None else survived.newest_wall
    lost += [survived.fault_wall - wall for wall in before if wall is not None and wall > newest]
    return DataAge(max([0.0, *lost]), survived.fault_wall - newest, "row")
