"""Watching users until they are served again, for good, and through the window after."""

from __future__ import annotations

import time

from drill import wait
from drill.conduct.acting import Acting
from drill.conduct.breaking import Breaking
from drill.conduct.patience import QUIET_SECONDS, Patience
from drill.conduct.scene import Scene
from drill.conduct.users import Users
from drill.recording import Moment, now
from drill.recording.events import WindowClosed, WindowOpened

LOOK_EVERY_SECONDS = 0.2
# the last slots' records come a timeout and a flush later than they were planned
LATE_SECONDS = 0.5


class Watching:
    """Steers how long to look; what was seen is judged later, from the recording."""

    def __init__(self, scene: Scene, users: Users, breaking: Breaking, acting: Acting) -> None:
        self._scene, self._users, self._breaking, self._acting = scene, users, breaking, acting

    def until_recovered(self, seconds: float, awaited: str) -> float | None:
        """Watch until users are served again, the time is up, or nothing is on its way any more; since when
        they are served (monotonic seconds), or None. `seconds`: patience after the last one acted."""
        patience = self._patience(seconds)
        self._users.expect_progress()
        recovered: float | None = None
        moved = time.monotonic()

        def look() -> bool:
            nonlocal recovered, moved
            self._scene.show("recovery", awaited)
            recovered = self._recovered()
            if recovered is not None:
                return True
            if self._users.on_its_way() != []:
                moved = time.monotonic()
            return patience.at(time.monotonic(), moved) != "watch on"

        bound = patience.latest - time.monotonic() + 30
        wait.until(awaited, look, seconds=max(30.0, bound), every_seconds=LOOK_EVERY_SECONDS)
        return recovered

    def window_after(self, recovered: float) -> None:
        """See the window after through, as long as it takes to decide. Where users are lost again, watch on
        until they are served for good or the longest window has passed."""
        judging = self._scene.settings.judge
        began = max(recovered, self._acting.finished or recovered)
        self._users.served_again()
        self._scene.recorder.record(WindowClosed("recovery"), at=_at(began))
        self._scene.recorder.record(WindowOpened("after"), at=_at(began))
        latest = began + judging.hold_seconds + judging.after_at_most_seconds
        patience = judging.patience_seconds + self._scene.settings.load.timeout_seconds + QUIET_SECONDS
        busy = began
        lost: float | None = None

        def look() -> bool:
            nonlocal busy, lost
            self._scene.show("after", "the window after to be long enough")
            moment = time.monotonic()
            opened = self._users.window_opens(self._disturbed(), began)
            if opened is None:
                lost = moment if lost is None else lost
                return moment >= max(latest, lost + patience)
            lost = None
            if self._acting.running():
                busy = moment  # what the operator left in the background may still undo the repair
            quiet = moment >= busy + judging.hold_seconds
            enough = quiet and moment >= opened + judging.after_seconds
            return moment >= latest or (enough and self._decided(opened))

        bound = latest + patience - time.monotonic() + 30
        wait.until("the end of the window after", look, seconds=bound, every_seconds=LOOK_EVERY_SECONDS)
        self._scene.recorder.record(WindowClosed("after"))

    def _decided(self, opened: float) -> bool:
        scene = self._scene
        least = scene.settings.judge.after_seconds
        return scene.tail.decided(opened, least, scene.limits, calibration=scene.calibration)

    def _disturbed(self) -> float:
        return self._breaking.began if self._breaking.injected else self._acting.finished or 0.0

    def _recovered(self) -> float | None:
        return self._users.served_since(self._disturbed(), self._scene.settings.judge.hold_seconds)

    def _patience(self, seconds: float) -> Patience:
        judging, began = self._scene.settings.judge, self._breaking.began
        since = self._acting.finished if self._acting.finished is not None else self._breaking.settled
        limit = self._scene.limits.get("recovered")
        return Patience(
            since=since + self._scene.settings.load.timeout_seconds + LATE_SECONDS,
            seconds=seconds,
            limit=began + limit.value if limit else float("inf"),
            latest=since + max(seconds, judging.watch_at_most_seconds),
        )


def _at(moment: float) -> Moment:
    """A monotonic moment of the recent past, as the recording carries moments."""
    present = now()
    return Moment(wall=present.wall - (present.monotonic - moment), monotonic=moment)
