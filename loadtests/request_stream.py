"""The request stream. Flows in: one Request per finished request. Flows out: whole JSON lines at the end of a
file, within 50 ms.

Several processes may write one file: each write is one append of whole lines, which Linux keeps apart.
"""

from __future__ import annotations

import os
from pathlib import Path

import gevent
import msgspec

from drill.recording.requests import Request

FLUSH_SECONDS = 0.05


class RequestStream:
    """Appends requests to `path`. Raises OSError from `flush` when the file cannot be written: a load that is
    not recorded is worth nothing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
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
        rest = memoryview(b"\n".join(lines) + b"\n")
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def keep_flushing(self) -> None:
        """Flush every FLUSH_SECONDS until the process ends; runs in a greenlet of its own."""
        while True:
            self.flush()
            gevent.sleep(FLUSH_SECONDS)
