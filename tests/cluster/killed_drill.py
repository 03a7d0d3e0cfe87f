"""A drill to be killed: `python killed_drill.py FAULT FOLDER SECONDS` opens, injects, witnesses, holds for so
long, puts back. Started by test_kills.py."""

from __future__ import annotations

import sys
from pathlib import Path

from drill import settings as target_settings
from drill import wait
from drill.cluster.access import connect
from drill.inject import Injection
from drill.putback import close_drill, open_drill
from drill.recording import Recorder
from drill.recording.events import DrillFinished


def main(fault: str, folder: Path, hold_seconds: float) -> None:
    settings = target_settings.load(Path(__file__).parents[2] / "drill.toml")
    recorder = Recorder(folder / "recording.jsonl")
    cluster = connect(settings)
    open_drill(settings, cluster)
    injection = Injection(settings, cluster, fault, folder, recorder)
    injection.start()
    injection.wait_until_announced()
    injection.inject()
    injection.wait_until_effective()
    wait.pause(hold_seconds)
    injection.undo()
    injection.wait_until_undone()
    close_drill(settings, cluster)
    recorder.record(DrillFinished())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
