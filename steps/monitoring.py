"""Who is called by the target's own monitoring."""

from __future__ import annotations

from pytest_bdd import parsers, when

from drill.conduct import scenario
from drill.conduct.drill import Drill


@when(parsers.parse(scenario.CALLED))
def alert_has_called(drill: Drill, alert: str) -> None:
    drill.wait_until_called(alert)
