"""The picture of a drill: what users saw, and what was done when, as an SVG.

Geometry only; templates/timeline.svg.j2 draws it. Positions are in units of the picture (WIDTH across), times
in seconds since the drill's origin (see drill/judge/verdict.py), or since its first event where it has none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from drill.judge.timeline import after_before
from drill.judge.verdict import DrillVerdict
from drill.recording import Event, Requests, read_events, read_requests
from drill.recording.events import (
    AlertStaged,
    ClusterChanged,
    CommandFinished,
    FaultInjected,
    FaultWitnessed,
    ProcedureFinished,
    ProcedureStarted,
    WindowOpened,
)
from drill.report.across import Across, Tick
from drill.report.alert_rows import AlertRows, alert_rows
from drill.report.series import RequestSeries, aggregate
from drill.report.templates import render
from drill.report.units import seconds_text

WIDTH = 1160.0
LEFT, RIGHT = 62.0, 18.0
LABEL_HEIGHT, BAND_HEIGHT, ROW_HEIGHT = 18.0, 24.0, 19.0
REQUESTS_HEIGHT, LATENCY_HEIGHT, ALERT_AXIS_HEIGHT = 120.0, 104.0, 36.0
CHARACTER_WIDTH = 6.3
"""Of the 11-unit sans-serif labels, on the generous side: labels must not collide whatever font is there."""
FIXED_WIDTH = 6.7
"""Of the 11-unit fixed-width command labels."""
LONGEST_COMMAND, SHORTEST_LABEL = 84, 30
FASTEST_SECONDS, SLOWEST_SECONDS = 0.001, 1.0
"""The latency axis reaches at least from here to here."""


@dataclass(frozen=True)
class Label:
    """A moment, marked by a line through all panels. `x`: the line; `text_x`, `lane`: its words; `anchor`:
    start or end.
    """

    x: float
    text_x: float
    lane: int
    anchor: str
    text: str
    kind: str


@dataclass(frozen=True)
class Band:
    """A stretch between two moments; `text` is empty where it would not fit."""

    x: float
    width: float
    text: str
    title: str
    kind: str


@dataclass(frozen=True)
class TimelineRow:
    """One command of the operator: a bar from its start to its end, and its words beside it."""

    y: float
    x: float
    width: float
    text_x: float
    anchor: str
    text: str
    title: str
    kind: str


@dataclass(frozen=True)
class TimelinePicture:
    """All that the template needs; see the module."""

    identifier: str
    title: str
    description: str
    height: float
    left: float
    right: float
    labels: list[Label]
    bands: list[Band]
    band_y: float
    rows: list[TimelineRow]
    rows_y: float
    outages: list[Band]
    unmeasured: list[Band]
    time_ticks: list[Tick]
    requests_y: float
    requests_ticks: list[Tick]
    succeeded_path: str
    failed_path: str
    latency_y: float
    latency_ticks: list[Tick]
    latency_path: str
    latency_dots: list[tuple[float, float]]
    limit_y: float | None
    limit_text: str
    axis_y: float
    bin_seconds: float
    has_requests: bool
    zero: str
    alerts: AlertRows | None


def draw(events: Sequence[Event], requests: Requests, verdict: DrillVerdict) -> Markup:
    """The timeline as an <svg> element for a page that brings palette.css and timeline.css."""
    return Markup(render("timeline.svg.j2", timeline=lay_out(events, requests, verdict)))


def draw_file(folder: Path, verdict: DrillVerdict) -> str:
    """The timeline of the drill whose evidence is in `folder`, as an SVG file that stands alone."""
    recording = folder / "recording.jsonl"
    events = read_events(recording) if recording.exists() else []
    return render(
        "timeline-alone.svg.j2", timeline=lay_out(events, read_requests(folder / "requests.jsonl"), verdict)
    )


def lay_out(events: Sequence[Event], requests: Requests, verdict: DrillVerdict) -> TimelinePicture:
    """Where everything goes."""
    origin = _origin(events, verdict)
    zero = origin if origin is not None else _first_moment(events, requests)
    series = aggregate(requests, zero)
    scale = _scale(events, series, zero)
    moments = _with_alerts(_moments(verdict), verdict, _in_life(events, zero), scale)
    labels, lanes = _labels(moments, scale)
    band_y = 8 + lanes * LABEL_HEIGHT
    requests_y = band_y + BAND_HEIGHT + 18
    latency_y = requests_y + REQUESTS_HEIGHT + 26
    axis_y = latency_y + LATENCY_HEIGHT
    rows_y = axis_y + 50
    rows = _rows(events, zero, scale, rows_y + 8)
    bottom = (rows[-1].y + ROW_HEIGHT + 6) if rows else axis_y + 34
    alerts = alert_rows(events, verdict, (LEFT, WIDTH - RIGHT), bottom + 16)
    requests_ticks, succeeded_path, failed_path = _requests_panel(series, scale, requests_y)
    latency_ticks, latency_path, dots, limit_y, limit_text = _latency_panel(series, scale, latency_y, verdict)
    return TimelinePicture(
        identifier=identifier(verdict.drill),
        title=f"Timeline of {verdict.drill}",
        description=_description(verdict, series),
        height=bottom if alerts is None else alerts.bottom + ALERT_AXIS_HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        labels=labels,
        bands=_bands(verdict, events, zero, scale),
        band_y=band_y,
        outages=_stretches(
            [
                (out.start_seconds, out.end_seconds, f"users are out: requests {out.felt}")
                for out in verdict.outages
            ],
            scale,
            "out",
        ),
        unmeasured=_stretches(
            [(gap.start_seconds, gap.end_seconds, f"not measured: {gap.what}") for gap in verdict.unmeasured],
            scale,
            "unmeasured",
        ),
        rows=rows,
        rows_y=rows_y,
        time_ticks=scale.ticks(),
        requests_y=requests_y,
        requests_ticks=requests_ticks,
        succeeded_path=succeeded_path,
        failed_path=failed_path,
        latency_y=latency_y,
        latency_ticks=latency_ticks,
        latency_path=latency_path,
        latency_dots=dots,
        limit_y=limit_y,
        limit_text=limit_text,
        axis_y=axis_y,
        bin_seconds=series.bin_seconds,
        has_requests=len(series) > 0,
        zero=f"seconds since {_zero_words(events, verdict)}",
        alerts=alerts,
    )


def identifier(name: str) -> str:
    """`name` as it may stand in an id or an anchor of HTML."""
    return "drill-" + re.sub(r"[^A-Za-z0-9_-]+", "-", name)


def _origin(events: Sequence[Event], verdict: DrillVerdict) -> float | None:
    """The moment from which the verdict counts, in monotonic seconds; None where it never came."""
    for fault in verdict.faults:
        for event in events:
            if isinstance(event.data, FaultInjected) and event.data.fault == fault.fault:
                return event.monotonic - (fault.injected_seconds or 0.0)
    first = None if verdict.faults else after_before(events)
    return None if first is None else first.monotonic


def _zero_words(events: Sequence[Event], verdict: DrillVerdict) -> str:
    """What the verdict's times count from."""
    if any(fault.injected_seconds is not None for fault in verdict.faults):
        return "the injection"
    first = None if verdict.faults else after_before(events)
    if first is None:
        return "the drill began"
    return "the procedure began" if isinstance(first.data, ProcedureStarted) else "the window after began"


