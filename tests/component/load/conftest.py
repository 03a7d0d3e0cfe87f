"""A real small service in a process of its own, and the settings that describe it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_service import RunningService

from drill import settings as drill_settings

SERVICE = Path(__file__).with_name("small_service.py")
SETTINGS = """
[target]
name = "Notes"
context = "kind-none"
namespace = "notes"
service = "notes"
address = "http://127.0.0.1:{port}"
runbook = "runbook.md"

[[target.workloads]]
name = "notes"
container = "notes"

[load]
requests_per_second = 100
timeout_seconds = 1.0

[[load.requests]]
name = "GET /"
path = "/?number={{sequence}}"
weight = 3

[[load.requests]]
name = "POST /notes"
method = "POST"
path = "/notes"
body = '{{"text": "{{unique}}"}}'
success_status = 201
weight = 1
write = {{ read_back = "/notes/{{id}}" }}
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    process = subprocess.Popen([sys.executable, str(SERVICE), "0"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    (tmp_path / "runbook.md").write_text("# Notes\n", encoding="utf-8")
    file = tmp_path / "drill.toml"
    (tmp_path / "runbook.md").write_text("# None\n", encoding="utf-8")
    file.write_text(SETTINGS.format(port=port), encoding="utf-8")
    try:
        yield RunningService(process, port, drill_settings.load(file), file)
    finally:
        process.kill()
        process.wait()
