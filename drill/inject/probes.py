"""What experiments/*.yaml name as probes of their steady state. Flows in: the target's file. Flows out: True,
or False with a log line that says what was seen.
"""

from __future__ import annotations

import logging

from drill.cluster.health import database_integrity, health_answer
from drill.inject.activities import target_of

_log = logging.getLogger("chaostoolkit")


def health_answers(target: str) -> bool:
    """The health path answers 200 where users enter."""
    settings, _ = target_of(target)
    seen = health_answer(settings)
    _log.info("health: %s", seen.observed)
    return seen.healthy


def database_is_readable(target: str) -> bool:
    """The database passes its own integrity check; True as well where the target has none."""
    settings, cluster = target_of(target)
    if settings.lacks("database"):
        _log.info("database: the target describes none")
        return True
    seen = database_integrity(cluster, settings)
    _log.info("database: %s, tables %s", seen.integrity, ", ".join(seen.tables))
    return seen.sound
