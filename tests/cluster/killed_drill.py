"""A drill to be killed: `python killed_drill.py FAULT FOLDER` injects, witnesses, holds a while, undoes.
Started by test_kills.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

from drill import settings as target_settings
from drill import wait
from drill.cluster.access import connect
from drill.inject import Injection
from drill.recording import Recorder

HOLD_SECONDS = 1.0


def main(fault: str, folder: Path) -> None:
    settings = target_settings.load(Path(__file__).parents[2] / "drill.toml")
    recorder = Recorder(folder / "recording.jsonl")
    injection = Injection(settings, connect(settings), fault, folder, recorder)
    injection.announce()
    injection.inject()
    injection.wait_until_effective()
    wait.pause(HOLD_SECONDS)
    injection.undo()
    injection.wait_until_undone()
    recorder.record("drill.finished")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
