"""The present day, which is UTC's and asked for anew each time."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from drill import present
from tests.unit.present import TODAY, state_present

MIDNIGHT = datetime(2024, 3, 1, tzinfo=UTC).timestamp()


def test_the_present_is_the_clocks() -> None:
    before = time.time()
    assert before <= present.wall() <= time.time()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_the_day_is_that_of_utc_in_every_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        state_present(monkeypatch, MIDNIGHT - 0.5)
        assert present.today() == TODAY
        state_present(monkeypatch, MIDNIGHT)
        assert present.today() == TODAY + timedelta(days=1) == date(2024, 3, 1)
    finally:
        monkeypatch.undo()
        time.tzset()
