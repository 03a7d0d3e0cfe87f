"""kill -9 of a drill: of the run, of the experiment's process, of both. Used by test_kills.py and by
benchmarks/kills.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from drill.inject import fault_names
from drill.inject.experiment import OWN_EXPERIMENTS, read_experiment
from drill.recording import read_events

SCRIPT = Path(__file__).with_name("killed_drill.py")
BREAKING = tuple(fault for fault in fault_names() if fault != "no-fault")
"""Every fault that breaks something."""
LIFE_SECONDS = 9.0
"""So long about a drill of one lives that holds its fault for HOLD_SECONDS."""
HOLD_SECONDS = 1.0
LONG_HOLD_SECONDS = 30.0
"""For a kill while the fault is in: it comes in time also on a machine that is busy, and ends the hold."""
LET_GO = "let-go"
"""The file in a run's folder that ends its hold."""
VICTIMS = ("run", "experiment", "both")
ENDS_SECONDS = 240
"""A run whose experiment was killed puts the target back before it ends: that may take a whole rollout."""


def one_of_each_kind() -> set[str]:
    """The first fault of each kind. What injects and undoes it does so for all of the kind; the others wait
    for the quarter."""
    first: dict[str, str] = {}
    for fault in BREAKING:
        first.setdefault(read_experiment(OWN_EXPERIMENTS / f"{fault}.yaml").kind.kind, fault)
    return set(first.values())


def start(fault: str, folder: Path, hold_seconds: float = HOLD_SECONDS) -> subprocess.Popen[bytes]:
    with (folder / "run.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), fault, str(folder), str(hold_seconds)],
            stdout=log,
            stderr=log,
            cwd=SCRIPT.parents[2],
        )


def experiment_of(run: subprocess.Popen[bytes]) -> int | None:
    """The child of the run that is the experiment, when there is one now."""
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    for child in children.read_text().split() if children.exists() else []:
        try:
            if b"chaostoolkit" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        except FileNotFoundError:
            continue
    return None


def kill(victim: str, run: subprocess.Popen[bytes], folder: Path) -> None:
    """Kill, and wait for the end of the run, which holds nothing any longer once its experiment is gone.
    `folder`: the run's."""
    experiment = experiment_of(run) if victim in {"experiment", "both"} else None
    if victim in {"run", "both"}:
        run.kill()
    if experiment is not None:
        os.kill(experiment, signal.SIGKILL)
    (folder / LET_GO).touch()
    try:
        run.wait(ENDS_SECONDS)
    except subprocess.TimeoutExpired:
        run.kill()
        raise


def kinds(folder: Path) -> list[str]:
    path = folder / "recording.jsonl"
    return [event.kind for event in read_events(path)] if path.exists() else []
