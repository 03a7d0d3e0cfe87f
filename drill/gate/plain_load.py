"""Users of a target to which nothing is done. Flows in: a folder, seconds. Flows out: requests and samples of
that time, in the folder.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple, Protocol

from drill import wait
from drill.load.process import Load
from drill.observe.sampler import Sampler
from drill.recording import RECORDING, Recorder
from drill.settings import Settings

WARM_SECONDS = 2.0
"""New pods open their connections, and those that were replaced end: nothing is counted yet."""
LATE_SECONDS = 30.0


class Driven(NamedTuple):
    """[start, end): monotonic seconds, as long as was asked for."""

    start: float
    end: float


class Drive(Protocol):
    """What sends load for so many seconds, and records it in `folder`."""

    def __call__(self, settings: Settings, folder: Path, seconds: float, allow_context: str | None) -> Driven:
        """Raises SetupError where the load cannot be sent, or ends by itself."""


def drive_load(settings: Settings, folder: Path, seconds: float, allow_context: str | None) -> Driven:
    """The load of drill.toml; see `Drive`. The time before users have arrived comes on top."""
    recorder = Recorder(folder / RECORDING)
    try:
        with (
            Sampler(settings, recorder, allow_context=allow_context),
            Load(settings, folder, recorder) as load,
        ):
            start = time.monotonic() + WARM_SECONDS

            def look() -> float:
                load.check()
                return time.monotonic()

            wait.until(
                "the turns of load to end",
                look,
                lambda moment: moment >= start + seconds,
                seconds=WARM_SECONDS + seconds + LATE_SECONDS,
                every_seconds=0.1,
            )
        return Driven(start, start + seconds)
    finally:
        recorder.close()
