"""The view of faults by alerts: what fires, what is received, what is not meant to, and who is not called."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace as replace_struct
from recorded_runs import Shape, make_run

from drill.judge.verdict import AlertSeen, Criterion, DrillVerdict
from drill.recording import Event
from drill.recording.events import (
    AlertKnown,
    AlertsReplayed,
    AlertStaged,
    Data,
    DrillStarted,
    Judging,
    PlannedFault,
)
from drill.report import write_report
from drill.report.calls import NOTHING, Calls, calls

RULES = AlertsReplayed(rules=[AlertKnown("Down"), AlertKnown("Ill")])
FIRES = [AlertSeen("Down", "P0", meant=True, firing_seconds=121.0)]
JUDGING = Judging(500, 5, 22, 20, 150, 2)
FAULT = "deployment-scaled-to-zero"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> DrillVerdict:
    return make_run(tmp_path_factory.mktemp("calls") / "run", [Shape()])[1][0]


def started(meant: list[str], stated: list[str] | None = None) -> DrillStarted:
    return DrillStarted("a", JUDGING, faults=[PlannedFault(FAULT, alerts=meant)], alerts=stated)


def shown(judged: DrillVerdict, start: DrillStarted | None, *more: Data, **changes: object) -> Calls:
    drill = replace_struct(judged, **{"alerts": FIRES, "criteria": [], **changes})
    data = [*([start] if start else []), *more, RULES]
    return calls([drill], {drill.drill: [Event(1000.0, 10.0, each) for each in data]})


def words(view: Calls) -> list[list[tuple[str, str]]]:
    """Of the only row: kind and words in each cell, the gap last."""
    (row,) = view.rows
    return [[(each.kind, each.words) for each in cell] for cell in [*row.cells, row.gaps]]


def test_what_fires_for_what_it_is_meant_for(judged: DrillVerdict) -> None:
    view = shown(judged, started(["Down"]))
    assert view.alerts == ["Down", "Ill"]
    assert [row.fault for row in view.rows] == [judged.fault]
    assert words(view) == [[("meant", "after 2 min 1 s")], [], []]
    assert view.uncovered == ["Ill"]


def test_what_was_received_in_life_counts_before_the_replay(judged: DrillVerdict) -> None:
    view = shown(
        judged, started(["Down"]), AlertStaged("Down", "firing", 58.0), AlertStaged("Down", "received", 59.0)
    )
    assert words(view)[0] == [("meant", "received after 59 s")]


@pytest.mark.parametrize(
    ("stated", "meant", "changes", "kind"),
    [
        (None, True, {}, "meant"),
        (["Ill"], False, {}, "wrong"),
        ([], False, {}, "wrong"),
        (None, False, {}, "meant"),
        (None, False, {"outages": []}, "wrong"),
    ],
)
def test_what_is_not_meant_to_fire_is_told_unless_any_may(
    judged: DrillVerdict, stated: list[str] | None, meant: bool, changes: dict[str, object], kind: str
) -> None:
    fires = [replace_struct(FIRES[0], meant=meant)]
    ((entry,), _, _) = words(shown(judged, started([], stated), alerts=fires, **changes))
    assert entry == (kind, "after 2 min 1 s" + ("" if kind == "meant" else ", and is not meant to"))


def test_alerts_stand_in_the_corrected_order_and_who_was_replayed_as_first_written_says_so(
    judged: DrillVerdict,
) -> None:
    drills = [replace_struct(judged, drill=name, alerts=FIRES, criteria=[]) for name in ("a", "b")]
    replays = {"a": ["Ill", "Old"], "b": ["Down", "Ill"]}
    recordings = {
        name: [Event(1000.0, 10.0, AlertsReplayed(rules=[AlertKnown(each) for each in alerts]))]
        for name, alerts in replays.items()
    }
    view = calls(drills, recordings, as_written=["a"])
    assert view.alerts == ["Down", "Ill", "Old"]
    assert [(each.drill, each.as_written) for each in view.rows[0].cells[0]] == [("a", True), ("b", False)]


def test_what_fires_before_the_fault_or_without_one_is_wrong(judged: DrillVerdict) -> None:
    early = [AlertSeen("Down", "P0", firing_seconds=-12.0)]
    assert words(shown(judged, started(["Down"]), alerts=early))[0] == [("wrong", "12 s before the fault")]
    view = shown(judged, DrillStarted("a", JUDGING), faults=[])
    assert view.rows[0].fault == NOTHING
    assert words(view)[0] == [("wrong", "fires")]


@pytest.mark.parametrize(
    ("detected", "gap"),
    [
        (Criterion("detected", "pass", value=121.0), []),
        (Criterion("detected", "not applicable"), []),
        (Criterion("detected", "fail"), [("wrong", "nobody is called")]),
        (Criterion("detected", "fail", value=1000.0), [("wrong", "not in time")]),
        (Criterion("detected", "inconclusive"), [("open", "undecided")]),
    ],
)
def test_who_is_not_called_is_a_gap(
    judged: DrillVerdict, detected: Criterion, gap: list[tuple[str, str]]
) -> None:
    assert words(shown(judged, started(["Down"]), criteria=[detected], alerts=[])) == [[], [], gap]


def test_a_drill_of_which_no_alerts_were_replayed_has_no_place(judged: DrillVerdict) -> None:
    assert shown(judged, started(["Down"]), alerts=None) == Calls([], [], [])


def test_the_page_says_where_nothing_was_recorded(tmp_path: Path) -> None:
    folder, verdicts = make_run(tmp_path, [Shape()])
    write_report(folder, verdicts)
    page = (folder / "index.html").read_text()
    assert '<a href="#calls">Fault by alert</a>' in page
    assert "No drill of this run recorded what alerts look at." in page
