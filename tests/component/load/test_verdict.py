"""A real load and the real judge: what the load itself fails at in the window after makes the verdict
inconclusive, never the target fail; the same drill without it passes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from running_service import RunningService

from drill import wait
from drill.judge.judge import judge
from drill.judge.verdict import DrillVerdict
from drill.load.process import Load
from drill.recording import Recorder
from drill.recording.events import (
    DrillFinished,
    DrillStarted,
    FaultInjected,
    FaultWitnessed,
    HealthGate,
    Judging,
    Limit,
    PlannedFault,
    WindowClosed,
    WindowOpened,
)

LIMITS = {
    "error_rate": Limit(0.05, "ratio", statistic="rate"),
    "response_time": Limit(0.3, "s", statistic="p95"),
}
JUDGING = Judging(
    minimum_requests=300,
    hold_seconds=1.0,
    after_seconds=8.0,
    patience_seconds=5.0,
    requests_per_second=100.0,
    timeout_seconds=1.0,
)
STOPPED_SECONDS, AFTER_SECONDS = 2.0, 12.0


def drilled(service: RunningService, folder: Path, stopped_seconds: float) -> DrillVerdict:
    """A drill of a service that stands still for a second and a half, the load for `stopped_seconds` later
    on.
    """
    recorder = Recorder(folder / "recording.jsonl")
    recorder.record(DrillStarted("d", JUDGING, faults=[PlannedFault("stopped")], limits=LIMITS))
    recorder.record(HealthGate(True))
    with Load(service.settings, folder, recorder) as load:
        recorder.record(WindowOpened("before"))
        wait.pause(1)
        recorder.record(WindowClosed("before"))
        os.kill(service.process.pid, signal.SIGSTOP)
        recorder.record(FaultInjected("stopped"))
        recorder.record(WindowOpened("recovery"))
        recorder.record(FaultWitnessed("stopped", "it stands still", 0.1))
        wait.pause(1.5)
        os.kill(service.process.pid, signal.SIGCONT)
        continued = time.monotonic()
        wait.pause(2)
        recorder.record(WindowClosed("recovery"))
        recorder.record(WindowOpened("after"))
        assert load._process is not None
        if stopped_seconds:
            os.kill(load._process.pid, signal.SIGSTOP)
            wait.pause(stopped_seconds)
            os.kill(load._process.pid, signal.SIGCONT)
        wait.pause(continued + AFTER_SECONDS - time.monotonic())
        recorder.record(WindowClosed("after"))
        load.check()
    recorder.record(DrillFinished())
    recorder.close()
    return judge(folder)


@pytest.mark.parametrize(("stopped_seconds", "outcome"), [(0.0, "pass"), (STOPPED_SECONDS, "inconclusive")])
def test_a_load_that_was_stopped_in_the_window_after_leaves_it_undecided(
    service: RunningService, tmp_path: Path, stopped_seconds: float, outcome: str
) -> None:
    verdict = drilled(service, tmp_path / "evidence", stopped_seconds)
    assert verdict.verdict != "fail", verdict.why
    found = {criterion.name: criterion for criterion in verdict.criteria}
    for name in LIMITS:
        assert found[name].verdict == outcome, found[name].why
    if stopped_seconds:
        assert "planned requests unmeasured" in found["error_rate"].why