def _first_moment(events: Sequence[Event], requests: Requests) -> float:
    if events:
        return events[0].monotonic
    return float(requests.planned[0]) if len(requests) else 0.0


def _scale(events: Sequence[Event], series: RequestSeries, zero: float) -> Across:
    """From a little before the first thing shown to a little after the last."""
    shown = [
        e.monotonic - zero
        for e in events
        if isinstance(e.data, FaultInjected | FaultWitnessed | ProcedureFinished | WindowOpened)
    ]
    if len(series):
        shown += [float(series.start[0]), float(series.start[-1]) + series.bin_seconds]
    start, end = (min(shown), max(shown)) if shown else (0.0, 1.0)
    return Across(LEFT, WIDTH - RIGHT, start, max(end, start + 1.0))


def _moments(verdict: DrillVerdict) -> list[tuple[float, str, str]]:
    """(seconds, words, kind) of the phases, in order of time. Moments that fall together keep the judge's
    order.
    """
    kinds = {
        "injected": "fault",
        "witnessed": "fault",
        "first felt": "fault",
        "recovered": "recovered",
    }
    words = {
        "injected": "fault injected",
        "witnessed": "fault witnessed",
        "first felt": "users feel it",
        "procedure started": "procedure starts",
    }
    moments = [
        (
            p.seconds,
            words.get(p.name, p.name) + ("" if p.name == "injected" else f"  +{seconds_text(p.seconds)}"),
            kinds.get(p.name, "operator"),
        )
        for p in verdict.phases
    ]
    return sorted(moments, key=lambda moment: moment[0])


