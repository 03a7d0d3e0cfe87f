"""What a drill records for the runbook's alerts: each pod's own metrics, and what kube-state-metrics would
tell, out of a small API server; gaps where nothing answered."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from small_cluster import LocalCluster, SmallCluster, a_deployment

from drill import settings as target_settings
from drill import wait
from drill.alerts.recording import SeriesRecorder
from drill.alerts.rules import AlertRules, alert_rules
from drill.alerts.series import NAME_ENDING, Gap, ScrapedSeries, read_series
from drill.cluster.access import AbsentError, Cluster, ClusterError
from drill.conduct import alerting as alerting_module
from drill.conduct.alerting import Alerting
from drill.conduct.book import Book
from drill.conduct.scene import Scene
from drill.errors import ToolMissingError
from drill.observe import Sampler
from drill.observe import sampler as sampler_module
from drill.observe.metrics import MetricsLook, MetricsReader
from drill.recording import Recorder, now, read_events
from drill.recording.events import (
    AlertsReplayed,
    CacheSampled,
    DatabaseSampled,
    FaultWitnessed,
    PodCache,
    SampleFailed,
)
from drill.runbook import parse
from drill.settings import Settings

MONITORED = """
[metrics]
port = 8000
database_seconds = "query_seconds"
cache_hits = "hits_total"
cache_misses = "misses_total"

[alerts]
scrape_seconds = 5
"""
RULES = """# Runbook

