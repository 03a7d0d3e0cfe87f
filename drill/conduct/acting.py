"""The operator of a drill: follows the runbook's blocks, one or several; what they leave running ends with the
drill."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from drill.conduct.book import step_at
from drill.conduct.scene import Scene
from drill.conduct.world import world_of
from drill.operate import Operator


class Acting:
    """`finished`: when the last procedure had ended, monotonic seconds, None while nobody acted."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._files = scene.folder / "operator-files"
        self._operator: Operator | None = None
        self.finished: float | None = None

    def check(self) -> None:
        """Everything that would be refused later is refused now: before anything is broken."""
        self._made().check()

    def hold(self, name: str) -> Path:
        """Where a file goes that the operator shall have in the working folder as `name`."""
        self._files.mkdir(parents=True, exist_ok=True)
        return self._files / name

    def follow(self, place: str, bindings: Mapping[str, str], *, as_written: bool) -> None:
        """Carry out the block at `place`, word for word, of the corrected runbook or the one as first written."""
        scene = self._scene
        runbook = scene.book.as_written if as_written else scene.book.corrected
        step = step_at(runbook, place)
        scene.show("procedure", place)
        self._made().follow(place, [step], bindings)
        self.finished = time.monotonic()

    def close(self) -> None:
        """End what the procedures left running."""
        if self._operator is not None:
            self._operator.close()
            self._operator = None

    def _made(self) -> Operator:
        if self._operator is None:
            scene = self._scene
            world = world_of(scene.settings, self._files)
            self._operator = Operator(scene.settings, scene.folder, scene.recorder, world)
        return self._operator
