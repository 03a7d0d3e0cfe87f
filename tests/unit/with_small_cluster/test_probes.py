"""The steady state that every experiment begins with: one lost connection is no illness, and a real one is
told."""

from __future__ import annotations

import logging
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from drill.inject import activities, probes
from drill.settings import Settings

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Resetting:
    """A port that resets its first `resets` connections, as one does behind which a pod goes away, and
    answers 200 to all others; `asked`: how many there were."""

    def __init__(self, resets: int) -> None:
        self.resets, self.asked = resets, 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                self.asked += 1
                if self.asked > self.resets:
                    connection.sendall(ANSWER)
                else:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def entrance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resetting]:
    """Where users of the small cluster's service enter, with the settings that an experiment reads."""
    server = Resetting(resets=1)
    file = Path(settings.file)
    file.write_text(
        file.read_text(encoding="utf-8").replace(settings.target.address, f"http://127.0.0.1:{server.port}"),
        encoding="utf-8",
    )
    monkeypatch.setenv(activities.TARGET, str(file))
    activities.target.cache_clear()
    yield server
    activities.target.cache_clear()
    server.stop()


def test_one_connection_that_is_reset_is_no_illness(
    entrance: Resetting, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="chaostoolkit"):
        assert probes.health_answers() is True
    assert entrance.asked == 2
    assert "200 ok" in caplog.text


def test_an_entrance_that_resets_everybody_is_not_well_and_what_was_seen_is_told(
    entrance: Resetting, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrance.resets = 1_000_000
    monkeypatch.setattr(probes, "WELL_SECONDS", 0.5)
    with caplog.at_level(logging.INFO, logger="chaostoolkit"):
        assert probes.health_answers() is False
    assert entrance.asked >= 2
    assert "ConnectionResetError" in caplog.text
