"""A receiver of webhooks on this machine, for tests of what is posted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


class Hook(BaseHTTPRequestHandler):
    """Keeps what is posted, and answers as it is told."""

    posted: list[tuple[str, dict[str, object]]]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posted.append((self.path, json.loads(body)))
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: pytest's output is no log."""


@contextmanager
def hook(status: int = 200) -> Iterator[tuple[str, list[tuple[str, dict[str, object]]]]]:
    """Its address, and what was posted there."""
    posted: list[tuple[str, dict[str, object]]] = []
    handler = type("HookOfTest", (Hook,), {"posted": posted, "status": status})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-path", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