```yaml
- alert: Errors
  expr: rate(http_requests_total{status=~"5.."}[1m]) > 1 or up == 0
- alert: Restarts
  expr: changes(kube_pod_container_status_restarts_total[15m]) > 2
- alert: Few
  expr: kube_deployment_status_replicas_available < kube_deployment_spec_replicas
- alert: Disk
  expr: node_filesystem_avail_bytes < 1000
```
"""
TEXT = """# HELP http_requests_total Requests answered.
# TYPE http_requests_total counter
http_requests_total{{status="200"}} {ok}
# TYPE other_total counter
other_total 5
# TYPE query_seconds histogram
query_seconds_bucket{{le="+Inf"}} {ok}
query_seconds_sum {ok}
query_seconds_count {ok}
# TYPE hits_total counter
hits_total {ok}
# TYPE misses_total counter
misses_total 3
"""


class ScrapedCluster(LocalCluster):
    """`texts`: what a pod answers at its metrics; a pod that is not in it does not answer; `asked`: how often
    each did."""

    texts: dict[str, str]
    asked: Counter[str]
    gone = False

    def request(self, method: str, path: str, *more: object, **named: object) -> bytes:
        if self.gone:
            raise ClusterError(f"{method} {path}: no answer")
        if "/proxy/" in path:
            pod = path.split("/pods/")[1].split(":", maxsplit=1)[0]
            if pod not in self.texts:
                raise AbsentError(f"{pod} does not answer")
            self.asked[pod] += 1
            return self.texts[pod].encode()
        return super().request(method, path, *more, **named)  # type: ignore[arg-type]


@pytest.fixture
def scraped(cluster: Cluster) -> ScrapedCluster:
    made = ScrapedCluster(cluster._client, cluster.kubeconfig, cluster.context, cluster.namespace)
    made.asked = Counter()
    made.texts = {"web-0": TEXT.format(ok=10), "web-1": TEXT.format(ok=20)}
    return made


@pytest.fixture
def monitored(settings: Settings) -> Settings:
    with settings.file.open("a", encoding="utf-8") as file:
        file.write(MONITORED)
    return target_settings.load(settings.file)


@pytest.fixture
def rules(tmp_path: Path) -> AlertRules:
    file = tmp_path / "rules.md"
    file.write_text(RULES, encoding="utf-8")
    return alert_rules(parse(file))


def recorder_of(settings: Settings, rules: AlertRules) -> SeriesRecorder:
    assert settings.metrics is not None
    assert settings.alerts is not None
    return SeriesRecorder(settings, settings.metrics, settings.alerts, [rules])


def look_at(settings: Settings, cluster: Cluster, recorder: SeriesRecorder, at: float) -> None:
    assert settings.metrics is not None
    look = MetricsReader(settings, cluster, settings.metrics).look(recorder.workloads)
    recorder.seen(MetricsLook(at, look.pods, look.application, look.answers, look.workloads))


def found(path: Path, name: str, **labels: str) -> ScrapedSeries:
    (one,) = (
        each
        for each in read_series(path).series
        if each.name == name and labels.items() <= each.labels.items()
    )
    return one


def test_series_have_the_labels_of_a_production_and_only_names_that_rules_name(
    monitored: Settings, scraped: ScrapedCluster, rules: AlertRules, tmp_path: Path
) -> None:
    recorder = recorder_of(monitored, rules)
    look_at(monitored, scraped, recorder, 100.0)
    path = recorder.write(tmp_path, None, None)
    assert path == tmp_path / NAME_ENDING
    file = read_series(path)
    assert {each.name for each in file.series} == {
        "http_requests_total",
        "kube_deployment_spec_replicas",
        "kube_deployment_status_replicas_available",
        "kube_pod_container_status_restarts_total",
        "up",
    }
    requests = found(path, "http_requests_total", pod="web-1")
    assert (requests.kind, requests.values) == ("counter", (20.0,))
    assert requests.labels == {
        "__name__": "http_requests_total",
        "status": "200",
        "job": "web",
        "namespace": "notebook",
        "pod": "web-1",
        "instance": "10.0.0.1:8000",
    }
    restarts = found(path, "kube_pod_container_status_restarts_total", pod="web-0", container="web")
    assert (restarts.kind, restarts.values, restarts.labels["job"]) == (
        "counter",
        (0.0,),
        "kube-state-metrics",
    )
    available = found(path, "kube_deployment_status_replicas_available", deployment="web")
    assert (available.kind, available.values) == ("gauge", (2.0,))
    assert file.header.untold == ("node_filesystem_avail_bytes",)
    assert file.header.evaluate_seconds == 5


def test_a_pod_that_does_not_answer_is_down_and_its_series_end(
    monitored: Settings, scraped: ScrapedCluster, rules: AlertRules, tmp_path: Path
) -> None:
    recorder = recorder_of(monitored, rules)
    look_at(monitored, scraped, recorder, 0.0)
    del scraped.texts["web-0"]
    look_at(monitored, scraped, recorder, 1.0)
    scraped.texts["web-0"] = "<html>no metrics</html>"
    look_at(monitored, scraped, recorder, 2.0)
    path = recorder.write(tmp_path, None, None)
    assert path is not None
    assert found(path, "up", pod="web-0").values == (1.0, 0.0, 0.0)
    assert found(path, "http_requests_total", pod="web-0").values == (10.0, Gap.STALE, Gap.STALE)
    assert found(path, "up", pod="web-1").values == (1.0, 1.0, 1.0)


def test_pods_that_are_gone_end_and_a_look_that_was_not_taken_is_a_gap(
    monitored: Settings,
    scraped: ScrapedCluster,
    rules: AlertRules,
    tmp_path: Path,
    small: SmallCluster,
) -> None:
    recorder = recorder_of(monitored, rules)
    look_at(monitored, scraped, recorder, 0.0)
    look_at(monitored, scraped, recorder, 2.0)
    small.put("Deployment", a_deployment(replicas=0))
    look_at(monitored, scraped, recorder, 3.0)
    look_at(monitored, scraped, recorder, 4.0)
    path = recorder.write(tmp_path, 2.5, 4.5)
    assert path is not None
    assert found(path, "http_requests_total", pod="web-0").values == (
        10.0,
        Gap.MISSED,
        10.0,
        Gap.STALE,
        Gap.STALE,
    )
    assert found(path, "kube_deployment_status_replicas_available").values == (2.0, Gap.MISSED, 2.0, 0.0, 0.0)
    header = read_series(path).header
    assert (header.fault_seconds, header.hold_from_seconds) == (2.5, 4.0)


def test_where_fewer_than_two_looks_fell_into_the_fault_nothing_can_be_held_on(
    monitored: Settings, scraped: ScrapedCluster, rules: AlertRules, tmp_path: Path
) -> None:
    recorder = recorder_of(monitored, rules)
    assert recorder.write(tmp_path, None, None) is None
    look_at(monitored, scraped, recorder, 0.0)
    look_at(monitored, scraped, recorder, 1.0)
    path = recorder.write(tmp_path, 0.2, 1.9)
    assert path is not None
    assert read_series(path).header.hold_from_seconds is None


def test_where_nothing_was_broken_the_steady_state_ends_when_somebody_acts(
    monitored: Settings, scraped: ScrapedCluster, rules: AlertRules, tmp_path: Path
) -> None:
    recorder = recorder_of(monitored, rules)
    for moment in (0.0, 1.0, 2.0, 3.0):
        look_at(monitored, scraped, recorder, moment)
    for held_until, steady in ((2.5, 2.0), (0.5, None), (None, None)):
        path = recorder.write(tmp_path, None, held_until)
        assert path is not None
        header = read_series(path).header
        assert (header.hold_from_seconds, header.steady_until_seconds) == (None, steady)


def sampled_of(settings: Settings, path: Path) -> list[object]:
    """What the sampler records until it has looked at the cache."""
    recorder = Recorder(path)

    def recorded() -> list[object]:
        return [each.data for each in read_events(path)]

    def looked(found: list[object]) -> bool:
        return any(isinstance(each, CacheSampled) for each in found)

    with Sampler(settings, recorder):
        wait.until("a look", recorded, looked, seconds=60, every_seconds=0.05)
    return recorded()


def test_hits_and_misses_of_each_pod_are_recorded_and_who_does_not_tell_both_is_left_out(
    monitored: Settings, scraped: ScrapedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler_module, "connect", lambda *_: scraped)
    scraped.texts["web-1"] = scraped.texts["web-1"].replace("misses_total", "others_total")
    found = sampled_of(monitored, tmp_path / "recording.jsonl")
    assert CacheSampled([PodCache("web-0", 10.0, 3.0)]) in found
    failed = "expected a counter 'misses_total' among the metrics, there is none"
    assert SampleFailed("the cache of web-1", failed) in found
    assert any(isinstance(each, DatabaseSampled) and len(each.pods) == 2 for each in found)


def test_the_cache_is_looked_at_where_no_database_is_named(
    monitored: Settings, scraped: ScrapedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler_module, "connect", lambda *_: scraped)
    assert monitored.metrics is not None
    metrics = monitored.metrics.model_copy(update={"database_seconds": None})
    alone = monitored.model_copy(update={"metrics": metrics})
    found = sampled_of(alone, tmp_path / "recording.jsonl")
    assert CacheSampled([PodCache("web-0", 10.0, 3.0), PodCache("web-1", 20.0, 3.0)]) in found
    assert not any(isinstance(each, DatabaseSampled) for each in found)


def test_the_sampler_looks_once_for_the_database_the_cache_and_the_alerts(
    monitored: Settings,
    scraped: ScrapedCluster,
    rules: AlertRules,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampler_module, "connect", lambda *_: scraped)
    recorder = Recorder(tmp_path / "recording.jsonl")
    series = recorder_of(monitored, rules)

    def sampled(kind: type[CacheSampled | DatabaseSampled] = DatabaseSampled) -> int:
        return sum(isinstance(each.data, kind) for each in read_events(recorder.path))

    with Sampler(monitored, recorder, listener=series) as sampler:
        wait.until("two looks", sampled, lambda count: count >= 2, seconds=60, every_seconds=0.05)
        scraped.gone = True
        wait.until(
            "a look that failed",
            lambda: read_events(recorder.path),
            lambda events: any(
                isinstance(each.data, SampleFailed) and each.data.what == "metrics" for each in events
            ),
            seconds=60,
            every_seconds=0.05,
        )
        sampler.look_less_closely()
        scraped.gone = False
    path = series.write(tmp_path, None, None)
    assert path is not None
    looks = [value for value in found(path, "up", pod="web-0").values if value is not Gap.MISSED]
    # a look may have been broken off; on a busy machine some may fall into one scrape interval
    assert 2 <= sampled() <= scraped.asked["web-0"] <= sampled() + 1
    assert sampled(CacheSampled) == sampled()
    assert 1 <= len(looks) <= scraped.asked["web-0"]


def a_scene(settings: Settings, folder: Path, rules: str = RULES) -> Scene:
    """What alerting needs of a drill's surroundings. The runbook has the rules."""
    (settings.root / settings.target.runbook).write_text(rules, encoding="utf-8")
    made = SimpleNamespace(
        settings=settings,
        book=Book(settings),
        facts=SimpleNamespace(as_written=False),
        folder=folder,
        recorder=Recorder(folder / "recording.jsonl"),
        show=lambda phase, awaiting: None,
    )
    return cast("Scene", made)


