"""A disk that is full, or that may not be written to: one message, exit status 3, no traceback. On a real
file system of 1 MiB, in a mount namespace of its own, so that nothing stays mounted whatever happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FILL = """
import sys
from pathlib import Path
from drill.conduct.run import Run
from drill.errors import DrillError
from drill.recording import Recorder
from drill.recording.events import SampleFailed
from drill.run.facts import Machine, Project

reports, root = Path(sys.argv[1]), Path(sys.argv[2])
run = Run(reports, "one", ["pytest"])
try:
    inputs = [("target", Path("drill.toml"))]
    run.begin("Target", root, inputs, project=Project(), machine=Machine(), tools={})
    folder = run.evidence("drill")
    recorder = Recorder(folder / "recording.jsonl")
    written = 0
    while written < 100_000:
        recorder.record(SampleFailed("x" * 200))
        written += 1
    print("never full")
except DrillError as error:
    print(f"refused: {error}")
    run.trouble(str(error), "Scenario")
run.failure("Scenario", "users were lost")
status = run.finish()
print("\\n".join(run.summary_lines()))
if (reports / "one" / "evidence").exists():
    from drill.recording import read_events
    events = read_events(reports / "one" / "evidence" / "drill" / "recording.jsonl")
    print("whole events:", len(events) == written)
sys.exit(status)
"""


def _mounted(tmp_path: Path, options: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with a tmpfs of these options at `tmp_path`/reports."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "drill.toml").write_text("[target]\n")
    (tmp_path / "script.py").write_text(script)
    inside = f'mount -t tmpfs -o {options} tmpfs "$1/reports" && exec "$2" "$1/script.py" "$1/reports" "$1"'
    command = [
        "unshare",
        "--mount",
        "--user",
        "--map-root-user",
        "bash",
        "-c",
        inside,
        "bash",
        tmp_path,
        sys.executable,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_full_disk_is_exit_status_three_and_one_message(tmp_path: Path) -> None:
    done = _mounted(tmp_path, "size=1m", FILL)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "refused:" in done.stdout
    assert "No space left on device" in done.stdout
    assert "never full" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "whole events: True" in done.stdout


def test_folder_that_may_not_be_written_to_is_refused_before_anything_is_broken(tmp_path: Path) -> None:
    done = _mounted(tmp_path, "ro,size=1m", FILL)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Read-only file system" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("options", ["size=64m"])
def test_disk_with_room_is_not_refused(tmp_path: Path, options: str) -> None:
    done = _mounted(tmp_path, options, FILL)
    assert "never full" in done.stdout
    assert done.returncode == 1


PYTEST = """
import subprocess, sys
from pathlib import Path

root = Path(sys.argv[2])
done = subprocess.run(
    [sys.executable, "-m", "pytest", "features", "-m", "smoke", "-q", "--reports", sys.argv[1], "--run", "a"],
    cwd={checkout!r}, capture_output=True, text=True,
)
print(done.stdout, done.stderr)
sys.exit(done.returncode)
"""


@pytest.mark.parametrize("options", ["ro,size=1m", "size=8k", "size=16k", "size=100k", "size=200k"])
def test_run_of_pytest_on_a_disk_that_fills_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    """The sizes end the run in a different place each: the folder, the inputs, the results, the manifest."""
    monkeypatch.setenv("DRILL_KUBECONFIG", str(tmp_path / "nowhere"))
    done = _mounted(tmp_path, options, PYTEST.replace("{checkout!r}", repr(str(Path(__file__).parents[3]))))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "could not be written" in done.stdout
    for word in ("Traceback", "INTERNALERROR"):
        assert word not in done.stdout + done.stderr
