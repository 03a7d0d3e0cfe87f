"""How busy a machine was with other things than the target, from a drill's events."""

from __future__ import annotations

import pytest

from drill.history.elsewhere import busy_elsewhere
from drill.recording import Event
from drill.recording.events import (
    Data,
    MachineSampled,
    PodResources,
    ResourcesSampled,
    WindowClosed,
    WindowOpened,
)


def event(at: float, data: Data) -> Event:
    return Event(1e9 + at, at, data)


def recorded(*, busy: float, cores_used: float) -> list[Event]:
    """A window after from 10 to 20 s, on whose two sides the machine did nothing; two pods."""
    found = [event(10, WindowOpened("after")), event(20, WindowClosed("after"))]
    for second in range(31):
        inside = 10 <= second <= 20
        found.append(event(second, MachineSampled(busy if inside else 0.0)))
        used = cores_used / 2 * second
        pods = [PodResources(name, used, float(second)) for name in ("a", "b")]
        found.append(event(second, ResourcesSampled(pods, ["a", "b"])))
    return sorted(found, key=lambda each: each.monotonic)


@pytest.mark.parametrize(
    ("busy", "cores_used", "expected"), [(0.8, 0.6, 0.5), (0.3, 0.2, 0.2), (0.1, 0.4, 0.0)]
)
def test_the_pods_of_the_target_are_taken_off(busy: float, cores_used: float, expected: float) -> None:
    assert busy_elsewhere(recorded(busy=busy, cores_used=cores_used), 2) == pytest.approx(expected)


@pytest.mark.parametrize("kind", [MachineSampled, ResourcesSampled, WindowOpened, WindowClosed])
def test_what_was_not_measured_is_not_told(kind: type[Data]) -> None:
    events = [each for each in recorded(busy=0.8, cores_used=0.6) if not isinstance(each.data, kind)]
    assert busy_elsewhere(events, 2) is None
    assert busy_elsewhere([], 2) is None
