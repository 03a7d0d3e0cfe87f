"""How busy the machine is."""

from __future__ import annotations

import os
import time

import pytest

from drill.observe.machine import Ticks, busy_share, look, ticks

STAT = """\
cpu  100 10 50 800 40 5 5 20 7 0
cpu0 1 2 3 4 5 6 7 8 9 10
"""


def test_idle_and_waiting_for_a_disk_are_not_busy_and_what_others_took_is() -> None:
    assert ticks(STAT) == Ticks(busy=190, total=1030)


@pytest.mark.parametrize(
    ("busy", "total", "share"), [(50, 100, 0.5), (0, 100, 0.0), (100, 100, 1.0), (0, 0, 0.0), (-1, 100, 0.0)]
)
def test_the_share_between_two_looks(busy: int, total: int, share: float) -> None:
    before = Ticks(1000, 5000)
    assert busy_share(before, Ticks(1000 + busy, 5000 + total)) == share


def test_this_machine_is_seen_to_be_busy_while_it_is() -> None:
    """By this process alone for 0.3 s of one processor, of however many; the kernel counts in ticks."""
    before, until = look(), time.process_time() + 0.3
    while time.process_time() < until:
        pass
    after = look()
    assert after.busy - before.busy > 0.2 * os.sysconf("SC_CLK_TCK")
    assert 0 < busy_share(before, after) <= 1
