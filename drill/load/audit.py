"""The audit of writes (design decision 8). Flows in: the request stream and the recovered target. Flows out:
which acknowledged writes are gone.

Asked as users would ask: over HTTP, at the target's address, one write at a time. A write counts as absent
only when the target itself says so (404 or 410, or an answer without the write in it) twice; whatever else
goes wrong leaves it unchecked, and is said. A target that has fallen silent is not asked about all the rest.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from drill import wait
from drill.load.plan import substitute
from drill.recording.events import Recorder
from drill.recording.requests import Request, stream_requests
from drill.settings import Settings

CONNECTIONS = 16
ATTEMPTS = 4
PAUSE_SECONDS = 0.25
READ_TIMEOUT_SECONDS = 5.0
SILENT_SECONDS = 12.0
GONE = (404, 410)

Answer = Literal["present", "absent", "unknown"]


class Absent(msgspec.Struct, frozen=True):
    """A write that was acknowledged and is not there. `acknowledged_at`: monotonic seconds at which the
    answer had arrived.
    """

    id: str
    acknowledged_at: float


class Audit(msgspec.Struct, frozen=True):
    """Counts of writes; acknowledged == checked + unchecked. `unchecked`: the target gave no usable answer,
    or no way to ask.
    """

    acknowledged: int
    checked: int
    unchecked: int
    absent: list[Absent]


def audit_writes(settings: Settings, stream: Path, recorder: Recorder | None = None) -> Audit:
    """Read back every acknowledged write of `stream`; records writes.audited when a `recorder` is given."""
    writes = acknowledged_writes(stream)
    contains = {
        request.name: request.write.contains
        for request in settings.load.requests
        if request.write is not None
    }
    reader = _Reader(settings.target.address)
    answers = reader.ask_all(writes, contains)
    absent = [
        Absent(write.write, write.finished)
        for write, answer in zip(writes, answers, strict=True)
        if answer == "absent"
    ]
    unchecked = sum(answer == "unknown" for answer in answers)
    audit = Audit(len(writes), len(writes) - unchecked, unchecked, absent)
    if recorder is not None:
        recorder.record("writes.audited", **msgspec.to_builtins(audit))
    return audit


def acknowledged_writes(stream: Path) -> list[Request]:
    """The acknowledged writes of a stream, in the order acknowledged. An absent file has none."""
    chunks: Iterable[list[Request]] = stream_requests(stream) if stream.exists() else ()
    writes = [request for chunk in chunks for request in chunk if request.acknowledged]
    return sorted(writes, key=lambda request: request.finished)


class _Reader:
    """Asks the target, on a kept connection for each thread."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host = parts.netloc
        self._connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._own = threading.local()
        self._opened: list[http.client.HTTPConnection] = []
        self._last_answer = time.monotonic()

    def ask_all(self, writes: Sequence[Request], contains: dict[str, str]) -> list[Answer]:
        """One answer for each write. An absence is confirmed by asking again once all others were asked."""
        try:
            with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="audit") as pool:
                answers = list(pool.map(lambda write: self._ask(write, contains), writes))
                doubtful = [index for index, answer in enumerate(answers) if answer == "absent"]
                for index, answer in zip(
                    doubtful,
                    pool.map(lambda index: self._ask(writes[index], contains), doubtful),
                    strict=True,
                ):
                    answers[index] = answer
        finally:
            for connection in self._opened:
                connection.close()
        return answers

    def _ask(self, write: Request, contains: dict[str, str]) -> Answer:
        template = contains.get(write.name)
        if not write.read_back or template is None:
            return "unknown"
        expected = substitute(template, write.write, 0).encode()
        for attempt in range(ATTEMPTS):
            wait.pause(PAUSE_SECONDS * attempt)
            if time.monotonic() - self._last_answer > SILENT_SECONDS:
                return "unknown"
            status, body = self._get(write.read_back)
            if status == 200:
                return "present" if expected in body else "absent"
            if status in GONE:
                return "absent"
        return "unknown"

    def _get(self, path: str) -> tuple[int, bytes]:
        """Status and body; status 0 when no answer came, after which the thread's next question opens a
        connection of its own.
        """
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._connect(self._host, timeout=READ_TIMEOUT_SECONDS)
            self._opened.append(connection)
        try:
            connection.request("GET", path, headers={"Accept": "application/json", "User-Agent": "drill"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0, b""
        self._last_answer = time.monotonic()
        return answer.status, body
