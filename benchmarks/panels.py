"""A dashboard as a reader has it: does each panel show a number and a curve, and does the fault show? Flows
in: what a browser found in the rendered page (PANELS), the fault. Flows out: what is wrong, and what cannot
be told. No I/O.

Curves are read where they are drawn: how long before now, and how high. A curve's height is its value's share
of the panel's highest, since its axis begins at 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from drill.monitoring.dashboards import HEIGHT, SECONDS, WIDTH
from drill.monitoring.key_metrics import KeyMetric

PANELS = """
Array.from(document.querySelectorAll("main section"), section => {
  const svg = section.querySelector("svg"), box = svg?.getBoundingClientRect(), curves = {};
  for (const line of section.querySelectorAll("svg polyline"))
    (curves[line.dataset.series] ??= []).push(line.getAttribute("points"));
  return {
    name: section.querySelector("h2").textContent,
    missing: section.querySelector(".missing")?.textContent ?? "",
    values: Array.from(section.querySelectorAll("td.value"), each => each.textContent),
    scale: section.querySelector(".scale")?.textContent ?? "",
    visible: Boolean(box && box.width && box.height && getComputedStyle(svg).visibility === "visible"),
    curves: Object.values(curves).map(lines => lines.join(" ")),
  };
})
"""
"""Of each panel what it shows, as JSON."""
UNDRAWN = """
Array.from(document.querySelectorAll("main section[data-query]")).filter(each => !each.dataset.points)
  .map(each => each.querySelector("h2").textContent)
"""
"""The panels whose curves the page has not drawn yet."""
Shows = Literal["rises", "falls", "ends"]
"""How a fault shows in a panel: its curve is higher than before; at most half as high; or there is nothing to
show any more, since what it was told by is out."""
NUMBER = re.compile(r"^(?P<digits>[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)(?P<prefix>[kMGTPEZYmunpfazy]?)$")
PREFIXES = dict(zip("kMGTPEZY", range(3, 25, 3), strict=True)) | dict(
    zip("munpfazy", range(-3, -25, -3), strict=True)
)
FRESH_SECONDS = 30.0
"""A curve that ends earlier has no data now: longer than a scrape of the kubelet's takes to be there."""
BEFORE_SECONDS = (10.0, 40.0)
"""What is before the fault: so long before it at least, and at most."""
ENDED_SECONDS = 10.0
"""A curve that ends later may only wait for the next scrape."""
LEAST_POINTS = 2
VISIBLE_STEP = 0.05
"""Of the panel's height: six pixels."""
Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Panel:
    """`values`: as they are written; `curves`: of each the seconds before now and the height, 0 to 1, oldest
    first."""

    name: str
    missing: str
    values: tuple[str, ...]
    scale: str
    visible: bool
    curves: tuple[Curve, ...]

    @property
    def numbers(self) -> list[float]:
        """The values that are finite numbers."""
        return [number for value in self.values if (number := number_of(value)) is not None]


class Seen(NamedTuple):
    """Of one panel: what a reader does not find, or why that cannot be told; empty where all is well."""

    wrong: str = ""
    unknown: str = ""


@dataclass(frozen=True)
class PageVerdict:
    """`wrong`: what a reader does not find; `unknown`: what cannot be told; `said`: a line a panel."""

    wrong: tuple[str, ...]
    unknown: tuple[str, ...]
    said: tuple[str, ...]


def panel_of(found: Mapping[str, Any]) -> Panel:
    """One entry of PANELS. Raises ValueError for a curve that is none."""
    return Panel(
        found["name"],
        found["missing"],
        tuple(value.strip() for value in found["values"]),
        found["scale"],
        found["visible"],
        tuple(_curve(points) for points in found["curves"]),
    )


def number_of(shown: str) -> float | None:
    """The number that Prometheus wrote so: 150.2, 12.3m, 58.7M; None for anything else, NaN too."""
    match = NUMBER.match(shown)
    if match is None:
        return None
    number = float(match["digits"]) * 10.0 ** PREFIXES.get(match["prefix"], 0)
    return number if math.isfinite(number) else None


