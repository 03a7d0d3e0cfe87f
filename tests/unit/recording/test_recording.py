"""The recording: what is written is what is read, through several threads, a torn end and bad lines."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from drill.errors import InputError
from drill.recording import (
    Moment,
    Recorder,
    Request,
    Requests,
    monotonic_of,
    now,
    read_events,
    read_requests,
)
from drill.recording.events import ClusterEvent, DrillFinished, FaultAnnounced, HealthGate, LoadStopped
from drill.recording.requests import CHUNK_BYTES, stream_requests


def test_events_are_read_as_they_were_written(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "evidence" / "recording.jsonl")
    gate = HealthGate(healthy=True, observed="200")
    first = recorder.record(gate, at=Moment(wall=5.0, monotonic=1.0))
    second = recorder.record(FaultAnnounced(fault="pods-killed", record={"count": 3}), durable=True)
    recorder.close()
    assert read_events(recorder.path) == [first, second]
    assert (first.wall, first.monotonic, first.kind, first.data) == (5.0, 1.0, "health.gate", gate)


def test_a_second_recorder_appends(tmp_path: Path) -> None:
    for data in (LoadStopped(0), DrillFinished()):
        recorder = Recorder(tmp_path / "recording.jsonl")
        recorder.record(data)
        recorder.close()
    assert [event.kind for event in read_events(tmp_path / "recording.jsonl")] == [
        "load.stopped",
        "drill.finished",
    ]


def test_a_closed_recorder_refuses(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recording.jsonl")
    recorder.close()
    with pytest.raises(ValueError, match="closed file"):
        recorder.record(DrillFinished())


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recording.jsonl")

    def write(writer: int) -> None:
        for number in range(200):
            recorder.record(ClusterEvent(reason="x" * 500, object=str(writer), wall=float(number)))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    events = read_events(recorder.path)
    for writer in range(4):
        mine = [event.data for event in events if isinstance(event.data, ClusterEvent)]
        assert [each.wall for each in mine if each.object == str(writer)] == list(range(200))


def test_wall_time_becomes_monotonic_by_a_reference() -> None:
    assert monotonic_of(105.0, Moment(wall=100.0, monotonic=7.0)) == 12.0
    before, after = now(), now()
    assert before.monotonic <= after.monotonic


def _write_requests(path: Path, requests: list[Request]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(request) + b"\n" for request in requests))


def test_requests_become_columns_in_the_order_planned(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    requests = [
        Request(planned=2.0, sent=2.0, finished=3.0, name="POST /", status=0, error="timeout"),
        Request(planned=1.0, sent=1.0, finished=1.5, name="GET /", status=200),
        Request(planned=3.0, sent=3.0, finished=3.2, name="GET /", status=503, error="503", write="w1"),
    ]
    _write_requests(path, requests)
    columns = read_requests(path)
    assert columns.planned.tolist() == [1.0, 2.0, 3.0]
    assert columns.latency == pytest.approx([0.5, 1.0, 0.2])
    assert columns.failed.tolist() == [False, True, True]
    assert columns.answered.tolist() == [True, False, True]
    assert [columns.names[index] for index in columns.name] == ["GET /", "POST /", "GET /"]
    assert columns.between(1.0, 3.0).planned.tolist() == [1.0, 2.0]
    assert [request for chunk in stream_requests(path) for request in chunk] == requests


def test_an_absent_or_empty_stream_is_no_requests(tmp_path: Path) -> None:
    assert len(read_requests(tmp_path / "requests.jsonl")) == 0
    (tmp_path / "requests.jsonl").touch()
    columns = read_requests(tmp_path / "requests.jsonl")
    assert (len(columns), len(columns.between(0, 1)), columns.names) == (0, 0, [])


def test_a_stream_longer_than_a_chunk_loses_no_line(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    count = 3 * CHUNK_BYTES // 100
    _write_requests(
        path,
        [
            Request(planned=float(n), sent=n, finished=n + 0.5, name="GET /characters" * 3)
            for n in range(count)
        ],
    )
    assert path.stat().st_size > 2 * CHUNK_BYTES
    assert np.array_equal(read_requests(path).planned, np.arange(float(count)))


def test_a_torn_last_request_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    _write_requests(path, [Request(planned=1.0, sent=1.0, finished=1.5, name="GET /")])
    with path.open("ab") as file:
        file.write(b'{"planned":2.0,"sent":')
    assert len(read_requests(path)) == 1


BAD = [b'{"planned":2.0', b'{"planned":"two","finished":1,"name":"x"}', b"[]", b"\xff", b"[" * 5000]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_request_elsewhere_is_left_out_and_named_by_its_line(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "requests.jsonl"
    good = msgspec.json.encode(Request(planned=1.0, sent=1.0, finished=1.5, name="GET /"))
    path.write_bytes(b"\n".join([good, good, bad, good, b""]))
    columns = read_requests(path)
    assert (len(columns), len(columns.unreadable)) == (3, 1)
    assert columns.unreadable[0].startswith("requests.jsonl:3: ")
    with pytest.raises(InputError, match=r"requests\.jsonl:3: .*a request as JSON"):
        list(stream_requests(path))


def test_what_the_load_itself_failed_at_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    errors = [
        "",
        "timeout",
        "not sent: the load itself fell behind",
        "interrupted",
        "status 503, expected 200",
    ]
    _write_requests(
        path,
        [
            Request(planned=float(n), sent=n + 0.5, finished=n + 1.0, name="GET /", error=error, status=n)
            for n, error in enumerate(errors)
        ],
    )
    columns = read_requests(path)
    assert columns.unsent.tolist() == [False, False, True, True, False]
    assert columns.failed.tolist() == [False, True, True, True, True]
    assert columns.answered.tolist() == [False, True, True, True, True]
    assert columns.sent.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    later = columns.where(columns.planned >= 2)
    assert (len(later), later.unsent.tolist(), later.sent[0]) == (3, [True, True, False], 2.5)


def test_rows_in_any_order_become_columns_in_the_order_planned() -> None:
    planned = np.array([3.0, 1.0, 2.0])
    columns = Requests(
        planned,
        planned + np.array([0.3, 0.1, 0.2]),
        np.array([True, False, True]),
        np.array([2, 0, 1], np.int32),
        ["a", "b", "c"],
        sent=planned + np.array([0.03, 0.01, 0.02]),
        answered=np.array([False, True, False]),
        unsent=np.array([True, False, False]),
    )
    assert columns.planned.tolist() == [1.0, 2.0, 3.0]
    assert columns.latency == pytest.approx([0.1, 0.2, 0.3])
    assert columns.sent - columns.planned == pytest.approx([0.01, 0.02, 0.03])
    assert [columns.names[index] for index in columns.name] == ["a", "b", "c"]
    assert columns.failed.tolist() == [False, True, True]
    assert columns.answered.tolist() == [True, False, False]
    assert columns.unsent.tolist() == [False, False, True]