def replayed(scene: Scene) -> AlertsReplayed:
    (found,) = (
        each.data for each in read_events(scene.recorder.path) if isinstance(each.data, AlertsReplayed)
    )
    return found


def test_a_drill_records_what_the_rule_engine_says_of_its_series(
    monitored: Settings, scraped: ScrapedCluster, tmp_path: Path
) -> None:
    scene = a_scene(monitored, tmp_path)
    alerting = Alerting(scene)
    alerting.prepare()
    assert alerting.listener is not None
    scene.recorder.record(FaultWitnessed("f", "no answer", 1.0, users="failed requests"))
    for at in range(4):
        look_at(monitored, scraped, alerting.listener, float(at))
    scraped.texts = {}
    for at in range(4, 8):
        look_at(monitored, scraped, alerting.listener, float(at))
    alerting.begin_replay(3.5, 7.5, now())
    alerting.end_replay()
    alerting.end_replay()
    event = replayed(scene)
    assert event.why == ""
    assert {rule.alert: rule.untold for rule in event.rules} == {
        "Errors": [],
        "Restarts": [],
        "Few": [],
        "Disk": ["node_filesystem_avail_bytes"],
    }
    (errors, _) = event.spells
    assert errors.alert == "Errors"
    assert errors.firing is not None
    assert 0 <= errors.firing <= 5
    assert (tmp_path / NAME_ENDING).is_file()


