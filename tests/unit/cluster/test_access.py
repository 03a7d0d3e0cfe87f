"""Only ever a cluster that is ours: nothing reaches a foreign API server, which here is a real server that
records what does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from drill import settings as target_settings
from drill.cluster.access import AbsentError, connect
from drill.errors import ForeignClusterError, UsageError
from drill.settings import Settings

ROOT = Path(__file__).parents[3]
CHAOS_RUN = ("-m", "chaostoolkit", "--no-version-check", "--no-log-file", "run")


class ApiServer:
    """Answers every request with an empty list and remembers it."""

    def __init__(self) -> None:
        received = self.received = []  # type: list[str]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                received.append(f"{self.command} {self.path}")
                body = json.dumps({"kind": "List", "items": []}).encode()
                self.send_response(404 if "absent" in self.path else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = do_GET

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing: the test reads `received`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def ours() -> Iterator[ApiServer]:
    server = ApiServer()
    yield server
    server.close()


@pytest.fixture
def foreign() -> Iterator[ApiServer]:
    server = ApiServer()
    yield server
    server.close()


@pytest.fixture
def kubeconfig(tmp_path: Path, ours: ApiServer, foreign: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two contexts, and the foreign one is the current one."""
    servers = {"kind-ours": ours, "production": foreign}
    path = tmp_path / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "production",
                "clusters": [
                    {"name": name, "cluster": {"server": server.address}} for name, server in servers.items()
                ],
                "users": [{"name": name, "user": {"token": "a token"}} for name in servers],
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in servers],
            }
        )
    )
    monkeypatch.setenv("DRILL_KUBECONFIG", str(path))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def settings_for(context: str, folder: Path) -> Settings:
    text = (ROOT / "drill.toml").read_text().replace('context = "kind-drill"', f'context = "{context}"')
    for name in ("runbook", "novel_engine"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    (folder / "drill.toml").write_text(text)
    return target_settings.load(folder / "drill.toml")


@pytest.mark.usefixtures("kubeconfig")
def test_a_foreign_context_is_refused_though_it_is_the_current_one(
    tmp_path: Path, ours: ApiServer, foreign: ApiServer
) -> None:
    with pytest.raises(ForeignClusterError, match=r"'production'.*--allow-context production"):
        connect(settings_for("production", tmp_path))
    assert ours.received == foreign.received == []


@pytest.mark.usefixtures("kubeconfig")
@pytest.mark.parametrize("allowed", ["kind-ours", "Production", "production-2", ""])
def test_allowing_another_context_allows_nothing(tmp_path: Path, allowed: str, foreign: ApiServer) -> None:
    with pytest.raises(ForeignClusterError):
        connect(settings_for("production", tmp_path), allowed)
    assert foreign.received == []


@pytest.mark.usefixtures("kubeconfig")
@pytest.mark.parametrize("context", ["mykind-1", "kind-", "KIND-a", "prod/kind-a"])
def test_a_name_that_only_resembles_ours_is_foreign(tmp_path: Path, context: str) -> None:
    with pytest.raises(ForeignClusterError):
        connect(settings_for(context, tmp_path))


@pytest.mark.usefixtures("kubeconfig")
def test_requests_and_kubectl_go_to_the_named_context_not_to_the_current_one(
    tmp_path: Path, ours: ApiServer, foreign: ApiServer
) -> None:
    cluster = connect(settings_for("kind-ours", tmp_path))
    assert ours.received == []
    assert cluster.get(cluster.core("pods"))["items"] == []
    cluster.kubectl("get", "--raw", "/api/v1/nodes")
    assert ours.received == ["GET /api/v1/namespaces/novel-engine-production/pods", "GET /api/v1/nodes"]
    assert foreign.received == []


@pytest.mark.usefixtures("kubeconfig")
def test_a_context_that_is_allowed_by_name_is_reached(tmp_path: Path, foreign: ApiServer) -> None:
    connect(settings_for("production", tmp_path), "production").get("/api/v1/nodes")
    assert foreign.received == ["GET /api/v1/nodes"]


@pytest.mark.usefixtures("kubeconfig")
def test_an_experiment_that_runs_alone_refuses_as_well(tmp_path: Path, foreign: ApiServer) -> None:
    settings_for("production", tmp_path)
    done = subprocess.run(
        [
            sys.executable,
            *CHAOS_RUN,
            "--journal-path",
            str(tmp_path / "journal.json"),
            str(ROOT / "experiments" / "pods-killed.yaml"),
        ],
        env={**os.environ, "DRILL_TARGET": str(tmp_path / "drill.toml")},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        "context 'production' is not one that drill may break things in"
        in (tmp_path / "journal.json").read_text()
    ), done.stderr
    assert foreign.received == []


@pytest.mark.usefixtures("kubeconfig")
def test_what_is_absent_and_what_is_missing_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(AbsentError, match="absent"):
        connect(settings_for("kind-ours", tmp_path)).get("/api/v1/absent")
    with pytest.raises(UsageError, match="expected a context 'kind-other'"):
        connect(settings_for("kind-other", tmp_path))


def test_a_missing_kubeconfig_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRILL_KUBECONFIG", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"nowhere: no kubeconfig there\. `drill up`"):
        connect(settings_for("kind-ours", tmp_path))
