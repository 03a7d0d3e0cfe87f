"""Whether and when users are served again."""

from __future__ import annotations

from pytest_bdd import parsers, then, when

from drill.conduct import expect, scenario
from drill.conduct.drill import Drill


@when(scenario.NOBODY)
def nobody_acts(drill: Drill) -> None:
    drill.wait_until_recovered()


@when(scenario.HEALS)
def platform_heals(drill: Drill) -> None:
    drill.wait_until_recovered()


@then(parsers.parse(scenario.RECOVERS))
def recovers_in_time(drill: Drill, severity: str) -> None:
    expect.recovers(drill.verdict, severity)


@then(scenario.LEAVES)
@then(parsers.parse(scenario.LEAVES_BUT))
def nothing_left(drill: Drill) -> None:
    expect.hold(drill.verdict, ["left_behind"])


@then("the service stays out")
def stays_out(drill: Drill) -> None:
    expect.stays_out(drill.verdict)


@then("the service does not stay up")
def does_not_stay_up(drill: Drill) -> None:
    expect.does_not_stay_up(drill.verdict)
