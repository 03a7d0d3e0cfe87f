"""The users of a drill: the load, what it sees while it runs, and the samples taken meanwhile."""

from __future__ import annotations

import time

from drill import wait
from drill.conduct.scene import Scene
from drill.errors import DeadlineError, SetupError
from drill.load.process import Load
from drill.observe.sampler import MetricsListener, Sampler
from drill.recording.events import WindowOpened

LOOK_EVERY_SECONDS = 0.1
NORMAL_SECONDS = 30


class Users:
    """They are called early (`begin`), since they take more than a second to come, and leave at `stop`."""

    def __init__(self, scene: Scene, listener: MetricsListener | None = None) -> None:
        """`listener`: who else wants each look at the metrics."""
        self._scene, self._listener = scene, listener
        self._load: Load | None = None
        self._sampler: Sampler | None = None

    @property
    def there(self) -> bool:
        """True from `begin` to `stop`."""
        return self._load is not None

    def begin(self) -> None:
        """Start the load's process, without waiting for it."""
        if self._load is None:
            self._load = Load(self._scene.settings, self._scene.folder, self._scene.recorder)
            self._load.begin()

    def see_served(self) -> None:
        """Users come, and are served within the limits for a while: the window before. Raises SetupError."""
        self.begin()
        scene = self._scene
        scene.show("load", "the first requests")
        if self._load is not None:
            self._load.wait_until_arrived()
        self._sampler = Sampler(
            scene.settings, scene.recorder, allow_context=scene.allow_context, listener=self._listener
        )
        self._sampler.start()
        scene.recorder.record(WindowOpened("before"))
        started, before = time.monotonic(), scene.settings.judge.before_seconds
        try:
            wait.until(
                f"{before:g} s in which users are served within the limits",
                lambda: self.served_since(started, before),
                lambda since: since is not None,
                seconds=NORMAL_SECONDS,
                every_seconds=LOOK_EVERY_SECONDS,
            )
        except DeadlineError as error:
            raise SetupError(
                f"{error}; the service did not hold its own limits before anything was broken"
            ) from error

    def go_on(self, seconds: float) -> None:
        """They are there for so long. Raises SetupError where the load ended by itself."""
        scene, ends = self._scene, time.monotonic() + seconds

        def left() -> float:
            self.check()
            scene.show("before", "users to be compared with those after")
            return ends - time.monotonic()

        wait.until(
            f"{seconds:g} s of users",
            left,
            lambda more: more <= 0,
            seconds=seconds + NORMAL_SECONDS,
            every_seconds=LOOK_EVERY_SECONDS,
        )

    def served_since(self, moment: float, hold_seconds: float) -> float | None:
        """Since when, at or after `moment` (monotonic seconds), users have been served within the limits for
        `hold_seconds`; None while they have not."""
        scene = self._scene
        self.check()
        scene.tail.poll()
        return scene.tail.recovered_since(moment, hold_seconds, scene.limits, calibration=scene.calibration)

    def window_opens(self, moment: float, done: float) -> float | None:
        """When the window after opens for users who were disturbed at `moment` and an operator who was `done`
        then (monotonic seconds); None while they are not served within the limits."""
        scene = self._scene
        self.check()
        scene.tail.poll()
        hold_seconds = scene.settings.judge.hold_seconds
        return scene.tail.window_opens(
            moment, done, hold_seconds, scene.limits, calibration=scene.calibration
        )

    def check(self) -> None:
        """Raise SetupError where the load ended by itself."""
        if self._load is not None:
            self._load.check()

    def expect_progress(self) -> None:
        """From now on the sampler records what in the cluster is on its way."""
        if self._sampler is not None:
            self._sampler.follow_progress()

    def served_again(self) -> None:
        """What is watched closely while users may be out need not be any more."""
        if self._sampler is not None:
            self._sampler.look_less_closely()

    def on_its_way(self) -> list[str] | None:
        """What in the cluster is still on its way, by the last look; None while nobody looked."""
        return self._sampler.on_its_way if self._sampler is not None else None

    def stop(self) -> None:
        """They leave. May be called again."""
        if self._sampler is not None:
            self._sampler.stop()
            self._sampler = None
        if self._load is not None:
            self._load.stop()
            self._load = None
