"""What drill puts into the cluster for monitoring, and what it makes of Prometheus' answers, both ways."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner

from drill import settings as drill_settings
from drill.alerts.rules import alert_rules
from drill.cli import cli
from drill.cluster.access import Cluster
from drill.conduct.world import control_plane_address
from drill.errors import InputError, SetupError, UsageError
from drill.machine.promtool import ensure_promtool
from drill.machine.target import digest_of
from drill.monitoring.command import heard, state
from drill.monitoring.dashboards import page_of
from drill.monitoring.deploy import difference, is_up, monitoring_of, objects_of
from drill.monitoring.key_metrics import UNDESCRIBED, KeyMetric, key_metrics, measure
from drill.monitoring.prometheus import LoadedRule, PrometheusError, in_cluster
from drill.runbook import parse
from drill.settings import Settings
from tests.unit.monitoring.conftest import Answers

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "novel_engine" / "monitoring"
CORRECTED = ROOT / "runbook" / "operations-runbook.md"
PROXY = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"
METRIC = KeyMetric("Rate", "app", 1, "requests", "sum(rate(a[1m]))", "")


@pytest.fixture(scope="module")
def settings() -> Settings:
    return drill_settings.load(ROOT / "drill.toml")


def manifests() -> list[dict[str, Any]]:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return [
        each
        for name in kustomization["resources"]
        for each in yaml.safe_load_all((FOLDER / name).read_text())
    ]


def vector(*samples: tuple[dict[str, str], str]) -> dict[str, object]:
    result = [{"metric": labels, "value": [1.5, value]} for labels, value in samples]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def loaded(settings: Settings, **changes: Any) -> list[LoadedRule]:
    rules = alert_rules(parse(CORRECTED)).rules
    found = [
        LoadedRule("/etc/runbook-rules/runbook-0.yaml", rule.name, "", rule.waits_seconds, 5.0, 0.0)
        for rule in rules
    ]
    return [msgspec.structs.replace(found[0], **changes), *found[1:]]


def test_the_rules_in_the_cluster_are_the_fence_byte_for_byte(settings: Settings) -> None:
    rules = alert_rules(parse(CORRECTED))
    objects = objects_of(monitoring_of(settings), rules, [METRIC], "172.18.0.1")
    by_name = {(each["kind"], each["metadata"]["name"]): each for each in objects}  # type: ignore[index]
    assert objects[0]["kind"] == "Namespace"
    (text,) = by_name["ConfigMap", "runbook-rules"]["data"].values()  # type: ignore[attr-defined]
    fence = rules.fences[0].text
    assert [line.removeprefix("    ") for line in text.splitlines()[3:]] == fence.splitlines()
    slices: Any = by_name["EndpointSlice", "receiver"]
    assert slices["endpoints"][0]["addresses"] == ["172.18.0.1"]
    assert slices["ports"][0]["port"] == monitoring_of(settings).receiver_port
    assert set(by_name["ConfigMap", "dashboards"]["data"]) == {  # type: ignore[call-overload]
        f"{page}.html" for page in monitoring_of(settings).dashboards
    }
    assert {each["metadata"].get("namespace", "monitoring") for each in objects} == {"monitoring"}  # type: ignore[attr-defined]


def test_the_manifests_keep_to_their_namespace_and_name_what_drill_makes(settings: Settings) -> None:
    found = manifests()
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    assert listed["namespace"] == monitoring_of(settings).namespace
    assert sorted(listed["resources"]) == sorted(
        path.name for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml"
    )
    generated = [name for each in listed["configMapGenerator"] for name in each["files"]]
    assert [name for name in generated if not (FOLDER / name).is_file()] == []
    built = {image.name for image in monitoring_of(settings).images} | {"kube-state-metrics:drill"}
    for each in found:
        if each["kind"] != "Deployment":
            continue
        template = each["spec"]["template"]["spec"]
        assert "node-role.kubernetes.io/control-plane" in template["nodeSelector"]
        assert {container["image"] for container in template["containers"]} <= built
        for container in template["containers"]:
            assert container["resources"]["limits"]["memory"]
    mapped = {
        volume["configMap"]["name"]
        for each in found
        if each["kind"] == "Deployment"
        for volume in each["spec"]["template"]["spec"].get("volumes", [])
        if "configMap" in volume
    }
    assert mapped == {"prometheus", "alertmanager", "edge", "runbook-rules", "dashboards"}
    # nothing in the whole cluster but what reads
    verbs = {
        verb
        for each in found
        if each["kind"] == "ClusterRole"
        for rule in each["rules"]
        for verb in rule["verbs"]
    }
    assert verbs == {"get", "list", "watch"}


def test_prometheus_scrapes_every_five_seconds_as_the_page_says() -> None:
    stated = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["global"]
    assert stated["scrape_interval"] == stated["evaluation_interval"] == "5s"
    assert "every 5 s" in (ROOT / "docs" / "monitoring.md").read_text()


def test_prometheus_takes_the_configuration_of_the_manifests(tmp_path: Path) -> None:
    text = (FOLDER / "prometheus.yml").read_text()
    for written, is_right in ((text, True), (text.replace("static_configs", "statics"), False)):
        (tmp_path / "prometheus.yml").write_text(written)
        command = [ensure_promtool(), "check", "config", "--syntax-only", tmp_path / "prometheus.yml"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert (done.returncode == 0) is is_right, done.stderr


def test_what_monitoring_is_made_of_is_in_no_image_of_the_target(tmp_path: Path, settings: Settings) -> None:
    shutil.copytree(ROOT / "novel_engine", tmp_path / "novel_engine")
    copied = settings.model_copy(update={"root": tmp_path})
    own, monitoring = settings.target.images[0], monitoring_of(settings).images[0]

    def digests() -> tuple[str, str]:
        return digest_of(copied, own), digest_of(copied, monitoring)

    before = digests()
    (tmp_path / "novel_engine" / "monitoring" / "nginx.conf").write_text("changed")
    assert digests() == before
    (tmp_path / "novel_engine" / "monitoring" / "image" / "discover.py").write_text("changed")
    assert (digests()[0], digests()[1] != before[1]) == (before[0], True)
    (tmp_path / "novel_engine" / "app" / "web.py").write_text("changed")
    assert digests()[0] != before[0]


def test_rules_that_differ_are_told(settings: Settings) -> None:
    rules = alert_rules(parse(CORRECTED))
    assert difference(loaded(settings), rules) == ""
    assert "(for 61 s)" in difference(loaded(settings, seconds=61.0), rules)
    assert "Other" in difference(loaded(settings, name="Other"), rules)
    assert difference(loaded(settings, file="/elsewhere.yaml"), rules) != ""


def test_the_thirteen_key_metrics_each_have_a_query(settings: Settings) -> None:
    found = key_metrics(settings, parse(CORRECTED))
    assert len(found) == 13
    assert [metric.name for metric in found if metric.missing] == []


def test_metrics_without_a_query_and_queries_without_a_metric(settings: Settings) -> None:
    described = monitoring_of(settings)
    fewer = {
        name: query
        for name, query in described.metrics.items()
        if name not in ("CPU Usage", "Lock Wait Time")
    }
    changed = described.model_copy(update={"metrics": fewer, "missing": {"CPU Usage": "no kubelet"}})
    found = key_metrics(settings.model_copy(update={"monitoring": changed}), parse(CORRECTED))
    assert {metric.name: metric.missing for metric in found if metric.missing} == {
        "CPU Usage": "no kubelet",
        "Lock Wait Time": UNDESCRIBED,
    }
    more = described.model_copy(update={"metrics": {**described.metrics, "Reqest Rate": "x"}})
    with pytest.raises(InputError, match="Reqest Rate"):
        key_metrics(settings.model_copy(update={"monitoring": more}), parse(CORRECTED))


def test_what_a_metric_gives_is_told_as_number_series_or_missing(
    settings: Settings, answers: Answers, cluster: Cluster
) -> None:
    prometheus = in_cluster(settings, cluster)
    answers.by_path[f"{PROXY}/api/v1/query"] = vector(({}, "12.5"))
    assert measure(prometheus, [METRIC])[0].lines() == ["Rate: 12.5"]
    assert f"GET {PROXY}/api/v1/query?query=sum(rate(a[1m]))" in answers.received
    answers.by_path[f"{PROXY}/api/v1/query"] = vector(({"pod": "a"}, "1"), ({"pod": "b"}, "NaN"))
    assert measure(prometheus, [METRIC])[0].lines() == ["Rate pod=a: 1"]
    for answer, said in (
        (vector(({}, "NaN")), "no number"),
        (vector(), "gives nothing"),
        ({"x": 1}, "expected"),
    ):
        answers.by_path[f"{PROXY}/api/v1/query"] = answer
        (measured,) = measure(prometheus, [METRIC])
        assert said in measured.trouble
        assert measured.lines()[0].startswith("Rate: missing: ")
    undescribed = msgspec.structs.replace(METRIC, query="", missing="no kubelet")
    assert measure(prometheus, [undescribed])[0].trouble == ""
    assert measure(prometheus, [undescribed])[0].lines() == ["Rate: missing: no kubelet"]


def test_a_prometheus_that_is_not_there_says_what_brings_it(
    settings: Settings, answers: Answers, cluster: Cluster
) -> None:
    assert is_up(settings, cluster) is False
    with pytest.raises(PrometheusError, match="drill monitoring up"):
        in_cluster(settings, cluster).alerts()
    answers.by_path["/api/v1/namespaces/monitoring/services/prometheus"] = {"kind": "Service"}
    assert is_up(settings, cluster) is True
    without = settings.model_copy(update={"monitoring": None})
    assert is_up(without, cluster) is False
    for refused in (lambda: in_cluster(without, cluster), lambda: monitoring_of(without)):
        with pytest.raises(UsageError, match=r"there is no \[monitoring\]"):
            refused()


def test_no_cluster_but_our_own_is_touched(settings: Settings) -> None:
    foreign = settings.model_copy(update={"target": settings.target.model_copy(update={"context": "prod"})})
    with pytest.raises(UsageError, match=r"kind-\* clusters only"):
        monitoring_of(foreign)


def test_the_state_names_what_would_keep_anybody_from_being_called(
    settings: Settings, answers: Answers, cluster: Cluster
) -> None:
    def described(health: str, managers: list[dict[str, str]]) -> list[str]:
        target = {"labels": {"job": "a"}, "scrapeUrl": "http://a", "health": health, "lastError": "refused"}
        answers.by_path = {
            f"{PROXY}/api/v1/targets": {"data": {"activeTargets": [target]}},
            f"{PROXY}/api/v1/alertmanagers": {"data": {"activeAlertmanagers": managers}},
            f"{PROXY}/api/v1/query": vector(({}, "0.05")),
            f"{PROXY}/consoles": "<section>",
            f"{PROXY}/api/v1/rules": {
                "data": {
                    "groups": [
                        {
                            "file": "/etc/runbook-rules/runbook-0.yaml",
                            "interval": 5,
                            "lastEvaluation": "2026-11-29T17:00:00.1Z",
                            "rules": [
                                {
                                    "type": "alerting",
                                    "name": rule.name,
                                    "query": "x",
                                    "duration": rule.waits_seconds,
                                }
                                for rule in alert_rules(parse(CORRECTED)).rules
                            ],
                        }
                    ]
                }
            },
        }
        said, wrong = state(settings, in_cluster(settings, cluster), alert_rules(parse(CORRECTED)))
        assert "costs, CPU, cores: 0.05" in said
        return wrong

    assert described("up", [{"url": "http://b"}]) == []
    assert described("down", [{"url": "http://b"}]) == ["a: http://a: refused"]
    assert described("up", []) == ["Prometheus knows no Alertmanager, so nobody is called"]


def test_nobody_having_listened_is_unmeasured(tmp_path: Path) -> None:
    assert heard(tmp_path / "absent.jsonl").alive is None


def test_a_page_escapes_what_the_runbook_and_queries_say() -> None:
    text = page_of("app", "A {{ .x }}", [msgspec.structs.replace(METRIC, query='a{b="<x>"}', name="<b>")])
    assert "A &#123;&#123; .x &#125;&#125;" in text
    assert "<b>" not in text
    assert r'range query "a{b=\"<x>\"}"' in text
    missing = page_of("app", "A", [msgspec.structs.replace(METRIC, query="", missing="no kubelet")])
    assert "missing: no kubelet" in missing
    assert "range query" not in missing


def test_a_name_leads_to_the_control_plane(answers: Answers, cluster: Cluster) -> None:
    node = {
        "status": {
            "addresses": [{"type": "Hostname", "address": "x"}, {"type": "InternalIP", "address": "1.2.3.4"}]
        }
    }
    answers.by_path["/api/v1/nodes"] = {"items": [node]}
    assert control_plane_address(cluster) == "1.2.3.4"
    answers.by_path["/api/v1/nodes"] = {"items": []}
    with pytest.raises(SetupError, match="no node is labelled"):
        control_plane_address(cluster)


def test_receive_listens_for_so_long_and_ends(tmp_path: Path) -> None:
    for name in ("runbook", "novel_engine"):
        (tmp_path / name).symlink_to(ROOT / name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (
        (ROOT / "drill.toml").read_text().replace("[monitoring]\n", f"[monitoring]\nreceiver_port = {port}\n")
    )
    (tmp_path / "drill.toml").write_text(text)
    words = ["--target", str(tmp_path / "drill.toml"), "monitoring", "receive", "--seconds", "1"]
    done = CliRunner().invoke(cli, [*words, "--address", "127.0.0.1"])
    assert (done.exit_code, f"listening on port {port}" in done.output) == (0, True)
    assert (tmp_path / "received-alerts.jsonl").read_bytes() == b""
