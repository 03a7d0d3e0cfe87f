"""What drill.toml says of the operator's commands reaches the operator."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from drill.conduct.acting import Acting
from drill.recording import Recorder
from drill.settings import load

ROOT = Path(__file__).parents[3]
HUNG_SECONDS = 7.0


def test_a_command_hangs_after_the_time_that_drill_toml_says(tmp_path: Path) -> None:
    settings = load(ROOT / "tests" / "second_service" / "drill.toml")
    judge = settings.judge.model_copy(update={"command_hung_seconds": HUNG_SECONDS})
    scene: Any = SimpleNamespace(
        settings=settings.model_copy(update={"judge": judge}),
        cluster=None,
        folder=tmp_path,
        recorder=Recorder(tmp_path / "recording.jsonl"),
    )
    assert Acting(scene)._present().longest_command_seconds == HUNG_SECONDS
    scene.recorder.close()