def judged(
    panels: Sequence[Panel],
    metrics: Sequence[KeyMetric],
    shows: Mapping[str, Shows],
    fault_seconds: float,
) -> PageVerdict:
    """One page. `metrics`: those that belong on it; `shows`: how the fault shows, by panel; `fault_seconds`:
    how long it has been in."""
    wrong, unknown, said = list[str](), list[str](), list[str]()
    by_name = {panel.name: panel for panel in panels}
    for metric in metrics:
        panel = by_name.pop(metric.name, None)
        if panel is None:
            wrong.append(f"{metric.name}: there is no such panel")
        elif metric.missing or panel.missing:
            said.append(f"{metric.name}: missing: {metric.missing or panel.missing}")
            if not metric.missing or not panel.missing:
                wrong.append(f"{metric.name}: missing in one of drill.toml and the page, not in the other")
        else:
            how = shows.get(metric.name)
            found = _seen(panel, how, fault_seconds)
            wrong += [f"{metric.name}: {found.wrong}"] if found.wrong else []
            unknown += [f"{metric.name}: {found.unknown}"] if found.unknown else []
            values = ", ".join(panel.values) or "no data"
            drawn = f"curves: {len(panel.curves)}, {panel.scale}"
            shown = [f"the fault shows: {how}"] if how and found == Seen() else []
            said.append("; ".join([f"{metric.name}: {values}", drawn, *shown]))
    wrong += [f"{name}: no key metric of this page" for name in by_name]
    return PageVerdict(tuple(wrong), tuple(unknown), tuple(said))


def _seen(panel: Panel, how: Shows | None, fault_seconds: float) -> Seen:
    """One panel that has a query."""
    if not panel.visible:
        return Seen("its picture has no room on the page")
    if how == "ends":
        return _ended(panel, fault_seconds)
    without = _without_data(panel)
    if without or how is None:
        return Seen(without)
    return _moved(panel, how, fault_seconds)


def _without_data(panel: Panel) -> str:
    """What a panel lacks that is to have data now."""
    if not panel.numbers:
        return f"no number, but {', '.join(panel.values) or 'no data'}"
    drawn = [curve for curve in panel.curves if len(curve) >= LEAST_POINTS]
    if not drawn:
        return f"a number, but no curve ({panel.scale or 'nothing is drawn'})"
    youngest = min(curve[-1][0] for curve in drawn)
    if youngest > FRESH_SECONDS:
        return f"every curve has ended, the last one {youngest:.0f} s ago"
    return ""


def _ended(panel: Panel, fault_seconds: float) -> Seen:
    """Whether a panel shows that nothing is known any more. What was never drawn shows nothing."""
    if panel.numbers:
        return Seen(f"still a number: {', '.join(panel.values)}")
    before = [curve for curve in panel.curves if _before(curve, fault_seconds)]
    if not before:
        return Seen(unknown="nothing is drawn of the time before the fault")
    youngest = min(curve[-1][0] for curve in before)
    if youngest < ENDED_SECONDS:
        return Seen(f"no number, but a curve until {youngest:.0f} s ago")
    return Seen()


def _moved(panel: Panel, how: Shows, fault_seconds: float) -> Seen:
    """Whether the curves of a panel tell the fault: one of them rises, or all of them fall that are high
    enough for it to be seen."""
    steps = []
    for curve in panel.curves:
        before = _before(curve, fault_seconds)
        if before:
            age, height = curve[-1]
            steps.append((sum(before) / len(before), height if age <= FRESH_SECONDS else 0.0))
    if not steps:
        return Seen(unknown="nothing is drawn of the time before the fault")
    told = ", ".join(f"{before:.2f} to {now:.2f}" for before, now in steps)
    if how == "rises":
        rises = any(now >= before + VISIBLE_STEP for before, now in steps)
        return Seen("" if rises else f"does not rise, of the panel's height: {told}")
    tall = [(before, now) for before, now in steps if before >= 2 * VISIBLE_STEP]
    if not tall:
        return Seen(unknown=f"too low to be seen falling, of the panel's height: {told}")
    falls = all(now <= before / 2 for before, now in tall)
    return Seen("" if falls else f"does not fall to half, of the panel's height: {told}")


def _before(curve: Curve, fault_seconds: float) -> list[float]:
    """The heights shortly before the fault."""
    least, most = BEFORE_SECONDS
    return [height for age, height in curve if fault_seconds + least <= age <= fault_seconds + most]


def _curve(points: str) -> Curve:
    pairs = [pair.split(",") for pair in points.split()]
    return tuple((SECONDS * (1 - float(x) / WIDTH), 1 - float(y) / HEIGHT) for x, y in pairs)
