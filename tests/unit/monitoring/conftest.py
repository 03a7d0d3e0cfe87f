"""A small API server that answers by path, and a cluster that leads to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from drill.cluster.access import Cluster, open_cluster


class Answers:
    """`by_path`: the beginning of a path to the answer; anything else is 404. `received`: method and path."""

    def __init__(self) -> None:
        self.by_path: dict[str, object] = {}
        self.received: list[str] = []
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                answers.received.append(f"{self.command} {unquote(self.path)}")
                found = [each for path, each in answers.by_path.items() if self.path.startswith(path)]
                body = json.dumps(found[-1] if found else {}).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_any

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing: the test reads `received`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def answers() -> Iterator[Answers]:
    server = Answers()
    yield server
    server.close()


@pytest.fixture
def cluster(answers: Answers, tmp_path: Path) -> Cluster:
    path = tmp_path / "kubeconfig"
    entry = {"clusters": [{"name": "c", "cluster": {"server": answers.address}}]}
    entry["contexts"] = [{"name": "kind-c", "context": {"cluster": "c", "user": "u"}}]  # type: ignore[dict-item]
    entry["users"] = [{"name": "u", "user": {}}]  # type: ignore[list-item]
    path.write_text(yaml.safe_dump(entry))
    return open_cluster(path, "kind-c", "default")
