"""How far a run of drills is, and how long it may still take: from what the same scenarios took in earlier
runs.

A drill takes from its beginning to that of the next one in its run, so that putting back is in it. The
last of a run has no next one, and tells nothing. A scenario that no run tells of is taken for as long
as the others are on the average; where none is told of, nothing is said of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

import pytest

from drill.errors import DrillError
from drill.history.command import history_of
from drill.history.store import PastDrill
from drill.plugin.keys import FACTS, load_settings
from drill.report.live import terminal

LONGEST_SECONDS = 1800.0
"""A longer gap between two drills is no drill: the machine slept, or somebody waited."""
LAST_RUNS = 5
EXPECTED = pytest.StashKey[Mapping[str, float]]()


def tell_progress(item: pytest.Item) -> None:
    """One line before a drill: which of how many, and the time left. Says nothing of time where the history
    cannot be read; the end of the run names that."""
    drills = [each.stash[FACTS].scenario for each in item.session.items if FACTS in each.stash]
    at = [each for each in item.session.items if FACTS in each.stash].index(item)
    if EXPECTED not in item.config.stash:
        item.config.stash[EXPECTED] = _expected(item.config)
    left = left_words(drills[at:], item.config.stash[EXPECTED])
    with terminal() as stream:
        stream.write(f"\ndrill {at + 1} of {len(drills)}: {drills[at]}{left}\n")


def left_words(waiting: Sequence[str], expected: Mapping[str, float]) -> str:
    """How long the scenarios that are still to be made may take; empty where none of them is known."""
    known = [expected[scenario] for scenario in waiting if scenario in expected]
    if not known:
        return ""
    seconds = sum(known) + mean(known) * (len(waiting) - len(known))
    guessed = f", {len(waiting) - len(known)} of {len(waiting)} guessed" if len(known) < len(waiting) else ""
    return f"; about {max(1, round(seconds / 60))} min left{guessed}"


def took_seconds(drills: Iterable[PastDrill]) -> dict[str, float]:
    """How long each scenario took: the median of its last runs. Controls that were only brought from an
    earlier run are left out, with the time that they did not take."""
    runs: dict[int, list[PastDrill]] = {}
    for each in drills:
        if not each.kept_run:
            runs.setdefault(each.run.id, []).append(each)
    found: dict[str, list[float]] = {}
    for made in sorted(runs.values(), key=lambda made: made[0].run.started_wall):
        for one, following in pairwise(sorted(made, key=lambda each: each.began_wall)):
            seconds = following.began_wall - one.began_wall
            if 0 < seconds <= LONGEST_SECONDS:
                found.setdefault(one.scenario, []).append(seconds)
    return {scenario: median(taken[-LAST_RUNS:]) for scenario, taken in found.items()}


def _expected(config: pytest.Config) -> dict[str, float]:
    try:
        settings = load_settings(config)
        history = history_of(settings, Path(config.getoption("--reports")))
        return took_seconds(history.drills(settings.target.name))
    except (DrillError, pytest.UsageError):
        return {}
