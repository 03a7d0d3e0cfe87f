"""Whether and when users are served again."""

from __future__ import annotations

from pytest_bdd import parsers, then, when

from drill.conduct import expect
from drill.conduct.drill import Drill


@when("nobody acts")
def nobody_acts(drill: Drill) -> None:
    drill.wait_until_restored()


@when("the platform has had its time to heal")
def platform_heals(drill: Drill) -> None:
    drill.wait_until_restored()


@then(parsers.parse("the service is restored within the response time of {severity}"))
def restored_in_time(drill: Drill, severity: str) -> None:
    assert drill.verdict.severity == severity, (
        f"the scenario is tagged {drill.verdict.severity or 'with no severity'}, its step says {severity}"
    )
    expect.hold(drill.verdict, ["restored"])


@then("the service stays out")
def stays_out(drill: Drill) -> None:
    expect.not_restored(drill.verdict)
