"""What the load writes down while it runs: one line per finished request, within 50 ms, and, beside it, every
stretch in which the load itself was late.

Several processes may write one file: each write is one append of whole lines, which Linux keeps apart. A
stretch is always written before the requests that finished after it, so that a reader who sees a failure
knows already whose it is.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import gevent
import msgspec

from drill.load.stalls import BEAT_SECONDS, LATE_SECONDS, Stall, beat_beside, stalls_beside
from drill.recording.requests import Request


class RequestStream:
    """Appends requests to `path`. Raises OSError from `flush` when a file cannot be written: a load that is
    not recorded is worth nothing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._requests = _appended(path)
        self._stalls = _appended(stalls_beside(path))
        self._beat = os.open(beat_beside(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._encoder = msgspec.json.Encoder()
        self._lines: list[bytes] = []

    def write(self, request: Request) -> None:
        """Hand over one request; it is on its way to the file at the next flush."""
        self._lines.append(self._encoder.encode(request))

    def flush(self) -> None:
        """Append what was handed over."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        _write(self._requests, b"\n".join(lines) + b"\n")

    def keep_flushing(self) -> None:
        """Flush, and show that the loop is alive, every BEAT_SECONDS until the process ends; in a greenlet of
        its own. A wake-up that comes late is the honest witness of a stopped or starved process."""
        awake, worked = time.monotonic(), time.process_time()
        while True:
            gevent.sleep(BEAT_SECONDS)
            before, awake = awake, time.monotonic()
            worked_before, worked = worked, time.process_time()
            if awake - before - BEAT_SECONDS > LATE_SECONDS:
                stall = Stall(before, awake, worked - worked_before)
                _write(self._stalls, self._encoder.encode(stall) + b"\n")
            self.flush()
            os.pwrite(self._beat, b"%.6f\n" % awake, 0)


def _appended(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _write(descriptor: int, lines: bytes) -> None:
    rest = memoryview(lines)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
