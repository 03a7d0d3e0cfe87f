"""A drill whose operator waits for a call: each stage is recorded with its moment, and a call that does not
come fails the scenario."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import Request, urlopen

import pytest

from drill import settings as drill_settings
from drill.alerts.rules import alert_rules
from drill.cluster.access import Cluster
from drill.conduct import calling
from drill.conduct.book import Book
from drill.conduct.calling import Calling, NobodyCalledError
from drill.errors import SetupError
from drill.monitoring import live
from drill.recording import Event, Recorder, read_events
from drill.recording.events import AlertMissed, AlertStaged, FaultInjected
from tests.unit.monitoring.conftest import Answers

ROOT = Path(__file__).parents[3]
PROXY = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"


def moment(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat()


def loaded(names: list[tuple[str, float]]) -> dict[str, Any]:
    rules = [{"type": "alerting", "name": name, "query": "x", "duration": seconds} for name, seconds in names]
    file = "/etc/runbook-rules/runbook-0.yaml"
    group = {"file": file, "interval": 5, "lastEvaluation": moment(time.time()), "rules": rules}
    return {"data": {"groups": [group]}}


@pytest.fixture
def scene(answers: Answers, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A scene whose Prometheus has the runbook's rules. The node's gateway is this machine itself."""
    monkeypatch.setattr(calling, "gateway_of", lambda _: "127.0.0.1")
    settings = drill_settings.load(ROOT / "drill.toml")
    assert settings.monitoring is not None
    settings = settings.model_copy(
        update={"monitoring": settings.monitoring.model_copy(update={"receiver_port": 0})}
    )
    book = Book(settings)
    rules = [(rule.name, rule.waits_seconds) for rule in alert_rules(book.corrected).rules]
    answers.by_path[f"{PROXY}/api/v1/rules"] = loaded(rules)
    return SimpleNamespace(
        settings=settings,
        cluster=cluster,
        book=book,
        facts=SimpleNamespace(calls=("ServiceDown",)),
        folder=tmp_path / "evidence",
        recorder=Recorder(tmp_path / "evidence" / "recording.jsonl"),
        show=lambda phase, awaiting: None,
    )


def injected(seconds_ago: float) -> Event:
    return Event(time.time() - seconds_ago, time.monotonic() - seconds_ago, FaultInjected("pods-killed"))


def test_each_stage_is_recorded_with_its_moment(scene: Any, answers: Answers) -> None:
    called = Calling(scene)
    called.begin()
    fault = injected(30)
    alert = {"labels": {"alertname": "ServiceDown"}, "state": "firing", "activeAt": moment(fault.wall + 10)}
    answers.by_path[f"{PROXY}/api/v1/alerts"] = {"data": {"alerts": [alert]}}
    assert called._receiver is not None
    sent = {"status": "firing", "labels": {"alertname": "ServiceDown"}, "startsAt": moment(fault.wall + 20)}
    body = json.dumps({"alerts": [sent]}).encode()
    urlopen(
        Request(f"http://127.0.0.1:{called._receiver.port}/alerts", body, method="POST"), timeout=5
    ).close()
    called.wait_until_called("ServiceDown", fault)
    called.close()
    events = [each for each in read_events(scene.recorder.path) if isinstance(each.data, AlertStaged)]
    assert [each.data.stage for each in events] == ["pending", "firing", "received"]
    pending = events[0]
    assert isinstance(pending.data, AlertStaged)
    assert pending.data.seconds == pytest.approx(10, abs=0.01)
    assert pending.monotonic == pytest.approx(fault.monotonic + 10, abs=1)
    assert (scene.folder / calling.RECEIVED).read_bytes().count(b"\n") == 1


def test_a_call_that_does_not_come_fails_the_scenario_and_is_recorded(scene: Any, answers: Answers) -> None:
    called = Calling(scene)
    called.begin()
    answers.by_path[f"{PROXY}/api/v1/alerts"] = {"data": {"alerts": []}}
    with pytest.raises(NobodyCalledError, match="nobody is called: ServiceDown was not received"):
        called.wait_until_called("ServiceDown", injected(3600))
    (missed,) = [each.data for each in read_events(scene.recorder.path)]
    assert isinstance(missed, AlertMissed)
    assert missed.waited_seconds > 3599
    called.close()


def test_an_alert_that_was_there_before_is_no_call(scene: Any, answers: Answers) -> None:
    called = Calling(scene)
    called.begin()
    alert = {"labels": {"alertname": "ServiceDown"}, "state": "pending", "activeAt": moment(time.time() - 60)}
    answers.by_path[f"{PROXY}/api/v1/alerts"] = {"data": {"alerts": [alert]}}
    with pytest.raises(SetupError, match="before anything was broken"):
        called.wait_until_called("ServiceDown", injected(1))
    called.close()


def test_nothing_is_broken_until_the_alert_that_is_to_call_is_not_there(
    scene: Any, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = Calling(scene)
    answers.by_path[f"{PROXY}/api/v1/alerts"] = {"data": {"alerts": []}}
    called.wait_until_quiet()
    alert: dict[str, Any] = {
        "labels": {"alertname": "ServiceDown"},
        "state": "firing",
        "activeAt": moment(time.time()),
    }
    answers.by_path[f"{PROXY}/api/v1/alerts"] = {"data": {"alerts": [alert]}}
    monkeypatch.setattr(live, "longest_seconds", lambda rule: 0.1)
    with pytest.raises(SetupError, match="ServiceDown firing"):
        called.wait_until_quiet()
    # neither one that calls in other drills, nor one that is none of the runbook's, is waited for
    for other in ("HighErrorRate", "Watchdog"):
        alert["labels"] = {"alertname": other}
        called.wait_until_quiet()
    scene.facts.calls = ()
    asked = len(answers.received)
    called.wait_until_quiet()
    assert len(answers.received) == asked


def test_other_rules_are_refused_before_anything_is_broken(scene: Any, answers: Answers) -> None:
    answers.by_path[f"{PROXY}/api/v1/rules"] = loaded([("HighErrorRate", 120.0)])
    with pytest.raises(SetupError, match="drill monitoring up"):
        Calling(scene).begin()
    scene.facts.calls = ()
    Calling(scene).begin()
    with pytest.raises(SetupError, match="nobody listens"):
        Calling(scene).wait_until_called("ServiceDown", injected(1))
