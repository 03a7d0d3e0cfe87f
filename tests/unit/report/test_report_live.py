"""The live line on a real pseudo-terminal, in a plain file, and under pytest's capturing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from drill.report import live as live_module
from drill.report.live import LiveLine
from drill.wait import pause

SCENARIO = """
from drill.report.live import LiveLine
from drill.wait import pause

def test_drill():
    print("this is captured")
    live = LiveLine()
    seen = {"requests_per_second": 119.6, "p95_seconds": 0.0123, "error_share": 0.25}
    live.update(phase="fault", awaiting="the witness", **seen)
    pause(0.6)
    live.end()
"""
COMMAND = [
    sys.executable,
    "-m",
    "pytest",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:drill",
    "-p",
    "drill.report.live",
    "-q",
    "test_live.py",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that stands for standard error where that is no terminal."""
    return tmp_path / "stderr.txt"


def test_plain_stream_gets_one_line_for_each_phase(path: Path) -> None:
    with path.open("w") as stream:
        live = LiveLine(stream)
        live.update(phase="before", requests_per_second=120)
        live.update(requests_per_second=121)
        live.update(phase="fault", error_share=1.0, awaiting="the witness")
        live.update(awaiting="restored")
        live.end()
    lines = path.read_text().splitlines()
    assert [line.split("  ")[1:] for line in lines] == [
        ["before", "120 requests/s"],
        ["fault", "121 requests/s", "errors 100.0 %", "waiting for the witness"],
    ]


def test_plain_stream_gets_a_line_every_few_seconds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "PLAIN_EVERY_SECONDS", 0.05)
    with path.open("w") as stream:
        live = LiveLine(stream)
        live.update(phase="before")
        pause(0.1)
        live.update(requests_per_second=3)
        live.update(requests_per_second=4)
    assert [line.split("  ")[-1] for line in path.read_text().splitlines()] == ["before", "3 requests/s"]


def test_next_drill_begins_with_nothing_of_the_last(path: Path) -> None:
    with path.open("w") as stream:
        live = LiveLine(stream)
        live.update(phase="after", requests_per_second=120, awaiting="the window")
        live.end()
        live.update(phase="health gate")
    assert path.read_text().splitlines()[-1] == "0:00  health gate"


def test_plain_line_is_never_folded_and_takes_no_markup(path: Path) -> None:
    awaited = "[bold]kubectl[/bold] " + "word " * 60 + "end"
    with path.open("w") as stream:
        LiveLine(stream).update(phase="recovery", awaiting=awaited)
    assert path.read_text().splitlines()[0].endswith(awaited)


def test_terminal_shows_the_line_under_pytest_and_removes_it_afterwards(tmp_path: Path) -> None:
    (tmp_path / "test_live.py").write_text(SCENARIO)
    shown = _run_on_terminal(COMMAND, tmp_path)
    assert "1 passed" in shown
    assert "this is captured" not in shown
    assert "120 requests/s" in shown
    assert "waiting for the witness" in shown
    assert "\x1b[2K" in shown.rpartition("waiting for the witness")[2], (
        "the line is erased when the drill ends"
    )


def test_pytest_without_terminal_gets_plain_lines(tmp_path: Path) -> None:
    (tmp_path / "test_live.py").write_text(SCENARIO)
    done = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [
        "0:00  fault  120 requests/s  p95 12.3 ms  errors 25.0 %  waiting for the witness"
    ]


def _run_on_terminal(command: list[str], folder: Path) -> str:
    """What `command` writes to a terminal 120 columns wide."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "NO_COLOR": "1"}
    process = subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # the other end was closed: all was read
            break
        if not block:
            break
        written += block
    os.close(ours)
    process.wait()
    return written.decode(errors="replace")
