"""The steady state of every experiment: True, or False with a log line that says what was seen."""

from __future__ import annotations

import logging

from drill.cluster.health import health_answer
from drill.inject.activities import target
from drill.parts.health import parts_health

_log = logging.getLogger("chaostoolkit")


def health_answers() -> bool:
    """The health path answers 200 where users enter."""
    settings, _ = target()
    seen = health_answer(settings)
    _log.info("health: %s", seen.observed)
    return seen.healthy


def parts_are_well() -> bool:
    """Every part that the target has says that it is well."""
    settings, cluster = target()
    seen = parts_health(cluster, settings)
    _log.info("parts: %s", seen.observed or "the target describes none")
    return seen.healthy
