"""What became of acknowledged writes."""

from __future__ import annotations

from pytest_bdd import then

from drill.conduct import expect
from drill.conduct.drill import Drill


@then("no acknowledged write is lost")
def no_write_lost(drill: Drill) -> None:
    expect.hold(drill.verdict, ["writes"])


@then("only writes newer than the backup are lost")
def only_newer_writes_lost(drill: Drill) -> None:
    expect.hold(drill.verdict, ["writes"])


@then("acknowledged writes are lost")
def writes_are_lost(drill: Drill) -> None:
    expect.breaks(drill.verdict, "writes")


@then("the data is no older than the backup schedule allows")
def data_age_within_schedule(drill: Drill) -> None:
    expect.hold(drill.verdict, ["data_age"])
