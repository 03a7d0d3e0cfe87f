"""Notebook: keeps notes, each a JSON file of its own. Flows in: HTTP on PORT. Flows out: files in FOLDER.
`python notebook.py PORT FOLDER`.

GET /healthz; GET /notes; GET /notes/ID; POST /notes {"title": ...} -> 201 {"id": ...} once the note is on
disk.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(sys.argv[2])
NEWEST = 20


class Notebook(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Read."""
        if self.path == "/healthz":
            self.answer(200 if os.access(FOLDER, os.W_OK) else 503, {"folder": str(FOLDER)})
        elif self.path == "/notes":
            files = sorted(FOLDER.glob("*.json"), key=lambda file: file.stat().st_mtime)[-NEWEST:]
            self.answer(200, [json.loads(file.read_bytes()) for file in files])
        elif (file := FOLDER / f"{Path(self.path).name}.json").is_file():
            self.answer(200, json.loads(file.read_bytes()))
        else:
            self.answer(404, {"detail": "no such note"})

    def do_POST(self) -> None:
        """Write."""
        try:
            note = {
                "id": uuid.uuid4().hex,
                "title": json.loads(self.rfile.read(int(self.headers["Content-Length"])))["title"],
            }
        except (TypeError, ValueError, KeyError):
            self.answer(422, {"detail": 'expected {"title": ...}'})
            return
        draft = FOLDER / f"{note['id']}.draft"
        with draft.open("wb") as file:
            file.write(json.dumps(note).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.rename(FOLDER / f"{note['id']}.json")
        self.answer(201, note)

    def answer(self, status: int, content: object) -> None:
        """Send JSON, head and body in one piece."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self._headers_buffer.append(b"\r\n" + body)
        self.flush_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing per request."""


class Server(ThreadingHTTPServer):
    """Ends at once when asked to, with requests under way."""

    daemon_threads = True
    request_queue_size = 256


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", int(sys.argv[1])), Notebook).serve_forever()
