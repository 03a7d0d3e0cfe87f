"""Whether anybody would have been called."""

from __future__ import annotations

from pytest_bdd import parsers, then

from drill.conduct import expect, scenario
from drill.conduct.drill import Drill


@then(parsers.parse(scenario.FIRES))
def alert_fires(drill: Drill, alert: str, minutes: float) -> None:
    expect.fires(drill.verdict, alert, 60 * minutes)


@then(parsers.parse(scenario.EARLIEST))
def alert_fires_at_the_earliest(drill: Drill, alert: str, minutes: float) -> None:
    expect.fires(drill.verdict, alert, after_seconds=60 * minutes)


@then(scenario.SILENT)
def no_alert_fires(drill: Drill) -> None:
    expect.hold(drill.verdict, ["quiet"])


@then(parsers.parse(scenario.ONLY))
def only_the_alerts_fire(drill: Drill, alerts: str) -> None:
    expect.only_fire(drill.verdict, scenario.quoted(alerts))


@then(parsers.parse(scenario.LEADS))
def alert_leads_to(drill: Drill, alert: str, section: str) -> None:
    expect.leads_to(drill.verdict, alert, section)
