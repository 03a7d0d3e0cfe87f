"""The monitoring's configuration with the real Prometheus and Alertmanager: what alerts, who hears it, what
pages and queries show."""

from __future__ import annotations

import re
import time
from html import unescape

import httpx
import msgspec

from drill import wait
from drill.alerts.receiver import SILENT_SECONDS, heartbeat, read_received
from drill.alerts.rules import alert_rules
from drill.machine.promtool import ensure_promtool
from drill.monitoring.deploy import difference
from drill.monitoring.key_metrics import Measured, measure
from drill.monitoring.live import LifeAndReplay, by_life, by_replay, lived, watch
from drill.runbook import parse
from tests.component.monitoring.conftest import ROOT, RULES, Monitored

HEAD = "# T\n\n### Response Times\n- **P0**: 1 hour\n\n## A\n\n```yaml\n"
QUICK = RULES.partition("  rules:\n")[2].replace("  - ", "- ").replace("    ", "  ")


def _users(monitored: Monitored) -> None:
    """A little load: reads, writes and a narrative, with a session."""
    client = monitored.engine.http
    client.get("/campaigns", headers={"X-Session-Id": "one"})
    for number in range(20):
        client.get("/campaigns?limit=20")
        client.get("/characters")
        made = {"name": f"c{number}", "description": "d", "participants": ["aria"]}
        assert client.post("/campaigns", json=made).status_code == 201
    client.post("/simulations", json={"character_names": ["aria", "bram"], "turns": 1})


def test_every_key_metric_gives_a_number_under_a_little_load(monitored: Monitored) -> None:
    assert len(monitored.metrics) == 13
    assert [metric.name for metric in monitored.metrics if metric.missing] == []

    found: dict[str, Measured] = {}

    def look() -> list[str]:
        """What is amiss: no number, or a rate that has not risen yet, as it does from scrape to scrape."""
        _users(monitored)
        found.update((each.metric.name, each) for each in measure(monitored.prometheus, monitored.metrics))
        amiss = [line for each in found.values() if each.trouble for line in each.lines()]
        rate = found["Request Rate"]
        return amiss if rate.trouble or rate.series[0].samples[-1][1] > 1 else [*amiss, *rate.lines()]

    wait.until("each metric to give a number", look, lambda seen: not seen, seconds=40, every_seconds=1)
    assert found["Error Rate"].series[0].samples[-1][1] == 0
    assert found["Disk Usage"].series[0].samples[-1][1] == 0.25
    assert {each.labels.get("pod", "") for each in found["CPU Usage"].series} == {"novel-engine-1", ""}
    assert {each.labels["direction"] for each in found["Network I/O"].series} == {"in", "out"}


def test_a_query_that_gives_nothing_is_told(monitored: Monitored) -> None:
    absent = msgspec.structs.replace(monitored.metrics[0], query="no_such_metric")
    refused = msgspec.structs.replace(monitored.metrics[0], query="sum(")
    nan = msgspec.structs.replace(monitored.metrics[0], query="vector(0) / vector(0)")
    said = [each.trouble for each in measure(monitored.prometheus, [absent, refused, nan])]
    assert said[0] == "its query gives nothing: no_such_metric"
    assert "parse error" in said[1]
    assert "no number" in said[2]


def test_the_dashboards_show_each_metric_with_what_it_gives_now(monitored: Monitored) -> None:
    _users(monitored)
    shown = {page: monitored.prometheus.page(page) for page in {each.page for each in monitored.metrics}}
    assert sorted(shown) == ["novel-engine-app", "novel-engine-db", "novel-engine-infra"]
    for metric in monitored.metrics:
        (panel,) = [
            part
            for part in shown[metric.page].split("<section")[1:]
            if f"<h2>{metric.name}</h2>" in unescape(part)
        ]
        asked = re.search(r'data-query="([^"]*)"', panel)
        assert asked is not None
        assert unescape(asked[1]) == metric.query
        values = re.findall(r'class="value">([^<]*)<', panel)
        assert values, f"{metric.name}: {panel[-400:]}"


