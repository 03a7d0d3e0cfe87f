"""The operator of a drill: follows the runbook's blocks, one or several; what they leave running ends with
the drill."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from drill.cluster.identity import ensure_identity, has_own_identity
from drill.conduct.book import step_at
from drill.conduct.scene import Scene
from drill.conduct.status_page import StatusPage
from drill.conduct.world import with_status_page, world_of
from drill.errors import UsageError
from drill.judge.case import LOOK, RECORDING
from drill.machine.operator_tools import ensure_called
from drill.operate import Operator
from drill.recording import Moment, Recorder, now
from drill.runbook import Runbook


class Acting:
    """`started`: the moment before the first command; `finished`: when the last procedure had ended,
    monotonic seconds; None while nobody acted."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._files = scene.folder / "operator-files"
        self._operator: Operator | None = None
        self._page: StatusPage | None = None
        self.started: Moment | None = None
        self.finished: float | None = None

    def check(self) -> None:
        """What would be refused later is refused now, before anything is broken; the operator's identity is
        renewed if the cluster does not know it any more. What the operator will call, and drill can make, is
        made, before anything is measured."""
        if has_own_identity(self._scene.cluster.context):
            ensure_identity(self._scene.cluster)
        ensure_called(
            self._scene.settings.operator.tools,
            list(self._blocks()),
            lambda doing: self._scene.show("tools", doing),
        )
        self._present().check()

    def _blocks(self) -> Iterator[str]:
        """Every block that the scenario has the operator follow, or look at."""
        book, facts = self._scene.book, self._scene.facts
        for place in (*facts.procedures, *facts.looks):
            yield step_at(book.as_written if place.as_written else book.corrected, place.place).text

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
        self.close()
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
        hung = settings.judge.command_hung_seconds
        return Operator(settings, evidence, recorder, world, longest_command_seconds=hung)

    def running(self) -> bool:
        """True while something that a procedure left in the background, and that ends by itself, still
        runs.
        """
        return self._operator is not None and self._operator.running()

    def close(self) -> None:
        """End what the procedures left running."""
        if self._operator is not None:
            self._operator.close()
            self._operator = None
        if self._page is not None:
            self._page.close()
            self._page = None
