"""What the judge reads, typed. Flows in: a folder with recording.jsonl and requests.jsonl. Flows out: a Case,
which every criterion is asked about.

Data of the events is checked here once: what is missing or of the wrong type is an InputError that names the
recording.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from drill.errors import InputError, UsageError
from drill.judge.windows import Timeline, timeline_of
from drill.recording import Event, Requests, read_events, read_requests

Data = TypeVar("Data", bound=msgspec.Struct)


class RecordedLimit(msgspec.Struct, frozen=True):
    """A limit as drill.started carries it. `value` in `unit`; `source`: the runbook line it was read from."""

    value: float
    unit: str = ""
    comparison: str = "<"
    source: str = ""
    statistic: str = ""


class RecordedSettings(msgspec.Struct, frozen=True):
    """How much must be seen, as drill.started carries it. Durations in seconds."""

    minimum_requests: int
    hold_seconds: float
    after_seconds: float
    patience_seconds: float
    requests_per_second: float
    timeout_seconds: float


class Started(msgspec.Struct, frozen=True):
    """The data of drill.started. `lacks`: parts that the target does not have; `restores`: the procedure puts
    a backup back."""

    drill: str
    settings: RecordedSettings
    feature: str = ""
    scenario: str = ""
    tags: list[str] = []
    severity: str = ""
    fault: str = ""
    procedure: str | None = ""
    expected: str = ""
    control: bool = False
    limits: dict[str, RecordedLimit] = {}
    lacks: list[str] = []
    restores: bool = False


class Command(msgspec.Struct, frozen=True):
    """The data of command.finished. `line`: of the runbook; `started`, `finished`: monotonic seconds."""

    line: int
    command: str
    status: int
    started: float
    finished: float
    interrupted: bool = False


class ProcedureFinished(msgspec.Struct, frozen=True):
    """The data of procedure.finished that the judge reads."""

    status: int = 0
    missing_tools: list[str] = []


class AbsentWrite(msgspec.Struct, frozen=True):
    """An acknowledged write that was not found. `acknowledged_at`: monotonic seconds."""

    id: str
    acknowledged_at: float


class Audit(msgspec.Struct, frozen=True):
    """The data of writes.audited. `acknowledged`: writes in the ledger; `checked`: how many of them were
    looked for.
    """

    acknowledged: int
    checked: int
    absent: list[AbsentWrite] = []


class Backup(msgspec.Struct, frozen=True):
    """The data of backup.made. Monotonic seconds."""

    name: str
    started: float
    finished: float


class PodResources(msgspec.Struct, frozen=True):
    """One pod in sample.resources. A limit or a measure that it does not have is None."""

    pod: str
    cpu_seconds: float | None = None
    cpu_at: float | None = None
    memory_bytes: float | None = None
    cpu_limit_cores: float | None = None
    memory_limit_bytes: float | None = None


class PodDatabase(msgspec.Struct, frozen=True):
    """One pod in sample.database: cumulative seconds and number of queries."""

    pod: str
    seconds: float
    queries: float


class ResourceSample(msgspec.Struct, frozen=True):
    """The data of sample.resources."""

    pods: list[PodResources]


class DatabaseSample(msgspec.Struct, frozen=True):
    """The data of sample.database."""

    pods: list[PodDatabase]


class Case:
    """One drill, ready to be judged. `events` in the order written, `requests` in the order planned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recording = folder / "recording.jsonl"
        if not self.recording.is_file():
            raise UsageError(f"{self.recording}: no such file. Expected the evidence folder of a drill")
        self.events: list[Event] = read_events(self.recording)
        self.requests: Requests = read_requests(folder / "requests.jsonl")

    @cached_property
    def started(self) -> Started | None:
        """None where the recording ends before the drill began."""
        found = self.first("drill.started")
        return self.typed(found, Started) if found else None

    @cached_property
    def setup(self) -> Started:
        """What drill.started says. Raises InputError where there is none."""
        if self.started is None:
            raise InputError(
                self.recording, None, "(no drill.started)", "a recording that begins with drill.started"
            )
        return self.started

    @cached_property
    def timeline(self) -> Timeline:
        """The moments of the drill."""
        return timeline_of(self.events, self.watched, self.setup.settings, self.setup.limits)

    @cached_property
    def watched(self) -> Requests:
        """The requests planned before the fault was undone: an undo repairs the target, and must not look
        like a restoration."""
        undone = self.first("fault.undone")
        return self.requests.between(float("-inf"), undone.monotonic) if undone else self.requests

    @cached_property
    def after(self) -> Requests:
        """The requests of the window after; none where the service was never restored."""
        window = self.timeline.after
        return self.watched.between(*window) if window else self.watched.between(0, 0)

    @cached_property
    def commands(self) -> list[Command]:
        """The commands that the operator ran, in order."""
        return [self.typed(event, Command) for event in self.all("command.finished")]

    @cached_property
    def audit(self) -> Audit | None:
        """The last audit of the writes."""
        found = self.last("writes.audited")
        return self.typed(found, Audit) if found else None

    @cached_property
    def backup(self) -> Backup | None:
        """The last backup made."""
        found = self.last("backup.made")
        return self.typed(found, Backup) if found else None

    def all(self, kind: str) -> list[Event]:
        """Every event of a kind."""
        return [event for event in self.events if event.kind == kind]

    def first(self, kind: str) -> Event | None:
        """The first event of a kind."""
        return next((event for event in self.events if event.kind == kind), None)

    def last(self, kind: str) -> Event | None:
        """The last event of a kind."""
        return next((event for event in reversed(self.events) if event.kind == kind), None)

    def within(self, kind: str, window: tuple[float, float]) -> list[Event]:
        """Events of a kind in [start, end], monotonic seconds."""
        start, end = window
        return [event for event in self.events if event.kind == kind and start <= event.monotonic <= end]

    def typed(self, event: Event, kind: type[Data]) -> Data:
        """The event's data as a `kind`. Raises InputError."""
        return typed(event, kind, self.recording)


def typed(event: Event, kind: type[Data], recording: Path) -> Data:
    """The data of an event, checked. Raises InputError that names the recording, the event and the field."""
    data: Any = event.data
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise InputError(
            recording, None, event.kind, f"data as drill/recording/events.py describes it ({error})"
        ) from error
