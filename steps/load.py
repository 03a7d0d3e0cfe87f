"""The users."""

from __future__ import annotations

from pytest_bdd import given

from drill.conduct.drill import Drill


@given("users are on it")
def users_are_on_it(drill: Drill) -> None:
    drill.start_load()
