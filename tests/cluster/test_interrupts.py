"""A run of drills that is told to end, at the moment when a fault is in: it puts the target back by itself
and says so with its exit status.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from target_state import ROOT, assert_as_known

from drill import wait
from drill.cluster.access import Cluster
from drill.recording import read_events
from drill.settings import Settings

pytestmark = pytest.mark.cluster

SCENARIO = "nobody_acts_on_a_redis"
INJECTED_SECONDS, ENDED_SECONDS = 600, 600


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_run_that_is_ended_puts_the_target_back(
    tmp_path: Path, settings: Settings, cluster: Cluster, put_back: None, number: signal.Signals
) -> None:
    log = tmp_path / "log.txt"
    with log.open("wb") as file:
        run = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pytest",
                "features",
                "-k",
                SCENARIO,
                "--fresh-controls",
                "--reports",
                str(tmp_path / "reports"),
                "--run",
                "ended",
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        wait.until(
            "the fault to be in",
            lambda: _injected(tmp_path) or run.poll() is not None,
            seconds=INJECTED_SECONDS,
        )
        assert run.poll() is None, log.read_text(encoding="utf-8")
        run.send_signal(number)
        status = run.wait(ENDED_SECONDS)
    finally:
        if run.poll() is None:
            run.kill()
            run.wait()
    assert status == 3, log.read_text(encoding="utf-8")
    assert_as_known(settings, cluster)


def _injected(folder: Path) -> bool:
    recordings = list(folder.glob("reports/ended/evidence/*/recording.jsonl"))
    return any(event.kind == "fault.injected" for recording in recordings for event in read_events(recording))
