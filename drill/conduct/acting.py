"""The operator of a drill: follows the runbook's blocks, one or several; what they leave running ends with
the drill. So does the emulator that answers `aws`, where a block calls it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from drill.cluster.identity import ensure_identity, has_own_identity
from drill.conduct.book import step_at
from drill.conduct.cloud import EmulatedCloud, with_cloud
from drill.conduct.scene import Scene
from drill.conduct.status_page import StatusPage
from drill.conduct.world import with_status_page, world_of
from drill.errors import ToolMissingError, UsageError
from drill.judge.case import LOOK
from drill.judge.emulated import CLOUD_TOOL
from drill.machine.cloud_tools import ensure_cloud_tools
from drill.machine.operator_tools import ensure_called
from drill.operate import Operator
from drill.programs import calls
from drill.recording import RECORDING, Moment, Recorder, now
from drill.recording.events import CloudBegun
from drill.runbook import Runbook


class Acting:
    """`started`: the moment before the first command; `finished`: when the last procedure had ended,
    monotonic seconds; None while nobody acted."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._files = scene.folder / "operator-files"
        self._operator: Operator | None = None
        self._page: StatusPage | None = None
        self._cloud: EmulatedCloud | None = None
        self.started: Moment | None = None
        self.finished: float | None = None

    def check(self) -> None:
        """What would be refused later is refused now, before anything is broken; the operator's identity is
        renewed if the cluster does not know it any more. What the operator will call is made and begun, where
        drill can do so, before anything is measured."""
        if has_own_identity(self._scene.cluster.context):
            ensure_identity(self._scene.cluster)
        ensure_called(
            self._scene.settings.operator.tools,
            self._blocks(),
            lambda doing: self._scene.show("tools", doing),
        )
        self._begin_cloud()
        self._present().check()

    def _blocks(self) -> list[str]:
        """Every block that the scenario has the operator follow, or look at."""
        facts = self._scene.facts
        return [self._scene.book.step(place).text for place in (*facts.procedures, *facts.looks)]

    def _begin_cloud(self) -> None:
        """Start what answers `aws`, where a block of this drill calls it and drill.toml says what it holds.
        Where it cannot be installed, `aws` is a missing tool, and the recording says why."""
        scene = self._scene
        holds = scene.settings.cloud
        if holds is None or not any(calls(block, CLOUD_TOOL) for block in self._blocks()):
            return
        scene.show("health gate", "an emulator of AWS")
        try:
            tools = ensure_cloud_tools()
        except ToolMissingError as error:
            scene.recorder.record(CloudBegun("", "", str(error)))
            return
        self._cloud = EmulatedCloud(holds, tools)
        scene.recorder.record(CloudBegun(tools.emulator, tools.client))

    def file(self, name: str) -> Path:
        """Where a file goes that the operator shall have in the working folder as `name`."""
        path = self._files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def open_status_page(self, token: str) -> None:
        """A status page of this drill's own, which takes updates with that token, where the runbook's name
        leads the operator. Before anybody acts."""
        host = self._scene.settings.communication.status_page
        if self.started is not None or host is None:
            raise UsageError(
                "the status page: expected [communication] status_page, and nobody to act before"
            )
        self._end_operator()
        self._page = StatusPage(host, token, self._scene.recorder.record)

    def follow(self, runbook: Runbook, place: str, bindings: Mapping[str, str]) -> None:
        """Carry out the block at `place`, word for word."""
        scene = self._scene
        step = step_at(runbook, place)
        scene.show("procedure", place)
        operator = self._present()
        self.started = self.started or now()
        operator.follow(place, [step], bindings)
        self.finished = time.monotonic()

    def look(self, runbook: Runbook, place: str, bindings: Mapping[str, str]) -> None:
        """Carry out the block at `place` on the healthy target, in a recording of its own. Nothing that it
        leaves running is there when the target is broken."""
        scene = self._scene
        scene.show("look", place)
        recorder = Recorder(scene.folder / LOOK / RECORDING)
        try:
            with self._operator_of(scene.folder / LOOK, recorder) as operator:
                operator.follow(place, [step_at(runbook, place)], bindings)
        finally:
            recorder.close()

    def _present(self) -> Operator:
        """The operator, whose world was made when asked for first: later the target may be in no state to be
        asked.
        """
        if self._operator is None:
            self._operator = self._operator_of(self._scene.folder, self._scene.recorder)
        return self._operator

    def _operator_of(self, evidence: Path, recorder: Recorder) -> Operator:
        settings = self._scene.settings
        world = world_of(settings, self._files, self._scene.cluster)
        if self._page is not None:
            world = with_status_page(world, self._page)
        if self._cloud is not None:
            world = with_cloud(world, self._cloud)
        hung = settings.judge.command_hung_seconds
        return Operator(settings, evidence, recorder, world, longest_command_seconds=hung)

    def running(self) -> bool:
        """True while something that a procedure left in the background, and that ends by itself, still
        runs.
        """
        return self._operator is not None and self._operator.running()

    def close(self) -> None:
        """End what the procedures left running, and who answered them."""
        self._end_operator()
        if self._cloud is not None:
            self._cloud.close()
            self._cloud = None

    def _end_operator(self) -> None:
        """Him, and the page that he tells."""
        if self._operator is not None:
            self._operator.close()
            self._operator = None
        if self._page is not None:
            self._page.close()
            self._page = None
