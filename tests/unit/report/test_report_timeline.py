"""The picture: bins that tell the truth, labels that do not collide."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from msgspec.structs import replace as structs_replace
from recorded_runs import AS_WRITTEN, CONTROL, EVERYTHING, Shape, make_run

from drill.judge.verdict import AlertSeen, Called, Phase
from drill.recording import Event, Requests, read_events, read_requests
from drill.recording.events import (
    AlertCurve,
    AlertKnown,
    AlertsReplayed,
    AlertStaged,
    FaultInjected,
    FaultWitnessed,
    ProcedureStarted,
)
from drill.report import write_report
from drill.report.series import MOST_BINS, aggregate
from drill.report.timeline import (
    CHARACTER_WIDTH,
    FIXED_WIDTH,
    WIDTH,
    TimelinePicture,
    draw,
    draw_file,
    lay_out,
)
from drill.report.words import called_text


def _requests(planned: list[float], latency: list[float], failed: list[bool]) -> Requests:
    moments = np.array(planned)
    return Requests(
        moments,
        moments + np.array(latency),
        np.array(failed, np.bool_),
        np.zeros(len(planned), np.int32),
        ["GET /"],
    )


def _timeline(tmp_path: Path, shape: Shape) -> TimelinePicture:
    folder, verdicts = make_run(tmp_path, [shape])
    evidence = folder / "evidence" / shape.drill
    return lay_out(
        read_events(evidence / "recording.jsonl"), read_requests(evidence / "requests.jsonl"), verdicts[0]
    )


def test_bins_count_by_planned_time_and_take_p95_of_the_succeeded() -> None:
    planned = [10.0 + n / 100 for n in range(200)]
    failed = [10.5 <= moment < 11.0 for moment in planned]
    latency = [(n % 50 + 1) / 1000 for n in range(200)]
    series = aggregate(_requests(planned, latency, failed), zero=10.0)
    assert series.start.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert series.succeeded.round().tolist() == [100, 0, 100, 102]
    assert series.failed.tolist() == [0, 100, 0, 0]
    assert series.p95[0] == pytest.approx(0.048)
    assert np.isnan(series.p95[1])


def test_no_request_is_no_bin() -> None:
    assert len(aggregate(_requests([], [], []), zero=0.0)) == 0


def test_one_request_is_no_rate() -> None:
    assert len(aggregate(_requests([3.0], [0.1], [False]), zero=0.0)) == 0


def test_long_drills_get_wider_bins() -> None:
    planned = [n / 2 for n in range(7200)]
    series = aggregate(_requests(planned, [0.01] * 7200, [False] * 7200), zero=0.0)
    assert len(series) <= MOST_BINS
    assert series.bin_seconds == 10
    assert series.succeeded[3] == 2


def test_every_request_is_counted() -> None:
    random = np.random.default_rng(3)
    planned = np.sort(random.uniform(0, 40, 5000)).tolist()
    failed = (random.random(5000) < 0.2).tolist()
    series = aggregate(_requests(planned, [0.01] * 5000, failed), zero=7.3)
    assert ((series.succeeded + series.failed) * series.bin_seconds).sum() == pytest.approx(5000, rel=0.02)


@pytest.mark.parametrize("shape", EVERYTHING, ids=lambda shape: shape.drill)
def test_labels_do_not_collide_and_stay_in_the_picture(tmp_path: Path, shape: Shape) -> None:
    labels = _timeline(tmp_path, shape).labels
    assert labels
    spans = [
        (label.lane, label.text_x - (width if label.anchor == "end" else 0), width)
        for label in labels
        for width in [len(label.text) * CHARACTER_WIDTH]
    ]
    assert all(x >= 0 and x + width <= WIDTH for _, x, width in spans)
    for lane in {lane for lane, _, _ in spans}:
        ordered = sorted((x, width) for in_lane, x, width in spans if in_lane == lane)
        assert all(x + width <= following for (x, width), (following, _) in pairwise(ordered))


def test_moments_that_fall_together_get_lanes_of_their_own(tmp_path: Path) -> None:
    labels = _timeline(tmp_path, Shape(out=(0.01, 19.4))).labels
    together = [label for label in labels if label.kind == "fault"]
    assert len({label.lane for label in together}) == len(together) == 3


def test_bands_cover_the_picture_without_gaps(tmp_path: Path) -> None:
    timeline = _timeline(tmp_path, Shape())
    assert timeline.bands[0].x == timeline.left
    assert timeline.bands[-1].x + timeline.bands[-1].width == pytest.approx(timeline.right)
    assert all(a.x + a.width == pytest.approx(b.x, abs=0.02) for a, b in pairwise(timeline.bands))
    assert [band.kind for band in timeline.bands] == ["before", "fault", "operator", "fault", "after"]


def test_bands_of_a_control_say_that_nobody_acts(tmp_path: Path) -> None:
    assert [band.text.partition(" ·")[0] for band in _timeline(tmp_path, CONTROL).bands] == [
        "before",
        "nobody acts",
    ]


def test_restored_before_the_operator_is_done(tmp_path: Path) -> None:
    kinds = [band.kind for band in _timeline(tmp_path, replace(Shape(), out=(0.4, 6.0))).bands]
    assert kinds == ["before", "fault", "operator", "after"]


def test_without_a_fault_the_picture_counts_from_where_the_verdict_does(tmp_path: Path) -> None:
    folder, verdicts = make_run(tmp_path, [Shape()])
    evidence = folder / "evidence" / Shape().drill
    events = [
        each
        for each in read_events(evidence / "recording.jsonl")
        if not isinstance(each.data, FaultInjected | FaultWitnessed)
        and getattr(each.data, "window", "") not in ("fault", "recovery")
    ]
    started = next(each.monotonic for each in events if isinstance(each.data, ProcedureStarted))
    after = next(each.monotonic for each in events if getattr(each.data, "window", "") == "after")
    verdict = structs_replace(verdicts[0], faults=[], phases=[Phase("procedure started", 0.0)])
    requests = read_requests(evidence / "requests.jsonl")
    acted = lay_out(events, requests, verdict)
    assert acted.zero == "seconds since the procedure began"
    assert [label.x for label in acted.labels] == [pytest.approx(acted.rows[0].x, abs=3)]
    idle = [each for each in events if not isinstance(each.data, ProcedureStarted)]
    watched = lay_out(idle, requests, structs_replace(verdict, phases=[]))
    assert watched.zero == "seconds since the window after began"
    assert after > started


def test_every_command_has_its_row_with_status(tmp_path: Path) -> None:
    rows = _timeline(tmp_path, AS_WRITTEN).rows
    assert [row.kind for row in rows] == ["done", "failed", "done", "done", "failed"]
    assert rows[1].text.endswith("✕ status 1")
    assert "runbook line 284" in rows[1].title
    assert all(row.width >= 3 for row in rows)


def test_file_stands_alone_and_is_well_formed(tmp_path: Path) -> None:
    folder, verdicts = make_run(tmp_path, [replace(AS_WRITTEN, scenario="<&>")])
    picture = draw_file(folder / "evidence" / AS_WRITTEN.drill, verdicts[0])
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme: dark" in picture


@pytest.mark.parametrize("start", [-10.0, 3.2, 30.0, 47.0])
@pytest.mark.parametrize("end", [3.3, 31.0, 47.9])
def test_a_commands_words_are_whole_wherever_it_began(tmp_path: Path, start: float, end: float) -> None:
    long = (
        "kubectl rollout status deployment/novel-engine -n novel-engine-production --timeout=600s; echo done"
    )
    command = (42, long, start, max(start, end), 1, False, "")
    (row,) = _timeline(tmp_path, replace(Shape(), commands=(command,))).rows
    width = len(row.text) * FIXED_WIDTH
    left = row.text_x if row.anchor == "start" else row.text_x - width
    assert left >= 0
    assert left + width <= WIDTH


@pytest.mark.parametrize(
    ("start", "end", "beside"), [(20.0, 20.1, True), (12.0, 25.0, True), (-10.0, 47.9, False)]
)
def test_a_commands_words_lose_their_end_before_they_cover_its_bar(
    tmp_path: Path, start: float, end: float, beside: bool
) -> None:
    command = (42, f"curl --silent {'x' * 100}", start, end, 1, False, "")
    (row,) = _timeline(tmp_path, replace(Shape(), commands=(command,))).rows
    assert row.text.startswith("1  curl --silent xxx")
    assert row.text.endswith("x…   ✕ status 1")
    width = len(row.text) * FIXED_WIDTH
    left = row.text_x if row.anchor == "start" else row.text_x - width
    assert (left >= row.x + row.width or left + width <= row.x) == beside


def test_failed_requests_are_drawn_only_where_there_are_some(tmp_path: Path) -> None:
    drawn = _timeline(tmp_path, Shape())
    assert drawn.failed_path.count("M") == 1
    assert _timeline(tmp_path / "well", replace(Shape(), out=(90.0, 91.0))).failed_path == ""


def test_alerts_are_marked_where_they_would_have_been_pending_and_firing(tmp_path: Path) -> None:
    shape = Shape("emergency-scale-up")
    folder, verdicts = make_run(tmp_path, [shape])
    evidence = folder / "evidence" / shape.drill
    alerts = [
        AlertSeen("Early", pending_seconds=-60.0, firing_seconds=-30.0),
        AlertSeen("Soon", pending_seconds=2.0, firing_seconds=4.0),
        AlertSeen("Soon", pending_seconds=6.0, firing_seconds=7.0),
        AlertSeen("Late", pending_seconds=400.0, firing_seconds=500.0),
        AlertSeen("Never", pending_seconds=3.0),
    ]
    verdict = structs_replace(verdicts[0], alerts=alerts)
    picture = lay_out(
        read_events(evidence / "recording.jsonl"), read_requests(evidence / "requests.jsonl"), verdict
    )
    marks = [(label.text, label.x) for label in picture.labels if label.kind == "alert"]
    assert [text for text, _ in marks] == [
        "Soon pending  +2 s",
        "Soon fires  +4 s",
        "Late fires  +8 min 20 s →",
    ]
    assert marks[2][1] == picture.right


@pytest.mark.parametrize(
    ("called", "line"),
    [
        (None, ""),
        (
            Called(""),
            "Nobody would have been called: no alert fires while the fault lasts. That is a failure of the "
            "alerts, not of this procedure.",
        ),
        (
            Called("Down", 90.0, 300.0, 8.0, 398.0),
            "On the worst night: Down calls 90 s after the fault (replayed) + 5 min until somebody begins "
            "(assumed) + 8 s until users are served (measured) = 6 min 38 s.",
        ),
        (
            Called("Down", 90.0, None, None, None),
            "On the worst night: Down calls 90 s after the fault (replayed).",
        ),
        (
            Called("Ill", 214.0, None, 26.0, None, severity="P1", limit_seconds=3600.0),
            "On the worst night: Ill calls 3 min 34 s after the fault (replayed) + 26 s until users are "
            "served (measured); 56 min of P1's 60 min are left to begin in.",
        ),
        (
            Called("Ill", 214.0, None, 26.0, None, severity="P0", limit_seconds=240.0),
            "On the worst night: Ill calls 3 min 34 s after the fault (replayed) + 26 s until users are "
            "served (measured); P0's 4 min are over.",
        ),
        (
            Called("Down", 127.0, 300.0, 4.0, 431.0, live=True),
            "On the worst night: Down calls 2 min 7 s after the fault (received) + 5 min until somebody "
            "begins (assumed) + 4 s until users are served (measured) = 7 min 11 s.",
        ),
    ],
)
def test_the_worst_night_is_told_in_one_line(tmp_path: Path, called: Called | None, line: str) -> None:
    folder, verdicts = make_run(tmp_path, [Shape("emergency-scale-up")])
    verdict = structs_replace(verdicts[0], called=called)
    assert called_text(verdict) == line
    write_report(folder, [verdict])
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert ("the worst night" in page or "Nobody would have been" in page) == bool(line)


CURVE = AlertCurve("Down", "sum(good)", "==", 0.0, -60.0, 5.0, [80.0] * 16 + [None] * 4 + [0.0] * 40)


def _with_replay(
    tmp_path: Path, replay: AlertsReplayed | None, alerts: list[AlertSeen], *more: Event
) -> TimelinePicture:
    folder, verdicts = make_run(tmp_path, [Shape("emergency-scale-up")])
    evidence = folder / "evidence" / "emergency-scale-up"
    events = [*read_events(evidence / "recording.jsonl"), *more]
    if replay is not None:
        events.append(Event(events[-1].wall, events[-1].monotonic, replay))
    verdict = structs_replace(verdicts[0], alerts=alerts)
    picture = lay_out(events, read_requests(evidence / "requests.jsonl"), verdict)
    ElementTree.fromstring(draw(events, read_requests(evidence / "requests.jsonl"), verdict))
    return picture


def _replay(*curves: AlertCurve) -> AlertsReplayed:
    known = [AlertKnown(name, needs_seconds=120.0) for name in ("Down", "Ill")]
    return AlertsReplayed(
        rules=known, held_seconds=900.0, until_seconds=920.0, recovered=True, curves=list(curves)
    )


def test_an_alert_is_drawn_with_its_threshold_and_its_moments(tmp_path: Path) -> None:
    seen = AlertSeen("Down", "P0", True, 40.0, 100.0, 930.0)
    ill = AlertCurve("Ill", "errors", ">", 0.05, -60.0, 5.0, [0.01] * 60)
    rows = _with_replay(tmp_path, _replay(CURVE, ill), [seen]).alerts
    assert rows is not None
    (plot,) = rows.plots  # Ill neither came nor was meant to
    assert (plot.name, plot.shown) == ("Down", "sum(good) == 0")
    assert plot.said == "fires +100 s, ends 10 s after recovery"
    assert [mark.text for mark in plot.marks] == ["pending +40 s", "fires +100 s"]
    assert [mark.x for mark in plot.marks] == [rows.across.x(40.0), rows.across.x(100.0)]
    assert [(span.kind, span.x) for span in plot.spans] == [
        ("pending", rows.across.x(40.0)),
        ("firing", rows.across.x(100.0)),
    ]
    # level at 80, a gap, level at 0, which is the threshold
    (path,) = plot.paths
    (height, said) = plot.thresholds[0]
    assert said == "0"
    assert plot.most is not None
    assert (path.count("M"), path.endswith(f",{height:.1f}")) == (2, True)
    assert f"M{rows.across.x(-30.0):.1f},{plot.most[0]:.1f}" in path
    assert rows.held_x == rows.across.x(20.0)
    assert rows.across.end == 235.0  # where the curve ends


def test_a_silent_alert_that_is_meant_is_drawn_and_says_so(tmp_path: Path) -> None:
    rows = _with_replay(tmp_path, _replay(CURVE), []).alerts
    assert rows is not None
    assert [plot.said for plot in rows.plots] == ["does not fire"]
    assert rows.plots[0].marks == []
    pending = _with_replay(tmp_path / "pending", _replay(CURVE), [AlertSeen("Down", pending_seconds=4.0)])
    assert pending.alerts is not None
    assert pending.alerts.plots[0].said == "is pending, and never fires"


def test_without_curves_there_are_no_rows(tmp_path: Path) -> None:
    seen = AlertSeen("Down", "P0", True, 40.0, 100.0, 930.0)
    plain = _with_replay(tmp_path, _replay(), [seen])
    assert plain.alerts is None
    assert _with_replay(tmp_path / "none", None, [seen]).height == plain.height
    assert _with_replay(tmp_path / "rows", _replay(CURVE), [seen]).height > plain.height + 80


def test_what_came_in_life_is_marked_in_both_places(tmp_path: Path) -> None:
    seen = AlertSeen("Down", "P0", True, 4.0, 6.0, 930.0)
    folder, _ = make_run(tmp_path / "other", [Shape("emergency-scale-up")])
    injected = next(
        each
        for each in read_events(folder / "evidence" / "emergency-scale-up" / "recording.jsonl")
        if isinstance(each.data, FaultInjected)
    )
    stages = [
        Event(injected.wall + at, injected.monotonic + at, AlertStaged("Down", stage, at))
        for stage, at in (("pending", 3.0), ("firing", 5.0), ("received", 7.0))
    ]
    picture = _with_replay(tmp_path, _replay(CURVE), [seen], *stages)
    assert [label.text for label in picture.labels if label.kind == "alert"] == [
        "Down pending  +3 s",
        "Down fires  +5 s",
        "Down received  +7 s",
    ]
    assert picture.alerts is not None
    marks = picture.alerts.plots[0].marks
    assert [mark.kind for mark in marks] == ["pending", "firing", "received"]
    # too near to each other for their words
    assert [mark.text for mark in marks] == ["", "", "received +7 s"]
