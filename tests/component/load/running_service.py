"""A small service that runs, as tests see it."""

from __future__ import annotations

import http.client
import subprocess
from pathlib import Path
from typing import NamedTuple

from drill.settings import Settings


class RunningService(NamedTuple):
    """A service that runs: its process, its port, and how drill.toml describes it."""

    process: subprocess.Popen[bytes]
    port: int
    settings: Settings
    settings_file: Path

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send one request past the load."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body)
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            connection.close()