def test_an_alert_is_pending_then_fires_is_received_and_resolved(monitored: Monitored) -> None:
    wait.until(
        "the rules to be loaded",
        lambda: sorted(rule.name for rule in monitored.prometheus.rules()),
        lambda names: names == ["Unwell", "Watchdog"],
        seconds=300,
    )
    broken = time.time()
    monitored.engine.kill()
    stages: list[tuple[str, float]] = []
    missed = watch(
        monitored.prometheus,
        monitored.receiver.file,
        "Unwell",
        since_wall=broken,
        seconds=300,
        seen=lambda stage, wall, labels: stages.append((stage, wall - broken)),
    )
    assert missed == ""
    assert [stage for stage, _ in stages] == ["pending", "firing", "received"]
    pending, firing, received = (seconds for _, seconds in stages)
    assert pending > 0
    assert firing >= pending + 2  # its `for:`
    # Prometheus is looked at every second, and on a busy machine after it was received
    assert received >= pending + 2
    monitored.engine.start()
    wait.until(
        "the alert to be resolved",
        lambda: [each.status for each in read_received(monitored.receiver.file) if each.alert == "Unwell"],
        lambda seen: seen[-1] == "resolved",
        seconds=300,
    )
    # what is over is told as missed, with what was last seen
    assert "not received" in watch(
        monitored.prometheus,
        monitored.receiver.file,
        "Unwell",
        since_wall=time.time(),
        seconds=1,
        seen=lambda *_: None,
    )
    runbook = monitored.rules_file.parent.parent / "runbook.md"
    runbook.write_text(f"{HEAD}{QUICK}```\n")
    rules = alert_rules(parse(runbook))
    life = lived(monitored.prometheus, rules, 300, "life", broken)
    both = LifeAndReplay(
        by_life(monitored.prometheus, "Unwell", 300, broken),
        by_replay(ensure_promtool(), rules, life, broken)["Unwell"],
        life.interval_seconds,
    )
    assert life.interval_seconds == 1
    assert both.life.firing_wall is not None
    # one evaluation apart is agreement; a busy machine may be late with one of its own
    assert both.apart_seconds is not None, both
    assert both.apart_seconds <= 3, both


def test_the_runbook_s_own_rules_are_loaded_as_they_stand(monitored: Monitored) -> None:
    for name in ("operations-runbook.md", "as-first-written.md"):
        rules = alert_rules(parse(ROOT / "runbook" / name))
        monitored.load_rules(*rules.files())
        loaded = [
            msgspec.structs.replace(rule, file="/etc/runbook-rules/runbook-0.yaml")
            for rule in monitored.prometheus.rules()
            if rule.name != "Watchdog"
        ]
        assert difference(loaded, rules) == ""
        assert "Prometheus has no rules" in difference([], rules)
        assert difference(loaded[1:], rules) != ""


def test_the_dead_man_s_switch_is_heard_and_told_as_silent_when_alertmanager_is_out(
    monitored: Monitored,
) -> None:
    """Last: it ends Alertmanager."""
    file = monitored.receiver.file
    heard = wait.until(
        "Watchdog to be received twice",
        lambda: [each for each in read_received(file) if each.alert == "Watchdog"],
        lambda seen: len(seen) >= 2,
        seconds=300,
    )
    assert heard[1].wall - heard[0].wall < SILENT_SECONDS
    assert heartbeat(read_received(file), time.time()).alive is True
    monitored.processes["alertmanager"].kill()
    monitored.processes["alertmanager"].wait(10)
    last = read_received(file)[-1].wall
    assert heartbeat(read_received(file), last + 61).alive is False
    with httpx.Client(base_url=f"http://127.0.0.1:{monitored.receiver.port}") as client:
        before = file.read_bytes()
        assert client.post("/alerts", content=b"{}").status_code == 400
        assert client.post("/other", content=b"{}").status_code == 400
        assert file.read_bytes() == before
