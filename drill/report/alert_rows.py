"""The alerts in the picture of a drill: below what happened, what would have been seen had nobody acted. Each
alert has a row: the curve of its expression, the threshold, and from when on it was pending, firing and
received.

Geometry only, as in drill/report/timeline.py. The rows have a scale of their own, in seconds since the
injection, for the fault's last state is held on there for longer than a drill lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drill.alerts.curves import LEAST_SECONDS
from drill.judge.called import meant_by
from drill.judge.verdict import AlertSeen, DrillVerdict
from drill.recording import Event
from drill.recording.events import AlertCurve, AlertsReplayed, AlertStaged, DrillStarted
from drill.report.across import Across
from drill.report.units import seconds_text

PLOT_HEIGHT, HEAD_HEIGHT, GAP_HEIGHT = 46.0, 18.0, 10.0
BEFORE_SECONDS = 30.0
ROOM = 1.08
"""Above the highest value."""
LINE_HEIGHT = 12.0
CHARACTER_WIDTH, FIXED_WIDTH = 6.3, 6.7
"""Of labels and of what is in a fixed width, on the generous side."""
Moments = Sequence[tuple[float, float | None]]


@dataclass(frozen=True)
class AlertSpan:
    """A stretch in which an alert is pending or firing."""

    x: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True)
class AlertMark:
    """A moment of an alert. `x`: its line; `text_x`, `anchor`: its words, none where they would not fit."""

    x: float
    text_x: float
    anchor: str
    text: str
    kind: str


@dataclass(frozen=True)
class AlertPlot:
    """One alert. `compares`: its expression, `shown` as much of it as fits; `said`: what became of it;
    `head_y`: of these words; `top`: of the plot; `paths`: a curve for each comparison; `thresholds`: their
    heights, each once, with the number; `most`: the same of the highest value, None near a threshold."""

    name: str
    compares: str
    shown: str
    said: str
    head_y: float
    top: float
    paths: list[str]
    thresholds: list[tuple[float, str]]
    most: tuple[float, str] | None
    spans: list[AlertSpan]
    marks: list[AlertMark]


@dataclass(frozen=True)
class AlertRows:
    """All of them. `held_x`: from where on the fault's last state is held on; `bottom`: of the last plot."""

    plots: list[AlertPlot]
    head_y: float
    held_x: float | None
    bottom: float
    across: Across


def alert_rows(
    events: Sequence[Event], verdict: DrillVerdict, edges: tuple[float, float], top: float
) -> AlertRows | None:
    """The rows between the edges, below `top`; None where there is no curve, or no alert to show."""
    replay = next((e.data for e in reversed(events) if isinstance(e.data, AlertsReplayed)), None)
    if replay is None or not replay.curves or not verdict.faults:
        return None
    started = next((e.data for e in events if isinstance(e.data, DrillStarted)), None)
    seen = verdict.alerts or []
    names = _shown(replay, seen, meant_by(started) if started is not None else ())
    if not names:
        return None
    across = Across(*edges, -BEFORE_SECONDS, _end(replay, seen, names))
    received = {
        e.data.alert: e.data.seconds
        for e in reversed(events)
        if isinstance(e.data, AlertStaged) and e.data.stage == "received"
    }
    plots = []
    y = top + HEAD_HEIGHT + GAP_HEIGHT
    for name in names:
        own = [each for each in seen if each.alert == name]
        plots.append(_plot(replay, name, own, across, y, received=received.get(name)))
        y += HEAD_HEIGHT + PLOT_HEIGHT + GAP_HEIGHT
    held = replay.until_seconds - replay.held_seconds
    shown = replay.held_seconds > 0 and across.start < held < across.end
    return AlertRows(plots, top, across.x(held) if shown else None, plots[-1].top + PLOT_HEIGHT, across)


def _shown(replay: AlertsReplayed, seen: Sequence[AlertSeen], meant: Sequence[str]) -> list[str]:
    """Those that came, and those that were meant to; all where none is. In the runbook's order."""
    chosen = {each.alert for each in seen} | set(meant)
    with_curve = list(dict.fromkeys(curve.alert for curve in replay.curves))
    return [name for name in with_curve if name in chosen or not chosen]


def _end(replay: AlertsReplayed, seen: Sequence[AlertSeen], names: Sequence[str]) -> float:
    """Where the rows end: with the curves, or when those that are silent would have fired."""
    last = max(each.first_seconds + each.every_seconds * (len(each.values) - 1) for each in replay.curves)
    fired = [each.firing_seconds for each in seen if each.firing_seconds is not None]
    needs = [rule.needs_seconds for rule in replay.rules if rule.alert in names]
    return max(1.0, last if fired else min(last, max([LEAST_SECONDS, *needs])))