def _in_life(events: Sequence[Event], zero: float) -> list[tuple[float, AlertStaged]]:
    """What the target's own monitoring made of alerts, and when."""
    return [(e.monotonic - zero, e.data) for e in events if isinstance(e.data, AlertStaged)]


def _with_alerts(
    moments: list[tuple[float, str, str]],
    verdict: DrillVerdict,
    in_life: Sequence[tuple[float, AlertStaged]],
    scale: Across,
) -> list[tuple[float, str, str]]:
    """The moments, and where each alert was pending, firing and received; where none was in life, where it
    would have been pending and firing, had nobody acted: once each. One that comes later than the picture
    ends is told at its end."""
    found = list(moments)
    for seconds, staged in in_life:
        word = "fires" if staged.stage == "firing" else staged.stage
        found.append((seconds, f"{staged.alert} {word}  +{seconds_text(max(0.0, seconds))}", "alert"))
    seen = {staged.alert for _, staged in in_life}
    for each in verdict.alerts or []:
        firing = each.firing_seconds
        if firing is None or firing < 0 or each.alert in seen:
            continue
        seen.add(each.alert)
        pending = each.pending_seconds
        if pending is not None and 0 <= pending <= scale.end and pending < firing:
            found.append((pending, f"{each.alert} pending  +{seconds_text(pending)}", "alert"))
        later = " →" if firing > scale.end else ""
        text = f"{each.alert} fires  +{seconds_text(firing)}{later}"
        found.append((min(firing, scale.end), text, "alert"))
    return sorted(found, key=lambda moment: moment[0])


def _labels(moments: Sequence[tuple[float, str, str]], scale: Across) -> tuple[list[Label], int]:
    """Each label in the first lane in which it meets neither another label nor another label's line; the
    number of lanes.

    Later moments are placed first, at the bottom, so that the lines of earlier ones, which rise past them,
    stay to their left."""
    labels: list[Label] = []
    taken: list[float] = []
    for seconds, text, kind in reversed(moments):
        x, width = scale.x(seconds), len(text) * CHARACTER_WIDTH
        at_edge = x + width > WIDTH - RIGHT
        left, right = (x - width - 8, x) if at_edge else (x, x + width + 8)
        lane = next((n for n, edge in enumerate(taken) if right <= edge), len(taken))
        if lane == len(taken):
            taken.append(WIDTH)
        for lower in range(lane + 1):
            taken[lower] = min(taken[lower], left)
        labels.append(Label(x, x - 5 if at_edge else x + 5, lane, "end" if at_edge else "start", text, kind))
    lanes = max(1, len(taken))
    turned = [
        Label(label.x, label.text_x, lanes - 1 - label.lane, label.anchor, label.text, label.kind)
        for label in labels
    ]
    return list(reversed(turned)), lanes


def _bands(verdict: DrillVerdict, events: Sequence[Event], zero: float, scale: Across) -> list[Band]:
    """The stretches: before, the fault with nobody acting, the operator at work, recovering, the window
    after.
    """
    at = {phase.name: phase.seconds for phase in verdict.phases}
    if "injected" not in at:
        return []
    after = next(
        (e.monotonic - zero for e in events if isinstance(e.data, WindowOpened) and e.data.window == "after"),
        None,
    )
    out = "nobody acts" if verdict.control else "fault"
    edges: list[tuple[float, str, str]] = [(scale.start, "before", "before"), (at["injected"], out, "fault")]
    if "procedure started" in at:
        edges.append((at["procedure started"], "operator at work", "operator"))
    if "procedure done" in at:
        edges.append((at["procedure done"], "recovering" if "recovered" in at else "watched", "fault"))
    if "recovered" in at:
        edges = [edge for edge in edges if edge[0] < at["recovered"] or edge[2] == "operator"]
        edges.append((at["recovered"], "recovered", "recovered"))
        if after is not None and after > at["recovered"] + 0.5:
            edges.append((after, "after: the window judged", "after"))
        elif after is not None:
            edges[-1] = (at["recovered"], "after: the window judged", "after")
    elif after is not None:
        edges.append((after, "after: the window judged", "after"))
    edges.sort(key=lambda edge: edge[0])
    bands = []
    for (start, text, kind), end in zip(edges, [edge[0] for edge in edges[1:]] + [scale.end], strict=True):
        x, right = scale.x(start), scale.x(end)
        if right - x < 0.5:
            continue
        long = f"{text} · {seconds_text(end - start)}"
        fitting = next((t for t in (long, text) if len(t) * CHARACTER_WIDTH + 8 <= right - x), "")
        bands.append(Band(x, round(right - x, 2), fitting, long, kind))
    return bands


