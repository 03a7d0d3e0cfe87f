"""Whoever is on call, as far as a machine can be: receives what Alertmanager sends, and writes down what
arrived and when. Flows in: HTTP, Alertmanager's webhook form. Flows out: a line a notification, on disk
before Alertmanager is told that it arrived.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import msgspec

from drill.errors import InputError, SetupError, UsageError

WATCHDOG = "Watchdog"
SILENT_SECONDS = 60.0
"""The dead man's switch is told every 10 to 15 s; so long without it, and monitoring itself is out."""
MOST_READ_BYTES = 1 << 24
LARGEST_BYTES = 1 << 20
PATH = "/alerts"


class ReceivedAlert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One alert of one notification. Seconds since the epoch: `wall`, when it arrived; `starts_wall`, since
    when it fires by Prometheus' word."""

    wall: float
    alert: str
    status: Literal["firing", "resolved"]
    starts_wall: float
    labels: dict[str, str]


class _SentAlert(msgspec.Struct, rename={"starts_at": "startsAt"}):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: datetime


class _Notification(msgspec.Struct):
    alerts: list[_SentAlert]


def read_notification(body: bytes, wall: float) -> list[ReceivedAlert]:
    """The alerts of one notification of Alertmanager's webhook, arrived at `wall`. Raises ValueError for
    anything else."""
    found = msgspec.json.decode(body, type=_Notification)
    return [
        ReceivedAlert(
            wall, each.labels.get("alertname", ""), each.status, each.starts_at.timestamp(), each.labels
        )
        for each in found.alerts
    ]


class Receiver:
    """Listens until closed. Everything that arrives is in the file before it is answered with 200; what is no
    notification is answered with 400 and leaves nothing there."""

    def __init__(self, address: str, port: int, file: Path) -> None:
        """Raises SetupError where nobody can listen there, or nothing can be written."""
        self.file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise SetupError(f"{file}: alerts cannot be written there ({error.strerror})") from error
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """One notification."""

            timeout = 10

            def do_POST(self) -> None:
                """Write down what arrived."""
                self.send_response(receiver._status_of(self))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """The file tells what arrived."""

        try:
            self._server = ThreadingHTTPServer((address, port), Handler)
        except OSError as error:
            os.close(self._file)
            raise SetupError(
                f"{address}:{port}: cannot listen for alerts there ({error.strerror}): end what listens "
                "there, or choose another in drill.toml, monitoring.receiver_port"
            ) from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1})
        self._thread.daemon = True
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        os.close(self._file)

    def _status_of(self, request: BaseHTTPRequestHandler) -> int:
        length = request.headers.get("Content-Length", "")
        size = int(length) if length.isdigit() else 0
        try:
            # whoever is not read to the end gets a connection that is reset, and not the answer
            body = request.rfile.read(min(size, MOST_READ_BYTES))
            if request.path != PATH or not length.isdigit() or size > LARGEST_BYTES:
                return 400
            alerts = read_notification(body, time.time())
        except (ValueError, OSError):  # msgspec's errors are ValueErrors
            return 400
        lines = b"".join(msgspec.json.encode(alert) + b"\n" for alert in alerts)
        try:
            with self._lock:
                os.write(self._file, lines)
                os.fsync(self._file)
        except OSError:
            return 500  # Alertmanager tries again
        return 200


@contextmanager
def receiving(address: str, port: int, file: Path) -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""
    receiver = Receiver(address, port, file)
    try:
        yield receiver
    finally:
        receiver.close()


def read_received(file: Path) -> list[ReceivedAlert]:
    """What has arrived, in that order. A last line cut off by a kill is left out. Raises UsageError where
    there is no such file, InputError for a line that is none of a receiver's."""
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(
            f"{file}: cannot be read ({error.strerror}): no receiver has written there. "
            "`drill monitoring receive` does"
        ) from error
    found = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            found.append(msgspec.json.decode(line, type=ReceivedAlert))
        except msgspec.DecodeError as error:
            shown = line[:80].decode(errors="replace")
            raise InputError(file, number, shown, f"a received alert ({error})") from error
    return found


class Heartbeat(msgspec.Struct, frozen=True):
    """What the dead man's switch tells. `alive`: None where nobody can say, since nothing was ever heard."""

    alive: bool | None
    why: str


def heartbeat(received: list[ReceivedAlert], wall: float) -> Heartbeat:
    """Whether alerts still reach whoever is on call, at `wall`."""
    heard = [each for each in received if each.alert == WATCHDOG and each.status == "firing"]
    if not heard:
        return Heartbeat(None, f"{WATCHDOG} was never received: unmeasured")
    seconds = wall - heard[-1].wall
    if seconds > SILENT_SECONDS:
        return Heartbeat(
            False,
            f"{WATCHDOG} has been silent for {seconds:.0f} s: Prometheus, Alertmanager or the way from them "
            "is out, or nobody listens here",
        )
    return Heartbeat(True, f"{WATCHDOG} was received {seconds:.0f} s ago")