def _plot(
    replay: AlertsReplayed,
    name: str,
    seen: Sequence[AlertSeen],
    across: Across,
    head_y: float,
    *,
    received: float | None,
) -> AlertPlot:
    curves = [curve for curve in replay.curves if curve.alert == name]
    top = head_y + 7
    runs = [_within(curve, across) for curve in curves]
    values = [value for run in runs for _, value in run if value is not None]
    limits = list(dict.fromkeys(curve.threshold for curve in curves))
    low, high = min([0.0, *values, *limits]), max([*values, *limits])
    high = low + ROOM * (high - low) if high > low else low + 1.0

    def y(value: float) -> float:
        return round(top + PLOT_HEIGHT * (1 - (value - low) / (high - low)), 1)

    heights = [(y(limit), f"{limit:g}") for limit in limits]
    most = (y(max(values)), f"{max(values):.3g}") if values else None
    if most is not None and any(abs(height - most[0]) < LINE_HEIGHT for height, _ in heights):
        most = None
    compares = " and ".join(f"{each.expression} {each.sign} {each.threshold:g}" for each in curves)
    said = _said(seen, replay)
    room = across.right - across.left - CHARACTER_WIDTH * (len(name) + len(said) + 6)
    fits = max(1, int(room / FIXED_WIDTH))
    return AlertPlot(
        name=name,
        compares=compares,
        shown=compares if len(compares) <= fits else f"{compares[: fits - 1]}…",
        said=said,
        head_y=head_y,
        top=top,
        paths=[path for path in (_path(run, across, y) for run in runs) if path],
        thresholds=heights,
        most=most,
        spans=_spans(seen, across),
        marks=_marks(seen, received, across),
    )


def _within(curve: AlertCurve, across: Across) -> Moments:
    moments = [curve.first_seconds + number * curve.every_seconds for number in range(len(curve.values))]
    return [
        (moment, value)
        for moment, value in zip(moments, curve.values, strict=True)
        if across.start <= moment <= across.end
    ]


def _path(moments: Moments, across: Across, y: Callable[[float], float]) -> str:
    """A line through all values, with a gap where the expression gives nothing. What is level between two
    points is not told."""
    path = ""
    begins = True
    points = [(across.x(moment), None if value is None else y(value)) for moment, value in moments]
    for number, (x, height) in enumerate(points):
        if height is None:
            begins = True
            continue
        around = [points[other][1] for other in (number - 1, number + 1) if 0 <= other < len(points)]
        if begins or len(around) < 2 or any(each != height for each in around):
            path += f"{'M' if begins else 'L'}{x:.1f},{height:.1f}"
        begins = False
    return path


def _said(seen: Sequence[AlertSeen], replay: AlertsReplayed) -> str:
    fired = [each for each in seen if each.firing_seconds is not None]
    if not fired:
        return "is pending, and never fires" if seen else "does not fire"
    first = fired[0]
    told = f"fires {_signed(first.firing_seconds or 0.0)}"
    if first.resolved_seconds is None or not replay.recovered:
        return told
    return (
        f"{told}, ends {seconds_text(max(0.0, first.resolved_seconds - replay.until_seconds))} after recovery"
    )


def _spans(seen: Sequence[AlertSeen], across: Across) -> list[AlertSpan]:
    spans = []
    for each in seen:
        pending, firing, ended = each.pending_seconds, each.firing_seconds, each.resolved_seconds
        stretches = [("pending", pending, firing), ("firing", firing, ended)]
        for kind, start, end in stretches:
            if start is None:
                continue
            x, right = across.x(start), across.x(across.end if end is None else end)
            until = "" if end is None else f" to {_signed(end)}"
            title = f"{each.alert} {kind} from {_signed(start)}{until}"
            if right > x:
                spans.append(AlertSpan(x, round(right - x, 2), kind, title))
    return spans


def _marks(seen: Sequence[AlertSeen], received: float | None, across: Across) -> list[AlertMark]:
    """Each moment once; its words where they meet neither the next moment nor the edge."""
    moments: list[tuple[float, str, str]] = []
    for each in seen[:1]:
        firing = each.firing_seconds
        if each.pending_seconds is not None and (firing is None or each.pending_seconds < firing):
            moments.append((each.pending_seconds, "pending", "pending"))
        if firing is not None:
            moments.append((firing, "fires", "firing"))
    if received is not None:
        moments.append((received, "received", "received"))
    moments = sorted(each for each in moments if across.start <= each[0] <= across.end)
    marks = []
    for number, (seconds, word, kind) in enumerate(moments, start=1):
        end = across.x(moments[number][0]) if number < len(moments) else across.right
        x, text = across.x(seconds), f"{word} {_signed(seconds)}"
        fits = x + 5 + len(text) * CHARACTER_WIDTH <= end
        marks.append(AlertMark(x, x + 5, "start", text if fits else "", kind))
    return marks


def _signed(seconds: float) -> str:
    sign = "+" if seconds >= 0 else "−"
    return f"{sign}{seconds_text(round(abs(seconds)))}"
