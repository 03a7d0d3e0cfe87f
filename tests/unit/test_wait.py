"""Waiting for what must last: one good look is not enough, and the deadline tells what was last seen."""

from __future__ import annotations

import time

import pytest

from drill import wait
from drill.errors import DeadlineError


def test_what_is_over_again_is_waited_for_anew() -> None:
    looks: list[float] = []

    def well_but_for_the_third_look() -> bool:
        looks.append(time.monotonic())
        return len(looks) != 3

    wait.until_lasting(
        "it to last", well_but_for_the_third_look, lasting_seconds=0.1, seconds=60, every_seconds=0.01
    )
    assert len(looks) > 4
    assert looks[-1] - looks[3] >= 0.09


def test_where_nothing_must_last_the_first_good_look_is_enough() -> None:
    looks = iter([False, True, False])
    wait.until_lasting("it", lambda: next(looks), lasting_seconds=0, seconds=60, every_seconds=0.01)
    assert next(looks) is False


@pytest.mark.parametrize(("well", "seen"), [(False, "not so"), (True, "so for 0")])
def test_a_deadline_says_for_how_long_it_was_so(well: bool, seen: str) -> None:
    with pytest.raises(DeadlineError, match=seen):
        wait.until_lasting("it to last", lambda: well, lasting_seconds=60, seconds=0.02, every_seconds=0.01)
