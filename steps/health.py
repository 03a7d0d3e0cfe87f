"""The target before anything is broken."""

from __future__ import annotations

from pytest_bdd import given

from drill.conduct.drill import Drill


@given("the target is healthy")
def target_is_healthy(drill: Drill) -> None:
    drill.gate()
