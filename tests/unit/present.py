"""The present, stated: tests of what compares days say on which day they are, and hold on every other."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from drill import present

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp()
"""Seconds since the epoch, of a day that few years have."""
TODAY = date(2024, 2, 29)


def state_present(monkeypatch: pytest.MonkeyPatch, wall: float = NOON) -> None:
    """From here on drill takes `wall`, seconds since the epoch, for the present."""
    monkeypatch.setattr(present, "wall", lambda: wall)
