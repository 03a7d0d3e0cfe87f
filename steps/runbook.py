"""What the operator does, in the runbook's own words, and what is wrong with them."""

from __future__ import annotations

from pytest_bdd import parsers, then, when

from drill.conduct import expect, scenario
from drill.conduct.drill import Drill


@when(parsers.re(scenario.FOLLOWS_PATTERN.pattern))
def operator_follows(drill: Drill, place: str, as_written: str | None, bindings: str | None) -> None:
    drill.follow(scenario.followed(place, as_written, bindings))


@then("every command of the procedure succeeds")
def commands_succeed(drill: Drill) -> None:
    expect.hold(drill.verdict, ["procedure"])


@then(scenario.WAITS)
def procedure_waits(drill: Drill) -> None:
    expect.hold(drill.verdict, ["early_end"])


@then(parsers.parse(scenario.DEFECT))
def procedure_fails_as(drill: Drill, identity: str) -> None:
    verdict = drill.verdict
    expect.fails_as(drill.book.defect(identity), drill.commands(), drill.missing_tools(), verdict)
