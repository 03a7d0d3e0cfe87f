"""A drill to be killed: `python killed_drill.py FAULT FOLDER SECONDS` opens, injects, witnesses, holds for so
long, or until the file `let-go` is in FOLDER, puts back. Started by test_kills.py."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from random_kills import LET_GO

from drill import settings as target_settings
from drill import wait
from drill.cluster.access import connect
from drill.inject import Injection
from drill.inject.experiment import experiment_of
from drill.load.process import Load
from drill.putback import close_drill, open_drill
from drill.recording import Recorder
from drill.recording.events import DrillFinished
from drill.settings import Settings


def main(fault: str, folder: Path, hold_seconds: float) -> None:
    settings = target_settings.load(Path(__file__).parents[2] / "drill.toml")
    recorder = Recorder(folder / "recording.jsonl")
    cluster = connect(settings)
    open_drill(settings, cluster)
    injection = Injection(settings, cluster, fault, folder, recorder)
    with users(settings, folder, recorder, fault):
        injection.start()
        injection.wait_until_announced()
        injection.inject()
        injection.wait_until_effective()
        held_until = time.monotonic() + hold_seconds
        wait.until(
            "the end of the hold",
            lambda: (folder / LET_GO).exists() or time.monotonic() >= held_until,
            seconds=hold_seconds + 60,
            every_seconds=0.05,
        )
    injection.undo()
    injection.wait_until_undone()
    close_drill(settings, cluster)
    recorder.record(DrillFinished())


def users(settings: Settings, folder: Path, recorder: Recorder, fault: str) -> AbstractContextManager[object]:
    """Load under the faults that make slow: a container that has nothing to do is not held back."""
    slow = experiment_of(settings, fault).felt == "slow"
    return Load(settings, folder, recorder) if slow else nullcontext()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
