"""What drill.toml says of the operator's commands reaches the operator, and so does what is handed over; and
whether a drill has `aws` answered."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drill.conduct import acting
from drill.conduct.acting import Acting
from drill.conduct.book import Book
from drill.conduct.drill import Drill
from drill.conduct.scenario import Place
from drill.conduct.world import QUIET
from drill.errors import ToolMissingError
from drill.programs import calls as called
from drill.recording import Recorder, read_events
from drill.recording.events import CloudBegun
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


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("kubectl get nodes\naws eks list-clusters", True),
        ("if ! timeout 5 aws eks list-clusters; then exit 1; fi", True),
        ("x=$(aws sts get-caller-identity)", True),
        ("# aws eks list-clusters\nkubectl get nodes", False),
        ("# Review AWS costs\nkubectl get pvc", False),
        ("curl https://aws.amazon.com/ && cat ~/.aws/config", False),
        ("./aws-costs --last", False),
    ],
)
def test_a_block_calls_aws_or_does_not(text: str, calls: bool) -> None:
    assert called(text, "aws") == calls


def begun(tmp_path: Path, place: str, *, look: bool = False, described: bool = True) -> list[CloudBegun]:
    """What the recording says of the cloud once the drill of that place has begun."""
    settings = load(ROOT / "drill.toml")
    if not described:
        settings = settings.model_copy(update={"cloud": None})
    places = (Place(place, False, {}),)
    scene: Any = SimpleNamespace(
        settings=settings,
        book=Book(settings),
        facts=SimpleNamespace(procedures=() if look else places, looks=places if look else ()),
        folder=tmp_path,
        recorder=Recorder(tmp_path / "recording.jsonl"),
        show=lambda phase, awaiting: None,
    )
    Acting(scene)._begin_cloud()
    scene.recorder.close()
    events = read_events(scene.recorder.path) if scene.recorder.path.exists() else []
    return [event.data for event in events if isinstance(event.data, CloudBegun)]


def test_only_a_drill_that_calls_aws_needs_it_and_says_why_it_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse() -> None:
        asked.append(True)
        raise ToolMissingError("no network")

    monkeypatch.setattr(acting, "ensure_cloud_tools", refuse)
    steps = "Service Completely Down / Investigation Steps"
    assert begun(tmp_path / "a", "Service Completely Down / Immediate Actions") == []
    assert begun(tmp_path / "b", f"{steps} / # Check load balancer") == []
    assert begun(tmp_path / "c", steps, described=False) == []
    assert not asked
    assert begun(tmp_path / "d", steps) == [CloudBegun("", "", "no network")]
    assert begun(tmp_path / "e", steps, look=True) == [CloudBegun("", "", "no network")]
