"""Whoever is on call: what arrives is on disk before it is answered; what does not arrive is noticed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from drill.alerts.receiver import (
    SILENT_SECONDS,
    ReceivedAlert,
    Receiver,
    heartbeat,
    read_received,
    receiving,
)
from drill.errors import InputError, SetupError, UsageError
from drill.monitoring.live import arrivals

STARTED = "2026-11-29T17:00:00.123456789Z"
STARTED_WALL = datetime(2026, 11, 29, 17, tzinfo=UTC).timestamp() + 0.123456789


def notification(*alerts: tuple[str, str]) -> bytes:
    listed = [
        {"status": status, "labels": {"alertname": name}, "startsAt": STARTED, "annotations": {}, "x": 1}
        for name, status in alerts
    ]
    return json.dumps({"version": "4", "receiver": "on-call", "alerts": listed}).encode()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving("127.0.0.1", 0, tmp_path / "run" / "received.jsonl") as receiver:
        yield receiver


def post(receiver: Receiver, body: bytes, path: str = "/alerts") -> int:
    try:
        with urlopen(
            Request(f"http://127.0.0.1:{receiver.port}{path}", body, method="POST"), timeout=5
        ) as seen:
            return int(seen.status)
    except HTTPError as error:
        return error.code


def test_what_arrives_is_in_the_file_with_its_moment(receiver: Receiver) -> None:
    before = time.time()
    assert post(receiver, notification(("Down", "firing"), ("Slow", "resolved"))) == 200
    assert post(receiver, notification(("Down", "resolved"))) == 200
    found = read_received(receiver.file)
    assert [(each.alert, each.status) for each in found] == [
        ("Down", "firing"),
        ("Slow", "resolved"),
        ("Down", "resolved"),
    ]
    assert before <= found[0].wall <= time.time()
    assert found[0].starts_wall == pytest.approx(STARTED_WALL, abs=1e-5)
    assert [each.alert for each in arrivals(receiver.file, "Down", STARTED_WALL - 1)] == ["Down"]
    assert arrivals(receiver.file, "Down", STARTED_WALL + 1) == []
    assert arrivals(receiver.file.with_name("absent"), "Down", 0) == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "/alerts"),
        (b"{}", "/alerts"),
        (b"\xff", "/alerts"),
        (notification(("Down", "firing")), "/"),
        (notification(("Down", "broken")), "/alerts"),
        (b" " * ((1 << 20) + 1), "/alerts"),
    ],
)
def test_what_is_no_notification_leaves_nothing(receiver: Receiver, body: bytes, path: str) -> None:
    assert post(receiver, body, path) == 400
    assert receiver.file.read_bytes() == b""


def test_a_file_of_others_a_cut_line_and_none(tmp_path: Path) -> None:
    file = tmp_path / "received.jsonl"
    with pytest.raises(UsageError, match="no receiver has written there"):
        read_received(file)
    good = b'{"wall":1,"alert":"A","status":"firing","starts_wall":0,"labels":{}}\n'
    file.write_bytes(good + b'{"wall":2,"al')
    assert [each.wall for each in read_received(file)] == [1]
    file.write_bytes(good + b"{}\n" + good)
    with pytest.raises(InputError, match="a received alert") as caught:
        read_received(file)
    assert caught.value.line == 2


def test_a_port_that_is_taken_and_a_place_that_cannot_be_written(receiver: Receiver, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"monitoring\.receiver_port"):
        Receiver("127.0.0.1", receiver.port, tmp_path / "other.jsonl")
    with pytest.raises(SetupError, match="cannot be written"):
        Receiver("127.0.0.1", 0, receiver.file / "below-a-file")


def test_the_dead_man_s_switch_tells_alive_silent_and_unmeasured() -> None:
    def heard(wall: float, alert: str = "Watchdog", status: str = "firing") -> ReceivedAlert:
        return ReceivedAlert(wall, alert, status, 0.0, {})  # type: ignore[arg-type]

    assert heartbeat([], 100).alive is None
    assert heartbeat([heard(99, alert="Down")], 100).alive is None
    assert heartbeat([heard(50), heard(90)], 90 + SILENT_SECONDS).alive is True
    silent = heartbeat([heard(50), heard(99, status="resolved")], 51 + SILENT_SECONDS)
    assert (silent.alive, "silent for 61 s" in silent.why) == (False, True)
