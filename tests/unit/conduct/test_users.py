"""How long users are there before somebody acts on a target that nothing has broken."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from drill import wait
from drill.conduct.drill import Drill
from drill.conduct.users import Users
from drill.errors import SetupError

AFTER_SECONDS = 22.0


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(wait, "time", found)
    monkeypatch.setattr("drill.conduct.users.time", found)
    return found


@pytest.mark.parametrize(("procedures", "seconds"), [(("Performance Tuning",), AFTER_SECONDS), ((), 0.0)])
def test_users_are_there_before_a_procedure_for_as_long_as_after_it(
    clock: Clock, procedures: tuple[str, ...], seconds: float
) -> None:
    judge = SimpleNamespace(after_seconds=AFTER_SECONDS)
    scene: Any = SimpleNamespace(settings=SimpleNamespace(judge=judge), show=lambda *_: None)
    users = Users(scene)
    users._load = SimpleNamespace(check=lambda: None)  # type: ignore[assignment]
    drill: Any = SimpleNamespace(_users=users, _scene=scene, facts=SimpleNamespace(procedures=procedures))
    Drill.break_nothing(drill)
    assert clock.seconds - 100.0 == pytest.approx(seconds, abs=0.11)


def test_a_load_that_ends_meanwhile_ends_the_drill(clock: Clock) -> None:
    def check() -> None:
        if clock.seconds > 105.0:
            raise SetupError("the load ended")

    users = Users(SimpleNamespace(show=lambda *_: None))  # type: ignore[arg-type]
    users._load = SimpleNamespace(check=check)  # type: ignore[assignment]
    with pytest.raises(SetupError, match="the load ended"):
        users.go_on(AFTER_SECONDS)
    assert clock.seconds < 106.0
