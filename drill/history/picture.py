"""Small multiples of the history: a row a drill, a picture a measure. Flows in: series. Flows out: one HTML
file that needs no network and no script.

In each picture the runs stand side by side in order of time; a line up and down is the interval at 95 %, a
broken line the limit where it is near, a vertical one a change, with the medians on both sides of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment

from drill.history.proven import LastProven
from drill.history.series import FOLLOWED, Series
from drill.history.words import change_text, days_text, point_text
from drill.report.templates import environment_of
from drill.report.units import quantity

WIDTH, HEIGHT = 230.0, 96.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 8.0, 10.0, 18.0
COUNTED = "writes"
"""A unit that the title of the picture says already."""
NEAR = 4.0
"""A limit is drawn where it is at most so many times the largest value: farther away it would flatten all."""


@dataclass(frozen=True)
class Mark:
    """A point. `low_y`, `high_y`: of its interval, equal to `y` where it has none."""

    x: float
    y: float
    low_y: float
    high_y: float
    outcome: str
    text: str


@dataclass(frozen=True)
class Level:
    """The median of a stretch between two changes."""

    x: float
    end: float
    y: float


@dataclass(frozen=True)
class Break:
    """A change."""

    x: float
    text: str


@dataclass(frozen=True)
class Panel:
    """One picture. `ticks`: (y, text); `limit_y`: None where no limit is near; `first`, `last`: days of the
    axis; `described`: for those who do not see it."""

    title: str
    marks: tuple[Mark, ...]
    levels: tuple[Level, ...]
    breaks: tuple[Break, ...]
    ticks: tuple[tuple[float, str], ...]
    limit_y: float | None
    limit: str
    first: str
    last: str
    described: str


@dataclass(frozen=True)
class DrillRow:
    """A drill and its pictures; None where it has no number of a measure."""

    drill: str
    scenario: str
    runs: int
    panels: tuple[Panel | None, ...]
    changes: tuple[str, ...]


def page(target: str, series: Sequence[Series], pieces: Sequence[LastProven]) -> str:
    """The whole page. `series`: as `series_of` gives them; `pieces`: as `last_proven` gives them."""
    titles = [kind.title for kind in FOLLOWED if any(each.title == kind.title for each in series)]
    rows = []
    for drill in dict.fromkeys(each.drill for each in series):
        own = {each.title: each for each in series if each.drill == drill}
        panels = tuple(panel(own[title]) if title in own else None for title in titles)
        changes = tuple(change_text(each, change) for each in own.values() for change in each.changes)
        some = next(iter(own.values()))
        rows.append(
            DrillRow(drill, some.scenario, max(len(each.points) for each in own.values()), panels, changes)
        )
    runs = {point.run.id for each in series for point in each.points}
    return (
        _environment()
        .get_template("history.html.j2")
        .render(target=target, titles=titles, rows=rows, pieces=pieces, runs=len(runs), days_text=days_text)
    )


def panel(series: Series) -> Panel:
    """One series as a picture."""
    highs = [point.high if point.high is not None else point.value for point in series.points]
    top = max(highs)
    near = series.bound is not None and 0 < series.bound <= NEAR * max(top, 1e-12)
    top = max(top, series.bound or 0.0) if near else top
    top = _round_above(top * 1.02) if top > 0 else 1.0
    count = len(series.points)
    unit = "" if series.unit == COUNTED else series.unit

    def x(position: float) -> float:
        return round(LEFT + (position + 0.5) / count * (WIDTH - LEFT - RIGHT), 2)

    def y(value: float) -> float:
        return round(TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM), 2)

    marks = tuple(
        Mark(
            x(number),
            y(point.value),
            y(point.low if point.low is not None else point.value),
            y(point.high if point.high is not None else point.value),
            point.outcome,
            point_text(series, point),
        )
        for number, point in enumerate(series.points)
    )
    edges = [0, *(change.index for change in series.changes), count]
    medians = (
        [series.changes[0].before, *(change.after for change in series.changes)] if series.changes else []
    )
    levels = tuple(
        Level(x(edges[number] - 0.5), x(edges[number + 1] - 0.5), y(median))
        for number, median in enumerate(medians)
    )
    breaks = tuple(Break(x(change.index - 0.5), change_text(series, change)) for change in series.changes)
    newest = series.points[-1]
    return Panel(
        series.title,
        marks,
        levels,
        breaks,
        tuple((y(share * top), quantity(share * top, unit)) for share in (0.0, 0.5, 1.0)),
        y(series.bound) if near and series.bound is not None else None,
        f"limit {quantity(series.bound, series.unit)}" if series.bound is not None else "",
        series.points[0].run.started[:10],
        newest.run.started[:10] if count > 1 else "",
        f"{series.title}, {count} runs; last: {point_text(series, newest)}; {len(series.changes)} changes",
    )


def _round_above(value: float) -> float:
    """The next round number, whose half is short too. `value` > 0."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        round(step * power, 12) for step in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if step * power >= value
    )


@cache
def _environment() -> Environment:
    """With the report's own colours and type beside the templates here; everything is escaped."""
    environment = environment_of("drill.history", "drill.report")
    environment.globals.update(width=WIDTH, height=HEIGHT, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM)
    return environment
