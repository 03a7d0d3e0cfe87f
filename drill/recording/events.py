"""Events: what happened, when, in the order in which it was written. Flows in: kind and data from whoever
acts. Flows out: JSON lines.

The kinds and their data (times are monotonic seconds unless they are named wall):

    drill.started        drill, feature, scenario, tags[], severity, fault, procedure, expected, control (bool), runbook,
                         limits{name: {value, unit, comparison, source, statistic}},
                         settings{minimum_requests, hold_seconds, after_seconds, patience_seconds, requests_per_second,
                         timeout_seconds},
                         lacks[]  parts the target does not have: database, redis, metrics, backup, writes, resources
                         restores (bool)  the procedure puts a backup back
    drill.not_applicable what                         the part that the target lacks and this drill needs: it ends here
    health.gate          healthy (bool), observed
    load.started         requests_per_second, timeout_seconds, stream (file name)
    load.stopped         exit_status
    window.opened        window: before | fault | recovery | after
    window.closed        window
    backup.made          name, started, finished
    fault.announced      fault, arguments{}           written, and on disk, before anything is broken
    fault.injected       fault, seconds, detail       the moment is that of the injection itself
    fault.witnessed      fault, what, seconds         seconds from injection to the last of its witnesses
    fault.unwitnessed    fault, awaited, last_seen
    procedure.started    procedure, section, step, line, text
    command.finished     line, command, status, started, finished, interrupted (bool), output (tail)
    procedure.finished   procedure, status (0 when every command ended 0), missing_tools[]
    sample.resources     pods[{pod, cpu_seconds, cpu_at, memory_bytes, cpu_limit_cores, memory_limit_bytes}]
                         cpu_seconds is cumulative, cpu_at the seconds (of any one clock) at which it was read
    sample.database      pods[{pod, seconds, queries}]         both cumulative
    sample.failed        what, error
    cluster.event        reason, object, message, wall
    writes.audited       acknowledged, checked, unchecked, absent[{id, acknowledged_at}]
    fault.undone         fault, status, detail
    target.restored      differences[], repaired (bool)
    drill.error          error, message               a setup error: the verdict is "setup"
    drill.finished
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import msgspec

from drill.errors import InputError
from drill.recording.clock import Moment, now


class Event(msgspec.Struct, frozen=True):
    """One line of the recording. `wall`: seconds since the epoch; `monotonic`: seconds; `data`: by kind, see
    above.
    """

    wall: float
    monotonic: float
    kind: str
    data: dict[str, Any]


class Recorder:
    """Appends events to a file. Each is flushed before `record` returns, so a killed drill loses none; safe
    to call from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("ab")
        self._lock = threading.Lock()

    def record(self, kind: str, /, *, at: Moment | None = None, durable: bool = False, **data: Any) -> Event:
        """Write one event that happened `at` a moment (now, unless given); `durable` waits until it is on
        disk.
        """
        moment = at or now()
        event = Event(wall=moment.wall, monotonic=moment.monotonic, kind=kind, data=data)
        line = msgspec.json.encode(event) + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()
            if durable:
                os.fsync(self._file.fileno())
        return event

    def close(self) -> None:
        """No more events; further calls of `record` raise ValueError."""
        with self._lock:
            self._file.close()


def read_events(path: Path) -> list[Event]:
    """Every event of a recording, in the order written. A last line cut off by a kill is left out; any other
    bad line is an InputError."""
    decoder = msgspec.json.Decoder(Event)
    events = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            events.append(decoder.decode(line))
        except msgspec.DecodeError as error:
            if number == len(lines):
                break
            raise InputError(
                path, number, line[:80].decode(errors="replace"), f"an event as JSON ({error})"
            ) from error
    return events
