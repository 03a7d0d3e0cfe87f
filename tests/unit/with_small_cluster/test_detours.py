"""A part that is reached through a pod in its way, and what that pod runs: a proxy that takes its time."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_cluster import Json, LocalCluster, SmallCluster

from drill.cluster.access import Cluster
from drill.errors import DeadlineError, FaultError
from drill.faults import detour
from drill.faults.catalogue import as_data, from_data
from drill.faults.detour import Detour, DetourParameters
from drill.faults.fault import Fault, Site
from drill.inject.experiment import OWN_EXPERIMENTS
from drill.putback.known_state import differences, observe
from drill.settings import Settings

CONTAINER = {"name": "proxy", "image": "{application_image}", "command": ["pass-on", "{behind}"]}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
POLICY: Json = {
    "kind": "NetworkPolicy",
    "metadata": {"name": "walls"},
    "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress", "Egress"]},
}


def a_detour(cluster: Cluster, settings: Settings, tmp_path: Path, look: str = "echo far") -> Fault:
    parameters = DetourParameters(
        container=CONTAINER,
        disconnect=f"echo {{entrance}} >> {tmp_path}/disconnected",
        look=look,
        shows="^far$",
        itself="echo near",
        itself_shows="^near$",
    )
    site = Site(cluster, settings, settings.target.application, "", Path)
    return from_data(as_data(Detour.prepare(site, parameters)))


@pytest.fixture
def at_once(small: SmallCluster) -> None:
    """A pod that is made is ready."""
    keep = small._keep

    def and_be_ready(collection: str, item: Json) -> None:
        ready = collection.endswith("/pods") and "ownerReferences" not in item["metadata"]
        keep(collection, {**item, "status": READY} if ready else item)

    small._keep = and_be_ready  # type: ignore[method-assign]


@pytest.mark.usefixtures("at_once")
def test_the_service_leads_through_the_pod_and_back_again(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    known = observe(local)
    fault = a_detour(local, settings, tmp_path)
    injected = fault.inject(local)
    assert injected.detail == {"entrance": "web", "through": "web-detour"}
    assert small.get("Service", "web")["spec"]["selector"] == {"drill.detour": "web-detour"}
    assert small.get("Service", "web-behind")["spec"]["selector"] == {"app": "web"}
    pod = small.get("Pod", "web-detour")
    assert pod["metadata"]["labels"] == {"drill.detour": "web-detour"}
    assert pod["spec"]["containers"] == [
        {"name": "proxy", "image": "web:1", "command": ["pass-on", "web-behind"]}
    ]
    assert (tmp_path / "disconnected").read_text() == "web\nweb\n"
    seen = fault.look(local, injected.detail)
    assert seen.shows
    assert "web answers far, far; web answers near, near" in seen.observed
    assert fault.undo(local) == "put Service/web back; deleted Pod/web-detour, Service/web-behind"
    assert differences(known, observe(local)) == []
    assert "nothing was left to undo" in fault.undo(local)


@pytest.mark.usefixtures("at_once")
def test_a_way_that_is_not_long_is_seen_as_that_and_half_an_injection_is_put_back(
    small: SmallCluster,
    settings: Settings,
    local: LocalCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detour, "LED_SECONDS", 0.2)
    known = observe(local)
    fault = a_detour(local, settings, tmp_path, look="echo short")
    with pytest.raises(DeadlineError, match="web to lead through web-detour"):
        fault.inject(local)
    assert not fault.look(local, {}).shows
    assert not (tmp_path / "disconnected").exists()
    fault.undo(local)
    assert differences(known, observe(local)) == []


def test_the_service_leads_nowhere_new_before_the_pod_is_ready(
    small: SmallCluster,
    settings: Settings,
    local: LocalCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detour, "READY_SECONDS", 0.2)
    known = observe(local)
    fault = a_detour(local, settings, tmp_path)
    with pytest.raises(DeadlineError, match="web-detour to be ready"):
        fault.inject(local)
    assert small.get("Service", "web")["spec"]["selector"] == {"app": "web"}
    assert fault.undo(local).endswith("deleted Pod/web-detour, Service/web-behind")
    assert differences(known, observe(local)) == []


@pytest.mark.usefixtures("at_once")
def test_walls_get_a_door_only_where_there_are_walls(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    small.put("NetworkPolicy", POLICY)
    known = observe(local)
    fault = a_detour(local, settings, tmp_path)
    fault.inject(local)
    way_out = small.get("NetworkPolicy", "web-detour-egress")["spec"]
    assert way_out["podSelector"] == {"matchLabels": {"app": "web"}}
    assert way_out["egress"] == [{"to": [{"podSelector": {"matchLabels": {"drill.detour": "web-detour"}}}]}]
    assert small.get("NetworkPolicy", "web-detour-ingress")["spec"]["policyTypes"] == ["Ingress"]
    fault.undo(local)
    assert differences(known, observe(local)) == []


def test_two_services_that_lead_to_a_part_are_refused(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    small.put(
        "Service", {"kind": "Service", "metadata": {"name": "too"}, "spec": {"selector": {"app": "web"}}}
    )
    with pytest.raises(FaultError, match=r"one Service that leads to web, there are 2: web, too"):
        a_detour(local, settings, tmp_path)


def parameters_of(fault: str) -> dict[str, Any]:
    (extension,) = yaml.safe_load((OWN_EXPERIMENTS / f"{fault}.yaml").read_text())["extensions"]
    found: dict[str, Any] = extension["parameters"]
    return found


@contextmanager
def running(script: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def a_server(answer: bytes, *, silent: bool = False) -> Iterator[int]:
    """Answers each connection's first line; `silent`: accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:

        def serve() -> None:
            held = []
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                if not silent:
                    connection.recv(4096)
                    connection.sendall(answer)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def connected(port: int) -> socket.socket:
    ends = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 60)
        except OSError:
            assert time.monotonic() < ends


def test_the_proxy_of_network_slow_passes_on_later() -> None:
    script = parameters_of("network-slow")["container"]["command"][-1]
    own = a_free_port()
    with a_server(b"+PONG\r\n") as behind:
        script = script.replace('"{behind}", 6379', f'"127.0.0.1", {behind}')
        with running(script.replace("None, 6379", f'"127.0.0.1", {own}')), connected(own) as client:
            begun = time.monotonic()
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+PONG\r\n"
            assert time.monotonic() - begun >= 0.15