def _stretches(stretches: Sequence[tuple[float, float | None, str]], scale: Across, kind: str) -> list[Band]:
    """Stretches as bands; one without an end lasts to the picture's."""
    bands = []
    for start, end, what in stretches:
        until = scale.end if end is None else end
        x, right = scale.x(start), scale.x(until)
        if right > x:
            bands.append(Band(x, round(right - x, 2), "", f"{what}, for {seconds_text(until - start)}", kind))
    return bands


def _requests_panel(series: RequestSeries, scale: Across, top: float) -> tuple[list[Tick], str, str]:
    """Answered requests from the ground up, failed ones stacked on top of them."""
    total = series.succeeded + series.failed
    most = _nice(float(total.max()) * 1.08 if len(series) else 1.0)

    def y(rate: float) -> float:
        return round(top + REQUESTS_HEIGHT * (1 - rate / most), 2)

    ticks = [Tick(y(share * most), f"{share * most:g}") for share in (0.0, 0.5, 1.0)]
    succeeded = _steps(series, scale, [y(v) for v in series.succeeded], [y(0)] * len(series))
    failed = _steps(series, scale, [y(v) for v in total], [y(v) for v in series.succeeded], series.failed > 0)
    return ticks, succeeded, failed


def _steps(
    series: RequestSeries,
    scale: Across,
    upper: Sequence[float],
    lower: Sequence[float],
    where: NDArray[np.bool_] | None = None,
) -> str:
    """Closed paths between two stairways, one for each stretch `where` there is something between them."""
    edges = [(scale.x(float(s)), scale.x(float(s) + series.bin_seconds)) for s in series.start]
    there = [(a, b, u) for (a, b), u in zip(edges, upper, strict=True)]
    back = [(b, a, v) for (a, b), v in zip(edges, lower, strict=True)]
    shown = np.ones(len(series), dtype=bool) if where is None else where
    ends = np.flatnonzero(np.diff(np.concatenate(([False], shown, [False]))))
    return "".join(
        f"M{_stairs(there[first:last])}L{_stairs(back[first:last][::-1])}Z"
        for first, last in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=True)
    )


def _stairs(steps: Sequence[tuple[float, float, float]]) -> str:
    """A way along steps, each from one x to another at its y; what does not change is not written again, for
    a page of fifty drills has a hundred of these."""
    path, y = "", math.nan
    for number, (start, end, at) in enumerate(steps):
        if at != y:
            path += f"{start:.1f},{at:.1f}" if not number else f"H{start:.1f}V{at:.1f}"
        y = at
        if number == len(steps) - 1 or steps[number + 1][2] != at:
            path += f"H{end:.1f}"
    return path


