"""What drill.toml says of the operator's commands reaches the operator, and so does what is handed over."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from drill.conduct.acting import Acting
from drill.conduct.drill import Drill
from drill.conduct.world import QUIET
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


def test_files_and_folders_are_handed_over_into_one_another(tmp_path: Path) -> None:
    settings = load(ROOT / "drill.toml")
    scene: Any = SimpleNamespace(settings=settings, folder=tmp_path)
    drill: Any = SimpleNamespace(_scene=scene, _acting=Acting(scene))
    Drill.hand_over(drill, "features/held/last-applied.tfstate", "terraform/terraform.tfstate")
    Drill.hand_over(drill, "novel_engine/terraform", "terraform")
    Drill.hand_over(drill, "features/held/another-service.tf", "main.tf")
    held = tmp_path / "operator-files"
    for name, source in [
        ("terraform/main.tf", "novel_engine/terraform/main.tf"),
        ("terraform/terraform.tfstate", "features/held/last-applied.tfstate"),
        ("main.tf", "features/held/another-service.tf"),
    ]:
        assert (held / name).read_bytes() == (ROOT / source).read_bytes()


def test_the_operator_s_programs_ask_nobody_for_news(tmp_path: Path) -> None:
    settings = load(ROOT / "tests" / "second_service" / "drill.toml")
    scene: Any = SimpleNamespace(
        settings=settings, cluster=None, folder=tmp_path, recorder=Recorder(tmp_path / "recording.jsonl")
    )
    assert Acting(scene)._present().world.variables == QUIET == {"CHECKPOINT_DISABLE": "1"}
    scene.recorder.close()
