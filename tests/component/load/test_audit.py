"""The audit against a real service: what was deleted, and nothing else, is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from running_service import RunningService

from drill import settings as drill_settings
from drill import wait
from drill.errors import SetupError
from drill.load import audit
from drill.load.audit import acknowledged_writes, audit_writes
from drill.load.process import Load
from drill.recording import Recorder, read_events
from drill.recording.events import AbsentWrite, SampleFailed
from drill.recording.requests import Request
from drill.settings import Settings


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "recording.jsonl")
    yield recorder
    recorder.close()


def read_back_by(service: RunningService, read_back: str, contains: str) -> Settings:
    """The service's settings with another way to find its writes again."""
    text = service.settings_file.read_text(encoding="utf-8")
    was = '{ read_back = "/notes/{id}" }'
    assert was in text
    service.settings_file.write_text(
        text.replace(was, f'{{ read_back = "{read_back}", contains = "{contains}" }}'), encoding="utf-8"
    )
    return drill_settings.load(service.settings_file)


def test_the_audit_finds_exactly_what_was_deleted(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(2)
    writes = acknowledged_writes(load.stream)
    assert len(writes) > 40
    whole = audit_writes(service.settings, load.stream)
    assert (whole.acknowledged, whole.checked, whole.unchecked, whole.absent) == (
        len(writes),
        len(writes),
        0,
        [],
    )
    gone = writes[17]
    assert service.ask("DELETE", gone.read_back)[0] == 200
    found = audit_writes(service.settings, load.stream, recorder)
    assert (found.acknowledged, found.checked, found.unchecked) == (len(writes), len(writes), 0)
    assert [(absent.id, absent.acknowledged_at) for absent in found.absent] == [(gone.write, gone.finished)]
    assert found.absent == [AbsentWrite(gone.write, gone.finished)]
    assert read_events(recorder.path)[-1].data == found


def test_what_the_target_does_not_answer_is_unchecked_not_absent(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(0.5)
    service.process.kill()
    service.process.wait()
    found = audit_writes(service.settings, load.stream)
    assert found.acknowledged > 10
    assert (found.checked, found.unchecked, found.absent) == (0, found.acknowledged, [])


def test_a_target_that_falls_silent_is_not_asked_about_every_write(
    service: RunningService, tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(2)
    monkeypatch.setattr(audit, "READ_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(audit, "SILENT_SECONDS", 1.0)
    service.process.send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        found = audit_writes(service.settings, load.stream)
        took = time.monotonic() - started
    finally:
        service.process.send_signal(signal.SIGCONT)
    assert found.acknowledged > 40
    assert (found.checked, found.unchecked, found.absent) == (0, found.acknowledged, [])
    assert took < 3


@pytest.mark.parametrize(
    ("read_back", "contains"),
    [("/notes", "{unique}"), ("/notes", "{id}"), ("/notes?page={page}", "{unique}")],
)
def test_writes_that_can_only_be_listed_are_read_once_and_found_each(
    service: RunningService, tmp_path: Path, read_back: str, contains: str
) -> None:
    settings = read_back_by(service, read_back, contains)
    with Load(settings, tmp_path, Recorder(tmp_path / "recording.jsonl")) as load:
        wait.pause(1)
    writes = acknowledged_writes(load.stream)
    assert len(writes) > 20, "more than a page of ten"
    assert audit_writes(settings, load.stream).absent == []
    gone = writes[3]
    listed = msgspec.json.decode(service.ask("GET", "/notes")[1])["notes"]
    (note,) = [note["id"] for note in listed if note["text"] == gone.write]
    assert service.ask("DELETE", f"/notes/{note}")[0] == 200
    before = int(service.ask("GET", "/lists-read")[1])
    found = audit_writes(settings, load.stream)
    read = int(service.ask("GET", "/lists-read")[1]) - before
    assert [absent.id for absent in found.absent] == [gone.write]
    assert (found.checked, found.unchecked) == (len(writes), 0)
    pages = (len(writes) - 1 + 9) // 10 + 1 if "page" in read_back else 1
    assert read == 2 * pages, "once, and once more for the one that was absent"


def test_a_row_that_never_reached_the_store_is_lost_although_the_service_shows_it(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(1)
    writes = acknowledged_writes(load.stream)
    never_stored = writes[5].write

    def held(texts: list[str]) -> set[str]:
        return set(texts) - {never_stored}

    found = audit_writes(service.settings, load.stream, recorder, held_in_store=held, store="database")
    assert [absent.id for absent in found.absent] == [never_stored]
    assert found.source == "database"


def test_a_silent_service_is_asked_for_in_its_store(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(0.5)
    service.process.kill()
    service.process.wait()
    found = audit_writes(service.settings, load.stream, held_in_store=set, store="database")
    assert (found.checked, found.unchecked, found.absent) == (found.acknowledged, 0, [])


def test_a_store_that_cannot_be_asked_is_said_and_the_service_alone_tells(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(0.5)
    asked = []

    def held(texts: list[str]) -> set[str]:
        asked.append(len(texts))
        raise SetupError("no pod runs")

    found = audit_writes(service.settings, load.stream, recorder, held_in_store=held, store="database")
    assert (found.absent, found.unchecked, found.source) == ([], 0, "")
    assert len(asked) > 1
    said = [event.data for event in read_events(recorder.path) if isinstance(event.data, SampleFailed)]
    assert said == [SampleFailed("the writes in the store database", "no pod runs")]


def test_the_store_is_asked_for_the_id_that_was_sent_however_the_service_shows_it(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    settings = read_back_by(service, "/notes", "by {unique}")
    asked: list[str] = []
    stream = tmp_path / "requests.jsonl"
    request = Request(1, 1, 2, "POST /notes", 201, "", "drill-1-12", True, "/notes", "by drill-1-12")
    stream.write_bytes(msgspec.json.encode(request) + b"\n")

    def held(texts: list[str]) -> set[str]:
        asked.extend(texts)
        return set(texts)

    found = audit_writes(settings, stream, held_in_store=held, store="database")
    assert asked == ["drill-1-12"]
    assert len(found.absent) == 1, "the service does not show it"


def test_the_newest_survivor_is_of_before_the_fault(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(1)
    writes = acknowledged_writes(load.stream)
    injected = writes[10].finished
    assert (
        audit_writes(service.settings, load.stream, injected=injected).newest_survivor_at
        == writes[9].finished
    )
    assert service.ask("DELETE", writes[9].read_back)[0] == 200
    assert (
        audit_writes(service.settings, load.stream, injected=injected).newest_survivor_at
        == writes[8].finished
    )
    assert audit_writes(service.settings, load.stream, injected=writes[0].planned).newest_survivor_at is None


def test_a_write_whose_id_begins_like_a_lost_one_does_not_stand_for_it(
    service: RunningService, tmp_path: Path
) -> None:
    """Two writes by hand, of which the shorter id is deleted; both are listed by one path."""
    settings = read_back_by(service, "/notes", "{unique}")
    stream = tmp_path / "requests.jsonl"
    with stream.open("wb") as file:
        for number, mark in enumerate(("drill-1-12", "drill-1-120")):
            status, _ = service.ask("POST", "/notes", msgspec.json.encode({"text": mark}))
            assert status == 201
            request = Request(number, number, number + 0.1, "POST /notes", 201, "", mark, True, "/notes")
            file.write(msgspec.json.encode(request) + b"\n")
    assert audit_writes(settings, stream).absent == []
    assert service.ask("DELETE", "/notes/n1")[0] == 200
    assert [absent.id for absent in audit_writes(settings, stream).absent] == ["drill-1-12"]
