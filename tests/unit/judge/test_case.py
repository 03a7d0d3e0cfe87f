"""What the judge reads of a folder: in order of time, whatever the order written, and nothing passed over in
silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_drill import END, PER_SECOND, START, RecordedDrill

from drill.errors import InputError, UsageError
from drill.judge.accounting import Trouble
from drill.judge.case import Case
from drill.recording.events import BackupMade, DrillStarted, LoadStarted


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


def _without(folder: Path, kind: str) -> Path:
    """The folder without the events of a kind."""
    recording = folder / "recording.jsonl"
    lines = recording.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if f'"{kind}"'.encode() not in line]
    assert len(kept) < len(lines)
    recording.write_bytes(b"".join(kept))
    return folder


def test_a_folder_without_a_recording_is_no_drill(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Case(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'recording.jsonl'}: no such file. Expected the evidence folder of a drill"
    )


def test_a_recording_without_its_beginning_says_what_is_missing(drill: RecordedDrill) -> None:
    case = Case(_without(drill.write(), "drill.started"))
    assert case.started is None
    with pytest.raises(InputError) as caught:
        _ = case.setup
    assert str(caught.value) == (
        "recording.jsonl: '(no drill.started)' is not right here: expected a recording that begins with "
        "drill.started"
    )


def test_an_empty_line_hides_nothing_that_follows_it(drill: RecordedDrill) -> None:
    folder = drill.write()
    whole = Case(folder).events
    lines = (folder / "recording.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "recording.jsonl").write_bytes(b"".join([lines[0], b"\n", *lines[1:]]))
    case = Case(folder)
    assert (case.events, case.unreadable) == (whole, [])


def test_a_line_that_is_no_event_is_named_by_number_beginning_and_what_is_right(drill: RecordedDrill) -> None:
    folder = drill.write()
    whole = Case(folder).events
    written = (folder / "recording.jsonl").read_bytes()
    (folder / "recording.jsonl").write_bytes(b"x" * 81 + b"\n" + written + b'{"cut')
    case = Case(folder)
    assert case.events == whole
    (said,) = case.unreadable
    assert said.startswith(
        f"recording.jsonl:1: {'x' * 80!r} is not right here: expected an event (JSON is malformed:"
    )


def test_events_of_one_moment_are_in_one_order_whatever_the_order_written(drill: RecordedDrill) -> None:
    made = [{"name": name, "started": 990.0, "finished": 1000.0} for name in ("b1", "b2")]
    names = []
    for order in (made, made[::-1]):
        drill.extra = [(1000.0, "backup.made", each) for each in order]
        case = Case(drill.write())
        names.append([each.name for each in case.all(BackupMade)])
        assert case.backup is not None
        assert case.backup.name == names[0][-1]
    assert names[0] == names[1]


def test_changes_commands_and_samples_are_in_order_of_time(drill: RecordedDrill) -> None:
    drill.changes = [1013.0, 1015.0, 1011.0]
    folder = drill.write()
    lines = (folder / "recording.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "recording.jsonl").write_bytes(b"".join(reversed(lines)))
    case = Case(folder)
    assert case.changes is not None
    assert [event.monotonic for event in case.changes] == [1011.0, 1013.0, 1015.0]


def test_the_plan_is_of_the_rate_at_which_the_load_started_else_of_the_settings(drill: RecordedDrill) -> None:
    planned = round((END - START) * PER_SECOND)
    assert Case(drill.write()).account.planned == planned
    drill.settings = {"requests_per_second": 2.0 * PER_SECOND}
    case = Case(drill.write())
    assert (case.account.planned, case.account.unmeasured) == (planned, 0)
    case = Case(_without(drill.folder, "load.started"))
    assert case.first(LoadStarted) is None
    assert case.account.planned == 2 * planned


def test_a_load_that_calibration_found_late_may_be_late_by_three_times_as_much(drill: RecordedDrill) -> None:
    drill.late = {drill.index_at(1030.0): 0.5}
    assert Case(drill.write()).account.unmeasured > 0
    drill.started = {"calibration": {"lateness_seconds": 0.2}}
    assert Case(drill.write()).account.unmeasured == 0


def test_without_a_window_after_it_has_no_requests(drill: RecordedDrill) -> None:
    drill.outages = [(1010.0, END)]
    case = Case(drill.write())
    assert case.timeline.after is None
    assert len(case.after) == 0


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (None, "the recording does not say that the load ended"),
        (-9, "the load ended with exit status -9"),
        (1, "the load ended with exit status 1"),
        (0, None),
    ],
)
def test_a_load_that_did_not_end_well_has_lost_what_was_under_way(
    drill: RecordedDrill, status: int | None, says: str | None
) -> None:
    drill.load_ended = status
    drill.extra = [(1031.0, "load.trouble", {"start": 1030.0, "end": 1031.0, "what": "stopped"})]
    case = Case(drill.write())
    last = [] if says is None else [Trouble(END - 1.0, END, says)]
    assert case._troubles((START, END)) == [Trouble(1030.0, 1031.0, "stopped"), *last]


def test_within_takes_both_ends_of_a_window(drill: RecordedDrill) -> None:
    case = Case(drill.write())
    (started,) = [event.monotonic for event in case.events if isinstance(event.data, DrillStarted)]
    for window, found in (
        ((started, started + 1), True),
        ((started - 1, started), True),
        ((started + 0.001, started + 1), False),
        ((started - 1, started - 0.001), False),
    ):
        assert [moment for moment, _ in case.within(DrillStarted, window)] == [started] * found
