"""What the judge reads. Flows in: a folder with recording.jsonl and requests.jsonl. Flows out: a Case, which
every criterion is asked about.

A record that cannot be understood is named in `unreadable`, and the drill is inconclusive: what it would have
said is not known. It never costs the verdicts of other drills.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from drill.errors import InputError, UsageError
from drill.judge.accounting import Account, Trouble, account_for
from drill.judge.outages import Standard, standard_of
from drill.judge.timeline import Timeline, timeline_of, watched_of
from drill.recording import (
    RECORDING,
    REQUESTS,
    Event,
    Requests,
    all_of,
    decode_event,
    first_of,
    read_requests,
)
from drill.recording.events import (
    AlertsReplayed,
    BackupMade,
    Calibration,
    ChangesRead,
    ClusterChanged,
    CommandFinished,
    Data,
    DrillStarted,
    LoadStarted,
    LoadStopped,
    LoadTrouble,
    WritesAudited,
)
from drill.recording.requests import UNREADABLE

Kind = TypeVar("Kind", bound=Data)
LOOK = "look"
"""The folder of what the operator looked at before anything was broken: a recording and transcripts of its
own, so that nothing in them is taken for a procedure."""


class Case:
    """One drill, ready to be judged. `events` in order of time, `requests` in the order planned: in which
    order they were written does not matter. `looked`: the events of what was looked at before the fault."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.resolve().name
        recording = folder / RECORDING
        if not recording.is_file():
            raise UsageError(f"{recording}: no such file. Expected the evidence folder of a drill")
        self.events, self.unreadable = _readable(recording)
        look = folder / LOOK / RECORDING
        self.looked, unreadable = _readable(look) if look.is_file() else ([], [])
        self.unreadable += [f"{LOOK}/{each}" for each in unreadable]
        self.requests: Requests = read_requests(folder / REQUESTS)

    @cached_property
    def started(self) -> DrillStarted | None:
        """None where the recording ends before the drill began."""
        return self.first(DrillStarted)

    @cached_property
    def setup(self) -> DrillStarted:
        """What drill.started says. Raises InputError where there is none."""
        if self.started is None:
            raise InputError(
                RECORDING, None, "(no drill.started)", "a recording that begins with drill.started"
            )
        return self.started

    @cached_property
    def calibration(self) -> Calibration | None:
        """The target's own noise; None where none was kept."""
        return self.setup.calibration

    @cached_property
    def standard(self) -> Standard:
        """What good service is in this drill."""
        return standard_of(self.setup.settings, self.setup.limits, self.calibration)

    @cached_property
    def account(self) -> Account:
        """The requests of what was watched, held against the plan."""
        load = self.first(LoadStarted)
        rate = self.setup.settings.requests_per_second if load is None else load.requests_per_second
        watched = watched_of(self.events, self.requests, rate)
        lateness = self.calibration.lateness_seconds if self.calibration else 0.0
        return account_for(self.requests, rate, watched, self._troubles(watched), lateness)

    @cached_property
    def timeline(self) -> Timeline:
        """The moments of the drill."""
        return timeline_of(self.events, self.setup, self.account, self.standard)

    @cached_property
    def after(self) -> Requests:
        """The measured requests of the window after; none where there is no such window."""
        measured = self.account.measured
        return measured.between(*self.window) if self.timeline.after else measured.where(slice(0))

    @cached_property
    def window(self) -> tuple[float, float]:
        """The window after, [start, end) in monotonic seconds. Only for questions that need it."""
        assert self.timeline.after is not None
        return self.timeline.after

    @cached_property
    def audit(self) -> WritesAudited | None:
        """The last audit of the writes."""
        return next(reversed(self.all(WritesAudited)), None)

    @cached_property
    def alerts(self) -> AlertsReplayed | None:
        """What the rule engine made of the drill's series; None where none were recorded."""
        return next(reversed(self.all(AlertsReplayed)), None)

    @cached_property
    def backup(self) -> BackupMade | None:
        """The last backup made."""
        return next(reversed(self.all(BackupMade)), None)

    @cached_property
    def commands(self) -> list[CommandFinished]:
        """The commands that the operator ran, in the order in which they ended."""
        return self.all(CommandFinished)

    @cached_property
    def changes(self) -> list[Event] | None:
        """The events cluster.changed, in order of time; None where no audit log was read."""
        read = self.all(ChangesRead)
        if not any(each.available for each in read):
            return None
        return [event for event in self.events if isinstance(event.data, ClusterChanged)]

    def all(self, kind: type[Kind]) -> list[Kind]:
        """The data of every event of a kind, in order of time."""
        return all_of(kind, self.events)

    def first(self, kind: type[Kind]) -> Kind | None:
        """The data of the first event of a kind."""
        return first_of(kind, self.events)

    def within(self, kind: type[Kind], window: tuple[float, float]) -> list[tuple[float, Kind]]:
        """Moment and data of the events of a kind in [start, end], monotonic seconds, in order of time."""
        start, end = window
        return [
            (event.monotonic, event.data)
            for event in self.events
            if isinstance(event.data, kind) and start <= event.monotonic <= end
        ]

    def _troubles(self, watched: tuple[float, float]) -> Sequence[Trouble]:
        """What the recording itself says of the load. One that did not end as it should has lost what was
        under way.
        """
        troubles = [Trouble(each.start, each.end, each.what) for each in self.all(LoadTrouble)]
        end = watched[1]
        last = (end - self.setup.settings.timeout_seconds, end)
        stopped = next(reversed(self.all(LoadStopped)), None)
        if stopped is None:
            troubles.append(Trouble(*last, "the recording does not say that the load ended"))
        elif stopped.exit_status != 0:
            troubles.append(Trouble(*last, f"the load ended with exit status {stopped.exit_status}"))
        return troubles


def _readable(path: Path) -> tuple[list[Event], list[str]]:
    """The events that can be understood, in order of time, and the others by line. A last line cut off by a
    kill is left out."""
    events, unreadable = [], []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            events.append(decode_event(line))
        except (*UNREADABLE, ValueError) as error:
            if number < len(lines):
                shown = line[:80].decode(errors="replace")
                unreadable.append(str(InputError(path.name, number, shown, f"an event ({error})")))
    return sorted(events, key=_order), unreadable


def _order(event: Event) -> tuple[float, float, str, bytes]:
    return event.monotonic, event.wall, event.kind, msgspec.json.encode(event.data)