def _latency_panel(
    series: RequestSeries, scale: Across, top: float, verdict: DrillVerdict
) -> tuple[list[Tick], str, list[tuple[float, float]], float | None, str]:
    """p95 on a logarithmic axis; a gap where none succeeded, a dot where a bin stands alone."""
    limit = next((c for c in verdict.criteria if c.name == "response_time" and c.limit is not None), None)
    seen = series.p95[~np.isnan(series.p95)]
    slowest = max([SLOWEST_SECONDS, *seen.tolist(), *([limit.limit] if limit and limit.limit else [])])
    fastest = min([FASTEST_SECONDS * 10, *seen.tolist()])
    low, high = math.floor(math.log10(max(fastest, 1e-5))), math.ceil(math.log10(slowest) - 0.02)

    def y(seconds: float) -> float:
        return round(
            top + LATENCY_HEIGHT * (1 - (math.log10(max(seconds, 10.0**low)) - low) / (high - low)), 2
        )

    ticks = [Tick(y(10.0**power), seconds_text(10.0**power)) for power in range(low, high + 1)]
    runs: list[list[tuple[float, float]]] = [[]]
    for start, p95 in zip(series.start.tolist(), series.p95.tolist(), strict=True):
        if math.isnan(p95):
            runs.append([])
        else:
            runs[-1].append((scale.x(start + series.bin_seconds / 2), y(p95)))
    path = " ".join("M" + " ".join(f"{a:.1f},{b:.1f}" for a, b in run) for run in runs if len(run) > 1)
    dots = [run[0] for run in runs if len(run) == 1]
    if limit is None or limit.limit is None:
        return ticks, path, dots, None, ""
    return ticks, path, dots, y(limit.limit), f"limit {seconds_text(limit.limit)}"


def _rows(events: Sequence[Event], zero: float, scale: Across, top: float) -> list[TimelineRow]:
    """One row a command; its words to the right of its bar, or to the left where there is no room, shortened
    where neither side has enough. Then one row a change of the cluster that the operator's identity made."""
    rows: list[TimelineRow] = []
    commands = [event.data for event in events if isinstance(event.data, CommandFinished)]
    for number, data in enumerate(commands, start=1):
        start, end = data.started - zero, data.finished - zero
        command = " ".join(data.command.split())
        shown = command if len(command) <= LONGEST_COMMAND else command[: LONGEST_COMMAND - 1] + "…"
        interrupted, status = data.interrupted, data.status
        if data.hung:
            kind, state = "failed", "✕ hung"
        elif interrupted:
            kind, state = "interrupted", "interrupted"
        else:
            kind, state = ("done", "") if status == 0 else ("failed", f"✕ status {status}")
        ended = state or "status 0"
        title = f"runbook line {data.line}: {command} ({ended}, {seconds_text(end - start)})"
        y = top + len(rows) * ROW_HEIGHT
        words = (f"{number}  {shown}", f"   {state}" if state else "")
        rows.append(_row(y, (start, end), scale, words=words, title=title, kind=kind))
    for event in events:
        if isinstance(event.data, ClusterChanged):
            moment, change = event.monotonic - zero, event.data
            words = (f"◆ {change.verb} {change.object}", "")
            title = f"the cluster's audit log: {change.verb} {change.object}, answered with {change.code}"
            y = top + len(rows) * ROW_HEIGHT
            rows.append(_row(y, (moment, moment), scale, words=words, title=title, kind="changed"))
    return rows


def _row(
    y: float, span: tuple[float, float], scale: Across, *, words: tuple[str, str], title: str, kind: str
) -> TimelineRow:
    """`words`: of these the first may lose its end, where neither side of the bar has room for all."""
    x = scale.x(span[0])
    right = max(scale.x(span[1]), x + 3)
    room_right, room_left = ((room // FIXED_WIDTH) for room in (WIDTH - RIGHT - right - 7, x - 7))
    text, room = "".join(words), max(room_right, room_left)
    if SHORTEST_LABEL <= room < len(text):
        text = words[0][: int(room) - len(words[1]) - 1] + "…" + words[1]
    if len(text) <= room_right:
        text_x, anchor = right + 7, "start"
    elif len(text) <= room_left:
        text_x, anchor = x - 7, "end"
    else:  # on the bar: a command whose beginning is missing says nothing
        text_x, anchor = max(0.0, WIDTH - RIGHT - len(text) * FIXED_WIDTH), "start"
    return TimelineRow(y, x, round(right - x, 2), round(text_x, 2), anchor, text, title, kind)


def _nice(value: float) -> float:
    """The next round number that is at least `value`, and whose half is round too."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(
        round(step * power, 9)
        for step in (1, 1.2, 1.4, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)
        if step * power >= value * (1 - 1e-9)
    )


def _description(verdict: DrillVerdict, series: RequestSeries) -> str:
    """The picture in words, for those who do not see it."""
    moments = (
        ", ".join(f"{p.name} at {seconds_text(p.seconds)}" for p in verdict.phases)
        or "no moment of the drill came"
    )
    return f"{len(series)} bins of {series.bin_seconds:g} s. Since the injection: {moments}."