def test_where_promtool_is_not_to_be_had_the_recording_says_so(
    monitored: Settings, scraped: ScrapedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Path:
        raise ToolMissingError("promtool is nowhere")

    monkeypatch.setattr(alerting_module, "ensure_promtool", missing)
    scene = a_scene(monitored, tmp_path)
    alerting = Alerting(scene)
    alerting.prepare()
    assert alerting.listener is not None
    look_at(monitored, scraped, alerting.listener, 0.0)
    alerting.begin_replay(None, None, None)
    alerting.end_replay()
    assert replayed(scene).why == "the tool is missing: promtool is nowhere"
    assert (tmp_path / NAME_ENDING).is_file()


def test_what_goes_wrong_with_alerts_fails_no_drill(
    monitored: Settings, scraped: ScrapedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> AlertsReplayed:
        raise ValueError("series that nobody expected")

    monkeypatch.setattr(alerting_module, "replay_drill", crash)
    scene = a_scene(monitored, tmp_path)
    alerting = Alerting(scene)
    alerting.prepare()
    assert alerting.listener is not None
    look_at(monitored, scraped, alerting.listener, 0.0)
    alerting.begin_replay(None, None, None)
    alerting.end_replay()
    assert replayed(scene).why == "ValueError: series that nobody expected"


@pytest.mark.parametrize("rules", ["# Runbook\n", RULES])
def test_without_a_section_or_rules_nothing_is_recorded(
    settings: Settings, monitored: Settings, tmp_path: Path, rules: str
) -> None:
    scene = a_scene(settings if rules == RULES else monitored, tmp_path, rules)
    alerting = Alerting(scene)
    alerting.prepare()
    assert alerting.listener is None
    alerting.begin_replay(1.0, 2.0, None)
    alerting.end_replay()
    assert read_events(scene.recorder.path) == []
