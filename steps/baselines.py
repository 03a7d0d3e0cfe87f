"""The runbook's performance baselines, in the window after."""

from __future__ import annotations

from pytest_bdd import then

from drill.conduct import expect
from drill.conduct.drill import Drill


@then("the performance baselines hold afterwards")
def baselines_hold(drill: Drill) -> None:
    expect.hold(drill.verdict, expect.BASELINES)


@then("the procedure does no harm to users")
def no_harm(drill: Drill) -> None:
    expect.hold(drill.verdict, ["harm"])
