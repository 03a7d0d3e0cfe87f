"""What counts as a change by the operator, read from lines as the API server writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drill.cluster.access import open_cluster
from drill.cluster.identity import USER
from drill.observe.changes import changes_in, record_changes
from drill.recording import Moment, Recorder, read_events
from drill.recording.events import ChangesRead

NAMESPACE = "novel-engine-production"
WALL = 1_800_000_000.0
STARTED, READ = Moment(WALL, 1000.0), Moment(WALL + 60, 1060.0)


def line(
    at: float = WALL + 10,
    *,
    verb: str = "patch",
    resource: str = "deployments",
    name: str = "novel-engine",
    namespace: str = NAMESPACE,
    subresource: str = "",
    query: str = "",
    user: str = USER,
    code: int = 200,
    audit_id: str = "",
) -> bytes:
    """An entry whose request took 0.1 s and ended `at` wall seconds."""

    def time(wall: float) -> str:
        return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    entry: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": audit_id or f"{at}{verb}{name}",
        "stage": "ResponseComplete",
        "requestURI": f"/apis/apps/v1/x?{query}",
        "verb": verb,
        "user": {"username": user, "groups": ["system:authenticated"]},
        "objectRef": {"resource": resource, "name": name, "namespace": namespace, "subresource": subresource},
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": time(at - 0.1),
        "stageTimestamp": time(at),
    }
    return json.dumps(entry).encode()


def found(*lines: bytes) -> list[tuple[str, str]]:
    return [(each.data.verb, each.data.object) for each in changes_in(lines, NAMESPACE, STARTED, READ)]


def test_a_change_has_its_moment_and_its_object() -> None:
    (change,) = changes_in([line(WALL + 10, subresource="scale")], NAMESPACE, STARTED, READ)
    assert change.at.monotonic == pytest.approx(1010.0, abs=0.001)
    assert change.at.wall == pytest.approx(WALL + 10, abs=0.001)
    assert (change.data.verb, change.data.object) == ("patch", "deployments/novel-engine/scale")


def test_a_command_in_a_pod_is_told_with_its_words_and_from_its_beginning() -> None:
    entry = line(
        verb="get", resource="pods", name="redis-1", subresource="exec", code=101,
        query="command=redis-cli&command=CONFIG&command=SET&container=redis", audit_id="a",
    )  # fmt: skip
    changes = changes_in([entry, entry], NAMESPACE, STARTED, READ)
    assert len(changes) == 1
    assert (changes[0].data.verb, changes[0].data.object) == ("exec", "pods/redis-1")
    assert changes[0].data.command == "redis-cli CONFIG SET"
    assert changes[0].at.monotonic == pytest.approx(1009.9, abs=0.001)


def test_objects_elsewhere_are_told_with_their_namespace() -> None:
    assert found(line(namespace="kube-system", name="coredns")) == [
        ("patch", "deployments/coredns in kube-system")
    ]
    assert found(line(resource="nodes", name="drill-worker", namespace="")) == [
        ("patch", "nodes/drill-worker")
    ]


@pytest.mark.parametrize(
    "no_change",
    [
        {"code": 404},
        {"code": 409},
        {"code": 422},
        {"verb": "create", "query": "dryRun=All&fieldManager=x"},
        {"verb": "create", "resource": "selfsubjectreviews"},
        {"verb": "create", "resource": "selfsubjectaccessreviews"},
        {"verb": "create", "resource": "serviceaccounts", "subresource": "token"},
        {"user": "kubernetes-admin"},
        {"user": USER + "-2"},
    ],
)
def test_what_changes_nothing_is_no_change(no_change: dict[str, Any]) -> None:
    assert found(line(**no_change)) == []
    assert len(found(line(**no_change), line())) == 1


def test_only_what_was_done_since_counts() -> None:
    assert found(line(WALL - 1), line(WALL + 59), line(WALL + 61)) == [("patch", "deployments/novel-engine")]


@pytest.mark.parametrize("step", [-120.0, 120.0])
def test_a_clock_that_is_set_meanwhile_moves_no_change(step: float) -> None:
    read = Moment(READ.wall + step, READ.monotonic)
    before, after = line(WALL + 10, name="before"), line(WALL + 40 + step, name="after")
    changes = changes_in([before, after], NAMESPACE, STARTED, read)
    assert [(each.data.object, round(each.at.monotonic)) for each in changes] == [
        ("deployments/before", 1010),
        ("deployments/after", 1040),
    ]


def test_a_line_that_is_still_being_written_is_left_out() -> None:
    assert len(found(line(), line(WALL + 11)[:50])) == 1


def test_where_there_is_no_log_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}], users: [{name: u, user: {}}],"
        " contexts: [{name: production, context: {cluster: c, user: u}}]}"
    )
    recorder = Recorder(tmp_path / "recording.jsonl")
    record_changes(open_cluster(kubeconfig, "production", NAMESPACE), recorder, STARTED)
    (event,) = read_events(recorder.path)
    assert isinstance(event.data, ChangesRead)
    assert not event.data.available
    assert "production is no cluster that `drill up` made" in event.data.why
