"""What Prometheus is told to scrape."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from novel_engine.monitoring.image import discover
from tests.unit.monitoring.conftest import Answers


def pod(
    name: str, address: str | None = "10.0.0.1", phase: str = "Running", port: str = "http"
) -> dict[str, Any]:
    container = {"name": "novel-engine", "ports": [{"name": port, "containerPort": 8000}]}
    status = {"phase": phase} | ({"podIP": address} if address else {})
    metadata = {"name": name, "namespace": "n"}
    return {"metadata": metadata, "spec": {"containers": [container, {"name": "other"}]}, "status": status}


def test_pods_that_can_be_scraped_and_no_others() -> None:
    items = [
        pod("a"),
        pod("pending", phase="Pending"),
        pod("without-address", None),
        pod("over", phase="Succeeded"),
        pod("other-port", port="grpc"),
    ]
    found = discover.pods(items, "novel-engine", "http")
    assert [each["labels"]["pod"] for each in found] == ["a", "pending"]
    assert found[0] == {"targets": ["10.0.0.1:8000"], "labels": {"namespace": "n", "pod": "a"}}


def test_both_files_are_written_and_only_when_something_changed(answers: Answers, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    addresses = [{"type": "Hostname", "address": "x"}, {"type": "InternalIP", "address": "172.18.0.2"}]
    answers.by_path = {
        "/api/v1/namespaces/n/pods": {"metadata": {"resourceVersion": "7"}, "items": [pod("a")]},
        "/api/v1/nodes": {"items": [{"metadata": {"name": "w"}, "status": {"addresses": addresses}}]},
    }
    api = discover.ApiServer(answers.address, tmp_path)
    given = argparse.Namespace(namespace="n", container="novel-engine", port="http", folder=tmp_path)
    assert discover.look(api, given) == "7"
    written = tmp_path / "pods.json"
    before = written.stat().st_ino
    assert json.loads((tmp_path / "nodes.json").read_text()) == [
        {"targets": ["172.18.0.2:10250"], "labels": {"node": "w"}}
    ]
    discover.look(api, given)
    assert written.stat().st_ino == before
    answers.by_path["/api/v1/namespaces/n/pods"] = {"metadata": {"resourceVersion": "8"}, "items": []}
    discover.look(api, given)
    assert json.loads(written.read_text()) == []
    answers.by_path = {}
    with pytest.raises(OSError, match="404"):
        discover.look(api, given)
