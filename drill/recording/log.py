"""The log of a drill: what happened, when, in the order in which it was written. Flows in: the data of
events, or a file. Flows out: lines, or events.

On disk an event is a JSON line: {"wall", "monotonic", "kind", "data"}. Its kinds are in events.py.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec

from drill.errors import InputError, SetupError, UsageError
from drill.recording.clock import Moment, now
from drill.recording.events import KINDS, Data, Kind

RECORDING = "recording.jsonl"
"""The file in a drill's folder."""


class Event(msgspec.Struct, frozen=True):
    """One line of the recording. `wall`: seconds since the epoch; `monotonic`: seconds."""

    wall: float
    monotonic: float
    data: Data

    @property
    def kind(self) -> str:
        """The kind's name on disk."""
        return self.data.kind


def all_of(kind: type[Kind], events: Iterable[Event]) -> list[Kind]:
    """The data of every event of a kind, in the order of the events."""
    return [event.data for event in events if isinstance(event.data, kind)]


def first_of(kind: type[Kind], events: Iterable[Event]) -> Kind | None:
    """The data of the first event of a kind; None where there is none."""
    return next((event.data for event in events if isinstance(event.data, kind)), None)


class _Line(msgspec.Struct, frozen=True):
    """An event on disk."""

    wall: float
    monotonic: float
    kind: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


def of_kind(kind: str, data: dict[str, Any]) -> Data:
    """The data of an event, checked. Raises msgspec.ValidationError for a field, ValueError for a kind that
    is not there."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of event: see drill/recording/events.py")
    return msgspec.convert(data, KINDS[kind])


class Recorder:
    """Appends events to a file. Each is flushed before `record` returns, so a killed drill loses none; safe
    to call from several threads."""

    def __init__(self, path: Path) -> None:
        """Raises SetupError where nothing can be written at `path`."""
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from error

    def record(self, data: Data, *, at: Moment | None = None, durable: bool = False) -> Event:
        """Write one event that happened `at` a moment (now, unless given); `durable` waits until it is on
        disk. Raises SetupError where it cannot be written: a full disk is never the target's failure."""
        if KINDS.get(data.kind) is not type(data):
            raise ValueError(f"{type(data).__name__} is no kind of event: see drill/recording/events.py")
        moment = at or now()
        event = Event(moment.wall, moment.monotonic, data)
        raw = msgspec.Raw(msgspec.json.encode(data))
        line = msgspec.json.encode(_Line(moment.wall, moment.monotonic, data.kind, raw)) + b"\n"
        with self._lock:
            try:
                _write_whole(self._file, line)
                if durable:
                    os.fsync(self._file.fileno())
            except OSError as error:
                raise self._unwritable(error) from error
        return event

    def close(self) -> None:
        """No more events; further calls of `record` raise ValueError."""
        with self._lock:
            self._file.close()

    def _unwritable(self, error: OSError) -> SetupError:
        return SetupError(
            f"{self.path}: could not be written ({error.strerror or error}). Make room or leave to write "
            "there"
        )


def _write_whole(file: FileIO, line: bytes) -> None:
    """Write a line, or leave the file as it was: half a line would make all that follow unreadable."""
    written = 0
    try:
        while written < len(line):
            written += file.write(line[written:])
    except OSError:
        if written:
            os.ftruncate(file.fileno(), os.fstat(file.fileno()).st_size - written)
        raise


_lines = msgspec.json.Decoder(_Line)


LATEST_SECONDS = 1e11
"""A moment later than this, or before 0, is no moment of any clock: an arithmetic of it would say nothing."""
LARGEST = 1e15
TIMES = frozenset(
    {
        "acknowledged_at",
        "at",
        "cpu_at",
        "end",
        "finished",
        "monotonic",
        "start",
        "started",
        "taken_wall",
        "wall",
    }
)
"""Fields that are moments, on either clock. A row that survived may be older than the clock, so not that."""


def decode_event(line: bytes) -> Event:
    """One line of a recording. Raises msgspec.DecodeError (ValidationError is one), ValueError for a number
    that nothing has, RecursionError for values within values within values."""
    found = _lines.decode(line)
    event = Event(found.wall, found.monotonic, of_kind(found.kind, msgspec.json.decode(found.data)))
    _refuse_far("wall", event.wall)
    _refuse_far("monotonic", event.monotonic)
    _refuse_far("data", event.data)
    return event


def read_events(path: Path) -> list[Event]:
    """Every event of a recording, in the order written. A last line cut off by a kill is left out; any other
    bad line is an InputError, a file that is not there a UsageError."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); expected a drill's recording"
        ) from error
    events = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            events.append(decode_event(line))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            if number == len(lines):
                break
            raise InputError(
                path, number, line[:80].decode(errors="replace"), f"an event ({error})"
            ) from error
    return events


def _refuse_far(name: str, value: object) -> None:
    """Raise ValueError for a number that is too large to be meant, anywhere in the data of an event."""
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            _refuse_far(field, getattr(value, field))
    elif isinstance(value, dict):
        for key, each in value.items():
            _refuse_far(str(key), each)
    elif isinstance(value, list):
        for each in value:
            _refuse_far(name, each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if name in TIMES and not 0 <= value <= LATEST_SECONDS:
            raise ValueError(f"{name} is no moment that a clock shows")
        if not abs(value) <= LARGEST:
            raise ValueError(f"{name} is larger than anything that is measured")
