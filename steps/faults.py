"""What is broken."""

from __future__ import annotations

from pytest_bdd import parsers, when

from drill.conduct import scenario
from drill.conduct.drill import Drill


@when(parsers.parse(scenario.FAULT))
def fault_takes_effect(drill: Drill, fault: str) -> None:
    drill.take_effect(fault)


@when(scenario.NOTHING_BROKEN)
def nothing_is_broken(drill: Drill) -> None:
    drill.break_nothing()
