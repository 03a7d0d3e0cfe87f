"""How long a service that is out is watched."""

from __future__ import annotations

import pytest

from drill.conduct.patience import QUIET_SECONDS, Patience

PATIENCE = Patience(since=100.0, seconds=20.0, limit=1000.0, latest=300.0)


@pytest.mark.parametrize(
    ("moment", "moved", "verdict"),
    [
        (119.9, 0.0, "watch on"),
        (120.0, 0.0, "nothing will come"),
        (150.0, 150.0, "watch on"),
        (150.0, 150.0 - QUIET_SECONDS + 0.1, "watch on"),
        (150.0, 150.0 - QUIET_SECONDS, "nothing will come"),
        (300.0, 300.0, "time is up"),
    ],
    ids=["patient", "patience spent", "moves", "moved just now", "quiet", "latest"],
)
def test_watching_ends_when_nothing_will_come_or_the_time_is_up(
    moment: float, moved: float, verdict: str
) -> None:
    assert PATIENCE.at(moment, moved) == verdict


def test_the_response_time_ends_watching_whatever_is_on_its_way() -> None:
    early = Patience(since=100.0, seconds=20.0, limit=110.0, latest=300.0)
    assert early.at(109.9, 109.9) == "watch on"
    assert early.at(110.0, 110.0) == "time is up"
