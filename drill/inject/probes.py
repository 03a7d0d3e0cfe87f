"""The steady state of every experiment: True, or False with a log line that says what was last seen.

One connection that is reset says nothing about a target; how users were served before the injection is what
the load records.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from drill import wait
from drill.cluster.health import Health, health_answer
from drill.errors import DeadlineError
from drill.inject.activities import target
from drill.parts.health import parts_health

WELL_SECONDS = 15

_log = logging.getLogger("chaostoolkit")


def health_answers() -> bool:
    """The health path answers 200 where users enter, within 15 s."""
    settings, _ = target()
    return _becomes_well("health", lambda: health_answer(settings))


def parts_are_well() -> bool:
    """Every part that the target has says that it is well, within 15 s."""
    settings, cluster = target()
    return _becomes_well("parts", lambda: parts_health(cluster, settings))


def _becomes_well(what: str, look: Callable[[], Health]) -> bool:
    try:
        seen = wait.until(f"{what} to be well", look, lambda health: health.healthy, seconds=WELL_SECONDS)
    except DeadlineError as error:
        _log.info("%s", error)
        return False
    _log.info("%s: %s", what, seen.observed or "the target describes none")
    return True
