"""What a stored run tells of drill's own costs. Flows in: the recordings under reports/<run>/. Flows out:
rows.

drill time over windows + recovery + undo
    Over all drills of the run that were carried out to their end (not those that are not applicable or ended
    in a setup error):
    the sum of drill.started .. drill.finished, divided by the sum of
        the windows before, fault and after, each from window.opened to window.closed,
        the recovery: the window of that name, or, where users stayed out, from its opening to
        load.stopped,
        the undo: from the last event before fault.undone that drill itself writes after the users have gone
        (writes.audited, else
        load.stopped) to target.put_back.
    What remains are the health gate, the start and end of the load, backups made beforehand, and the audit of
    writes. The window before
    lasts until users have been served within the limits for before_seconds, and the start of the experiment's
    process falls into it:
    the note gives the ratio again with that window counted as before_seconds and no more.

warm `make drill`
    From the start of the session (run.json) to the last drill.finished: without `drill up`, and without the
    writing
    of the report. With --with-drill all of `make drill` is run and timed.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from benchmarks.row import ROOT, MeasureError, Options, Row, reached
from drill import settings as drill_settings
from drill.recording import Event, read_events
from drill.recording.events import FaultWitnessed, WindowClosed, WindowOpened
from drill.run.facts import Facts, read_facts

DRILL_TIME_AIM = 1.10
MAKE_DRILL_AIM_SECONDS = 240.0
NIGHTLY = "-m nightly"
DRILL_LIMIT_SECONDS = 1800


def recordings(run: Path) -> list[list[Event]]:
    """The events of each drill of a run. Raises MeasureError where there is none."""
    found = [read_events(path) for path in sorted(run.glob("evidence/*/recording.jsonl"))]
    if not found:
        raise MeasureError(
            f"{run}: no recording in evidence/*/; run the drills first, or name a run with --run"
        )
    return found


def moment(events: list[Event], kind: str, window: str = "") -> float | None:
    """When the first event of that kind, of that window where one is named, happened; monotonic seconds."""
    return next(
        (
            event.monotonic
            for event in events
            if event.kind == kind
            and (
                not window
                or (isinstance(event.data, WindowOpened | WindowClosed) and event.data.window == window)
            )
        ),
        None,
    )


def complete(events: list[Event]) -> bool:
    """The drill was carried out to its end."""
    kinds = {event.kind for event in events}
    return {"fault.witnessed", "target.put_back", "drill.finished"} <= kinds and "drill.error" not in kinds


def parts(events: list[Event]) -> Iterator[tuple[str, float]]:
    """The seconds of each window that was opened, and of the undo."""
    ended = moment(events, "load.stopped")
    for window in ("before", "fault", "recovery", "after"):
        opened, closed = moment(events, "window.opened", window), moment(events, "window.closed", window)
        end = ended if closed is None else closed
        if opened is not None and end is not None:
            yield window, end - opened
    left, restored = moment(events, "writes.audited") or ended, moment(events, "target.put_back")
    if left is not None and restored is not None:
        yield "undo", restored - left


def described(run: Path) -> tuple[Facts, str]:
    """The facts of a run, and a phrase that names it."""
    facts = read_facts(run)
    return facts, f"run {facts.run} of {facts.started}: {facts.command_line}"


def drill_time(options: Options) -> list[Row]:
    """See the module's text."""
    before_seconds = drill_settings.load(ROOT / "drill.toml").judge.before_seconds
    drills = [events for events in recordings(options.run) if complete(events)]
    if not drills:
        raise MeasureError(f"{options.run}: no drill of it was carried out to its end")
    total = sum((moment(events, "drill.finished") or 0.0) - events[0].monotonic for events in drills)
    seconds = [dict(parts(events)) for events in drills]
    counted = sum(sum(each.values()) for each in seconds)
    strict = counted - sum(max(0.0, each.get("before", 0.0) - before_seconds) for each in seconds)
    ratio = total / counted
    notes = (
        f"{len(drills)} drills, {total:.1f} s over {counted:.1f} s; {described(options.run)[1]}",
        f"{total / strict:.2f} with the window before counted as the {before_seconds:.0f} s that it has to "
        "last",
    )
    return [
        Row(
            "time of drills / (windows + recovery + undo)",
            f"<= {DRILL_TIME_AIM}",
            f"{ratio:.2f}",
            reached(ratio <= DRILL_TIME_AIM),
            notes,
        )
    ]


def witness_seconds(run: Path) -> list[tuple[str, float]]:
    """Fault and seconds from injection to witness, of each drill of the run."""
    return [
        (event.data.fault, event.data.seconds)
        for events in recordings(run)
        for event in events
        if isinstance(event.data, FaultWitnessed)
    ]


def make_drill(options: Options) -> list[Row]:
    """See the module's text."""
    seconds, notes = _run_now() if options.with_drill else _stored(options.run)
    limit = f"<= {MAKE_DRILL_AIM_SECONDS / 60:.0f} min with kept controls"
    return [
        Row(
            "warm `make drill`",
            limit,
            f"{seconds / 60:.1f} min",
            reached(seconds <= MAKE_DRILL_AIM_SECONDS),
            notes,
        )
    ]


def _run_now() -> tuple[float, tuple[str, ...]]:
    begin = time.monotonic()
    done = subprocess.run(
        ["make", "drill"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False, timeout=DRILL_LIMIT_SECONDS
    )
    seconds = time.monotonic() - begin
    if done.returncode:
        raise MeasureError(
            f"make drill ended with exit status {done.returncode} after {seconds:.0f} s; its report is "
            f"{ROOT / 'reports/latest'}"
        )
    return seconds, ("run just now, `drill up` and the report included",)


def _stored(run: Path) -> tuple[float, tuple[str, ...]]:
    facts, phrase = described(run)
    if NIGHTLY not in facts.command_line:
        raise MeasureError(
            f"{phrase}: this is not what `make drill` runs ({NIGHTLY}); name such a run with --run, or use "
            "--with-drill"
        )
    drills = recordings(run)
    ends = [event.wall for events in drills for event in events if event.kind == "drill.finished"]
    if not ends:
        raise MeasureError(f"{phrase}: no drill of it finished")
    spans = sorted((events[0].monotonic, events[-1].monotonic) for events in drills)
    between = max((later[0] - earlier[1] for earlier, later in pairwise(spans)), default=0.0)
    how = (
        f"{len(drills)} drills, at most {between:.1f} s between two; exit status {facts.exit_status}; "
        "without `drill up` and the report"
    )
    return max(ends) - datetime.fromisoformat(facts.started).timestamp(), (phrase, how)
