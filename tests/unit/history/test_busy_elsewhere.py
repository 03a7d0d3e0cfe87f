"""How busy a machine was with other things than the target, from a drill's events."""

from __future__ import annotations

import pytest

from drill.history.elsewhere import busy_elsewhere, cores_used
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


def looks(
    *pods: tuple[str, float, float, float], every: float = 2.0, unseen_for: float = 0.0
) -> list[tuple[float, ResourcesSampled]]:
    """Looks over 20 s. Each of `pods`: its name, from and to when it runs, the cores it uses; of one that
    starts nothing is measured for its first `unseen_for` seconds."""
    found = []
    for index in range(int(20 / every) + 1):
        at = index * every
        running = [pod for pod in pods if pod[1] <= at < pod[2]]
        seen = [
            PodResources(name, cores * (at - since), at, container_id=f"{name}-{since:g}")
            for name, since, _, cores in running
            if since <= 0 or at - since >= unseen_for
        ]
        found.append((at, ResourcesSampled(seen, [name for name, _, _, _ in running])))
    return found


ALWAYS = 99.0


@pytest.mark.parametrize(
    ("pods", "cores"),
    [
        ([("a", 0, ALWAYS, 0.2), ("b", 0, ALWAYS, 0.4)], 0.6),
        ([("a", 0, ALWAYS, 0.3), ("late", 11, ALWAYS, 0.3)], 0.3 * 29 / 20),
        ([("a", 0, ALWAYS, 0.3), ("leaves", 0, 9, 0.3)], 0.3 * 29 / 20),
        ([("a", 0, 9, 0.3), ("its successor", 9, ALWAYS, 0.3)], 0.3),
        ([("a", 0, 9, 0.3), ("a", 9, ALWAYS, 0.3), ("b", 0, ALWAYS, 0.3)], 0.6),
    ],
    ids=["stay", "one starts", "one ends", "one after another", "one restarts"],
)
def test_pods_that_come_and_go_count_for_as_long_as_they_run(
    pods: list[tuple[str, float, float, float]], cores: float
) -> None:
    # that they start or end halfway between two looks is what is taken where nobody saw it
    assert cores_used(looks(*pods)) == pytest.approx(cores)


def test_a_new_pod_of_which_nothing_is_known_yet_is_taken_to_use_what_the_others_do() -> None:
    pods = [("a", 0, ALWAYS, 0.3), ("late", 11, ALWAYS, 0.3)]
    for unseen_for in (0, 4, 30):
        assert cores_used(looks(*pods, unseen_for=unseen_for)) == pytest.approx(0.3 * 29 / 20)


def test_a_counter_that_begins_again_takes_nothing_off() -> None:
    """Also where nobody knows which container it is of, and where the new one counts higher at once."""
    seen = [
        (at, ResourcesSampled([PodResources("a", used, at, container_id=container)], ["a"]))
        for at, used, container in [(0.0, 5.0, "1"), (2.0, 6.0, "1"), (4.0, 9.0, "2"), (6.0, 10.0, "2")]
    ]
    assert cores_used(seen) == pytest.approx(0.5)
    falls = [
        (at, ResourcesSampled([PodResources("a", used, at)], ["a"]))
        for at, used in [(0.0, 5.0), (2.0, 6.0), (4.0, 0.5), (6.0, 1.5)]
    ]
    assert cores_used(falls) == pytest.approx(0.5)


def test_a_stretch_without_looks_counts_as_long_as_it_was() -> None:
    gap = [look for look in looks(("a", 0, ALWAYS, 0.3), ("b", 0, 4, 0.3)) if not 6 < look[0] < 20]
    assert cores_used(gap) == pytest.approx(0.3 * (20 + 3) / 20)


@pytest.mark.parametrize(
    "seen",
    [[], looks(("a", 0, ALWAYS, 0.3))[:1], looks(("late", 19, ALWAYS, 0.3)), looks()],
    ids=["no look", "one look", "one reading", "no pod"],
)
def test_the_use_of_nobody_is_not_measured(seen: list[tuple[float, ResourcesSampled]]) -> None:
    assert cores_used(seen) is None


def test_a_pod_of_half_the_window_is_not_taken_off_for_all_of_it() -> None:
    events = [event(at, data) for at, data in looks(("a", 0, ALWAYS, 0.4), ("leaves", 0, 9, 0.4))]
    events += [event(at, MachineSampled(0.5)) for at, _ in looks()]
    window = [event(0, WindowOpened("after")), event(20, WindowClosed("after"))]
    assert busy_elsewhere([*window, *events], 2) == pytest.approx(0.5 - 0.4 * 29 / 20 / 2)
