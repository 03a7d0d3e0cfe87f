"""A stretch of rounds against a real service, beside a cluster that does not answer: the turns are as long as
was asked for and full of requests, and a load that ends by itself is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from running_service import RunningService

from drill.errors import SetupError
from drill.gate.plain_load import drive_load
from drill.gate.turns import seen_turn
from drill.load.process import Load
from drill.recording import RECORDING, REQUESTS, read_events
from drill.recording.events import LoadStarted, LoadStopped, SampleFailed
from drill.recording.requests import read_requests

SECONDS = 3.0


@pytest.fixture(autouse=True)
def silent_cluster(service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = service.settings.target.context
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "silent", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "silent", "user": {"token": "a token"}}],
        "contexts": [{"name": context, "context": {"cluster": "silent", "user": "silent"}}],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    monkeypatch.setenv("DRILL_KUBECONFIG", str(file))


def test_a_stretch_is_as_long_as_was_asked_for_and_full_of_requests(
    service: RunningService, tmp_path: Path
) -> None:
    folder = tmp_path / "00-released"
    driven = drive_load(service.settings, folder, SECONDS, None)
    assert driven.end - driven.start == pytest.approx(SECONDS)
    requests = read_requests(folder / REQUESTS).between(driven.start, driven.end)
    per_second = service.settings.load.requests_per_second
    # every slot is recorded, also those that a busy machine sent late
    assert len(requests) == pytest.approx(SECONDS * per_second, abs=2)
    seen = seen_turn(
        requests,
        (),
        seconds=SECONDS,
        requests_per_second=per_second,
        timeout_seconds=service.settings.load.timeout_seconds,
        names=requests.names,
    )
    assert seen.spoiled == ""
    kinds = [type(event.data) for event in read_events(folder / RECORDING)]
    assert kinds.count(LoadStarted) == kinds.count(LoadStopped) == 1
    # nobody answers for the pods' use: that is written down, and nothing is invented
    assert SampleFailed in kinds


def test_a_load_that_ends_by_itself_is_an_error(
    service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(self: Load) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        raise_as_it_does(self)

    raise_as_it_does = Load.check
    start = Load.start

    def start_and_watch(self: Load) -> None:
        start(self)
        monkeypatch.setattr(Load, "check", ended)

    monkeypatch.setattr(Load, "start", start_and_watch)
    with pytest.raises(SetupError, match="the load ended by itself"):
        drive_load(service.settings, tmp_path / "00-released", SECONDS, None)
