"""What the runbook's investigations tell."""

from __future__ import annotations

from pytest_bdd import given, parsers, then

from drill.conduct import expect, scenario
from drill.conduct.drill import Drill


@given(parsers.re(scenario.LOOKED_PATTERN.pattern))
def operator_has_looked(drill: Drill, place: str, as_written: str | None, bindings: str | None) -> None:
    drill.look(scenario.followed(place, as_written, bindings))


@then(parsers.parse(scenario.PRINTS))
def prints(drill: Drill, place: str, pattern: str) -> None:
    expect.tells(drill.verdict, place, pattern)


@then(parsers.re(scenario.TELLS_PATTERN.pattern))
def tells(drill: Drill, place: str, as_written: str | None, pattern: str, tool: str | None) -> None:
    expect.tells(drill.verdict, f"{place}{as_written or ''}", pattern, tool or "")
