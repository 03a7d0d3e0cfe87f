"""Backups that exist before the fault, and what else the operator has at hand."""

from __future__ import annotations

from pytest_bdd import given, parsers

from drill.conduct import scenario
from drill.conduct.drill import Drill


@given(scenario.BACKED_UP)
def backup_was_made(drill: Drill) -> None:
    drill.back_up()


@given(parsers.parse(scenario.HOLDS_FRESH))
def operator_holds_fresh_backup(drill: Drill, part: str, name: str) -> None:
    drill.hand_over_fresh_backup(part, name)


@given(parsers.parse(scenario.HOLDS_BACKUP))
def operator_holds_backup(drill: Drill, name: str) -> None:
    drill.hand_over_backup(name)


@given(parsers.parse(scenario.HOLDS))
def operator_holds(drill: Drill, file: str, name: str) -> None:
    drill.hand_over(file, name)
