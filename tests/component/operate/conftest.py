"""An operator with a real bash and a kubeconfig that leads nowhere; steps come from a runbook written for the
test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from drill.operate import Operator, World
from drill.recording import Recorder, read_events
from drill.recording.events import Data
from drill.runbook import Step, parse
from drill.settings import Settings, load

ROOT = Path(__file__).parents[3]
Kind = TypeVar("Kind", bound=Data)
FIRST_LINE = 4
"""Of a step's text in the test's runbook."""


class Place:
    """What a test needs: `step` makes a step of a text, `operator` follows it, `events` reads what was
    recorded.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.kubeconfig = folder / "kubeconfig"
        self.write_kubeconfig(settings.target.context)
        self.operators: list[Operator] = []
        self.recorder = Recorder(folder / "evidence" / "recording.jsonl")

    def write_kubeconfig(self, *contexts: str) -> None:
        entries = ", ".join(f"{{name: {name}, context: {{cluster: none, user: none}}}}" for name in contexts)
        self.kubeconfig.write_text(
            f"current-context: {contexts[0]}\ncontexts: [{entries}]\n", encoding="utf-8"
        )

    def step(self, text: str) -> Step:
        path = self.folder / "runbook.md"
        path.write_text(f"# Procedure\n\n```bash\n{text.rstrip()}\n```\n", encoding="utf-8")
        return parse(path).step("Procedure")

    def operator(
        self,
        world: World | None = None,
        *,
        longest_command_seconds: float = 20.0,
        longest_step_seconds: float = 60.0,
    ) -> Operator:
        operator = Operator(
            self.settings,
            self.folder / "evidence",
            self.recorder,
            world or World(kubeconfig=self.kubeconfig),
            longest_command_seconds=longest_command_seconds,
            longest_step_seconds=longest_step_seconds,
        )
        self.operators.append(operator)
        return operator

    def events(self, kind: type[Kind]) -> list[Kind]:
        """The data of all events of that kind so far."""
        return [event.data for event in read_events(self.recorder.path) if isinstance(event.data, kind)]

    def close(self) -> None:
        for operator in self.operators:
            operator.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    settings = load(ROOT / "drill.toml")
    judge = settings.judge.model_copy(update={"command_seconds": 0.5})
    place = Place(tmp_path, settings.model_copy(update={"judge": judge}))
    yield place
    place.close()


@pytest.fixture
def run(place: Place) -> Callable[[str], list[tuple[int, str, int]]]:
    """Run a text; the (line of the text, command, status) of each command."""

    def follow(text: str) -> list[tuple[int, str, int]]:
        result = place.operator().follow("Procedure", [place.step(text)])
        return [(command.line - FIRST_LINE + 1, command.text, command.status) for command in result.commands]

    return follow
