"""To whom a repair is owed."""

from __future__ import annotations

from pytest_bdd import parsers, then

from drill.conduct import expect
from drill.conduct.drill import Drill
from drill.conduct.run import Run
from drill.conduct.scenario import CREDIT


@then(parsers.parse(CREDIT))
def credit_in(drill: Drill, run: Run, scenario: str, credit: str) -> None:
    drill.add_to(run)
    expect.credited(run.of(scenario), scenario, credit)


@then("the platform healed it before the operator acted")
def platform_healed(drill: Drill, run: Run) -> None:
    drill.add_to(run)
    expect.credited(run.of(drill.facts.scenario), drill.facts.scenario, "platform")
