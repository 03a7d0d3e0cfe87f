"""What the operator does, in the runbook's own words, and what is wrong with them."""

from __future__ import annotations

from pytest_bdd import parsers, then, when

from drill.conduct import expect, scenario
from drill.conduct.drill import Drill


@when(parsers.re(r'the operator follows "(?P<place>[^"]+)"$'))
def operator_follows(drill: Drill, place: str) -> None:
    drill.follow(place, {})


@when(parsers.parse(scenario.FOLLOWS_AS_WRITTEN))
def operator_follows_as_written(drill: Drill, place: str) -> None:
    drill.follow_as_written(place, {})


@then("every command of the procedure succeeds")
def commands_succeed(drill: Drill) -> None:
    expect.hold(drill.verdict, ["procedure"])


@then(parsers.parse('the procedure fails as defect "{identity}" says'))
def procedure_fails_as(drill: Drill, identity: str) -> None:
    expect.fails_as(drill.book.defect(identity), drill.commands(), drill.verdict.evidence)
