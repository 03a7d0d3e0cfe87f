"""A small cluster with one service on it, described by a drill.toml of its own; what drill keeps goes into a
folder of the test's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_cluster import NAMESPACE, LocalCluster, SmallCluster, a_deployment, kubeconfig

from drill import settings as target_settings
from drill.cluster.access import Cluster, connect
from drill.settings import Settings

TARGET = """
[target]
name = "Web"
context = "kind-small"
namespace = "{namespace}"
service = "web"
address = "{address}"
health_path = "/healthz"
runbook = "runbook.md"

[[target.workloads]]
name = "web"
container = "web"

[load]
requests_per_second = 100

[[load.requests]]
name = "GET /"
path = "/"

[judge]
witness_seconds = 3
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallCluster]:
    made = SmallCluster()
    made.put("Deployment", a_deployment())
    spec = {"selector": {"app": "web"}, "clusterIP": "10.1.1.1"}
    made.put("Service", {"kind": "Service", "metadata": {"name": "web"}, "spec": spec})
    monkeypatch.setenv("DRILL_KUBECONFIG", str(kubeconfig(tmp_path, made.address)))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("drill.putback.repair.FORGET_SECONDS", 0.0)  # nothing remembers here
    yield made
    made.stop()


@pytest.fixture
def settings(tmp_path: Path, small: SmallCluster) -> Settings:
    (tmp_path / "runbook.md").write_text("# Runbook\n", encoding="utf-8")
    file = tmp_path / "drill.toml"
    file.write_text(TARGET.format(namespace=NAMESPACE, address=small.address), encoding="utf-8")
    return target_settings.load(file)


@pytest.fixture
def cluster(settings: Settings) -> Cluster:
    return connect(settings)


@pytest.fixture
def local(cluster: Cluster) -> LocalCluster:
    """The same, with this machine in the place of its containers and nodes."""
    return LocalCluster(cluster._client, cluster.kubeconfig, cluster.context, cluster.namespace)
