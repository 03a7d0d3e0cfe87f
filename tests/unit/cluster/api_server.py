"""A small API server over real sockets that keeps Leases as the real one does: versions, conflicts,
absence.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LeaseServer:
    """`lease`: the one object that there is, or None; `silent`: answers nothing but errors while set;
    `refused`: how many requests it so answered."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.silent = False
        self.refused = 0
        self._version = 0
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                status, answer = server.answer(self.command, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_any

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing: the test reads `lease`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, method: str, body: Any) -> tuple[int, Any]:
        """What the API server does with one request."""
        with self._lock:
            if self.silent:
                self.refused += 1
                return 503, {}
            if method == "POST":
                return (409, {}) if self.lease is not None else (201, self._keep(body))
            if self.lease is None or method == "GET":
                return (404, {}) if self.lease is None else (200, self.lease)
            expected = (
                (body or {}).get("metadata", (body or {}).get("preconditions") or {}).get("resourceVersion")
            )
            if expected not in (None, self.lease["metadata"]["resourceVersion"]):
                return 409, {}
            if method == "DELETE":
                self.lease = None
                return 200, {}
            return 200, self._keep(body)

    def _keep(self, body: Any) -> Any:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        self.lease = body
        return body

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
