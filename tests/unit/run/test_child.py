"""Drills that another command of drill began end with it, and put back first. Real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drill import wait
from drill.run.child import run_child

RUN = """
import signal, sys, time
from pathlib import Path

def end(*_):
    Path("put-back").touch()
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
Path("began").touch()
time.sleep(120)
"""
COMMAND = """
import sys
from pathlib import Path
from drill.run.child import run_child

run_child([sys.executable, "-c", Path("run.py").read_text()])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_command_its_run_puts_back(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "run.py").write_text(RUN, encoding="utf-8")
    with subprocess.Popen([sys.executable, "-c", COMMAND], cwd=tmp_path, stderr=subprocess.PIPE) as process:
        wait.until("the run to have begun", (tmp_path / "began").exists, seconds=60)
        process.send_signal(number)
        process.wait(60)
    wait.until("the run to put back", (tmp_path / "put-back").exists, seconds=60)


def test_a_run_that_takes_too_long_is_told_to_end(tmp_path: Path) -> None:
    """A shell, which listens long before its time is over."""
    run = "trap 'touch put-back; exit' TERM; sleep 120 & wait"
    with (tmp_path / "log").open("wb") as log:
        status = run_child(["sh", "-c", run], output=log, folder=tmp_path, longest_seconds=2)
    assert status is None
    assert (tmp_path / "put-back").exists()


@pytest.mark.parametrize(
    ("ends", "status"),
    [("sys.exit(2)", 2), ("os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL)],
)
def test_the_status_is_the_runs_own(tmp_path: Path, ends: str, status: int) -> None:
    command = [
        sys.executable,
        "-c",
        f"import os, signal, sys; print('said'); print('told', file=sys.stderr); {ends}",
    ]
    with (tmp_path / "log").open("wb") as log:
        assert run_child(command, output=log) == status
    assert "told" in (tmp_path / "log").read_text(encoding="utf-8")
