"""What others are told while it lasts."""

from __future__ import annotations

from pytest_bdd import given, parsers, then

from drill.conduct import expect, scenario
from drill.conduct.drill import Drill


@given(parsers.parse(scenario.STATUS_PAGE))
def status_page_takes_updates(drill: Drill, token: str) -> None:
    drill.open_status_page(token)


@then(parsers.parse(scenario.WENT_THROUGH))
def page_went_through(drill: Drill, statuses: str) -> None:
    expect.page_went_through(drill.verdict, drill.page_updates(), scenario.quoted(statuses))
