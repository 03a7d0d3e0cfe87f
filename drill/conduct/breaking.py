"""The faults of a drill: one or several, each broken, witnessed and, at the end, put back."""

from __future__ import annotations

import time

from drill.conduct.scene import Scene
from drill.errors import DrillError, UsageError
from drill.inject.injection import SLOW_SECONDS, Injection
from drill.recording import Event
from drill.recording.events import WindowClosed, WindowOpened


class Breaking:
    """Experiments are started early (`prepare`), since each takes seconds until it stands ready."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._injections: dict[str, Injection] = {}
        self.injected: list[Event] = []
        self.settled = 0.0
        """When the last fault had shown itself, monotonic seconds."""

    def prepare(self, faults: tuple[str, ...]) -> None:
        """Start the experiments of these faults; nothing is broken yet."""
        for fault in faults:
            if fault not in self._injections:
                scene = self._scene
                slow = scene.limits.get("response_time")
                injection = Injection(
                    scene.settings,
                    scene.cluster,
                    fault,
                    scene.folder,
                    scene.recorder,
                    users=scene.tail,
                    slow_seconds=slow.value if slow is not None else SLOW_SECONDS,
                    allow_context=scene.allow_context,
                )
                self._injections[fault] = injection
                injection.start()

    def take_effect(self, fault: str) -> None:
        """Inject a fault and see it witnessed. Raises FaultError when it cannot be injected or has no
        effect.
        """
        scene = self._scene
        self.prepare((fault,))
        scene.show("fault", f"{fault} to be announced")
        injection = self._injections[fault]
        injection.wait_until_announced()
        if not self.injected:
            scene.recorder.record(WindowClosed("before"))
            scene.recorder.record(WindowOpened("fault"))
        self.injected.append(injection.inject())
        scene.show("fault", f"the witness of {fault}")
        injection.wait_until_effective()
        self.settled = time.monotonic()
        if len(self.injected) == 1:
            scene.recorder.record(WindowClosed("fault"))
            scene.recorder.record(WindowOpened("recovery"))

    @property
    def began(self) -> float:
        """When the first fault was injected, monotonic seconds. Raises UsageError while none was."""
        if not self.injected:
            raise UsageError(
                "recovery is watched after a fault has taken effect: the scenario names none before"
            )
        return self.injected[0].monotonic

    def undo(self) -> list[str]:
        """Let every experiment undo its fault, and wait for all of them; what could not be done."""
        troubles = []
        if self._injections:
            self._scene.show("undo", f"{', '.join(self._injections)} to be put back")
        # the last broken is put back first, since a later fault may stand on an earlier one
        waiting = list(reversed(self._injections.values()))
        for injection in waiting:
            injection.undo()
        for injection in waiting:
            try:
                injection.wait_until_undone()
            except DrillError as error:
                troubles.append(str(error))
        return troubles
