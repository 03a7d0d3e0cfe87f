"""CPU, memory and the database's response, sample by sample. The window after is [1025, 1060)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded_drill import RecordedDrill, criterion

from drill.judge import Criterion
from drill.statistics import mean_interval

Pods = dict[str, dict[str, Any]]


@pytest.fixture
def drill(tmp_path: Path) -> RecordedDrill:
    return RecordedDrill(tmp_path / "drill")


def _asked(drill: RecordedDrill, name: str, looks: dict[float, Pods]) -> Criterion:
    """The criterion, where pods looked so at these moments; one of which nothing is said ran unmeasured."""

    def samples() -> list[tuple[float, str, dict[str, Any]]]:
        return [
            (
                at,
                "sample.resources",
                {"pods": [{"pod": pod} | of for pod, of in pods.items() if of], "expected": list(pods)},
            )
            for at, pods in looks.items()
        ]

    drill._samples = samples  # type: ignore[method-assign]
    return criterion(drill.judged(), name)


# cpu


def _cpu(at: float, used: float | None, cores: float | None = 1.0) -> dict[str, Any]:
    return {"cpu_at": at, "cpu_seconds": used, "cpu_limit_cores": cores}


def _looks(*moments: float, **of: tuple[float, float | None]) -> dict[float, Pods]:
    """Pods by name: the share of a core that each uses, and its limit in cores."""
    return {at: {pod: _cpu(at, share * at, cores) for pod, (share, cores) in of.items()} for at in moments}


def test_cpu_is_the_time_used_of_the_time_allowed_over_all_pods(drill: RecordedDrill) -> None:
    found = _asked(drill, "cpu", _looks(1026, 1040, 1058, a=(0.5, 1.0), b=(0.5, 2.0)))
    assert (found.verdict, found.value, found.samples) == ("pass", pytest.approx(0.375), 3)
    assert found.why == "37.5% of the CPU limit on average over 2 pods"
    assert (found.limit, found.unit, found.interval) == (0.7, "ratio", None)


def test_cpu_is_weighted_by_time(drill: RecordedDrill) -> None:
    looks = _looks(1026, 1036, 1046, 1056, a=(0.5, 1.0))
    looks[1046]["b"], looks[1056]["b"] = _cpu(1046, 0.0), _cpu(1056, 9.0)
    found = _asked(drill, "cpu", looks)
    assert found.value == pytest.approx((30 * 0.5 + 9.0) / 40)


@pytest.mark.parametrize("cores", [None, 0.0])
def test_a_container_without_a_cpu_limit_is_left_out(drill: RecordedDrill, cores: float | None) -> None:
    found = _asked(drill, "cpu", _looks(1026, 1040, 1058, a=(0.5, 1.0), b=(3.0, cores)))
    assert (found.verdict, found.value) == ("pass", pytest.approx(0.5))
    assert found.why.endswith("over 1 pods")
    found = _asked(drill, "cpu", _looks(1026, 1040, 1058, a=(0.5, cores)))
    assert (found.verdict, found.why) == ("not applicable", "no container has a CPU limit")


def test_pods_whose_use_is_not_known_at_the_end_are_named(drill: RecordedDrill) -> None:
    looks = _looks(1026, 1040, 1058, a=(0.5, 1.0))
    looks[1058] |= {"c": {}, "b": _cpu(1058, None)}
    found = _asked(drill, "cpu", looks)
    assert (found.verdict, found.samples) == ("inconclusive", 3)
    assert found.why == "the use of b, c was not measured"
    looks[1058]["b"] = {"cpu_seconds": 3.0, "cpu_limit_cores": 1.0}
    assert _asked(drill, "cpu", looks).why == "the use of b, c was not measured"


@pytest.mark.parametrize(("passing", "verdict"), [(2, "pass"), (3, "inconclusive")])
def test_a_pod_that_was_seen_once_ran_for_a_while_unmeasured(
    drill: RecordedDrill, passing: int, verdict: str
) -> None:
    """Ten seconds each, as long as from one look to the next: 30 s of 50, then of 60."""
    looks = _looks(1026, 1036, 1046, 1056, a=(0.5, 1.0))
    looks[1036] |= {f"b{number}": _cpu(1036, 1.0) for number in range(passing)}
    found = _asked(drill, "cpu", looks)
    assert found.verdict == verdict
    if verdict == "inconclusive":
        assert found.why == "30 s of 60 s that pods ran were measured, less than 60%"
        assert found.samples == 4


def test_a_pod_whose_counter_was_reset_is_measured_less_than_it_ran(drill: RecordedDrill) -> None:
    looks = _looks(1026, 1036, 1046, 1056, a=(0.5, 1.0))
    looks[1036]["a"], looks[1046]["a"], looks[1056]["a"] = _cpu(1036, 9), _cpu(1046, 1), _cpu(1056, 2)
    looks[1026]["a"] = _cpu(1026, 3.0)
    assert _asked(drill, "cpu", looks).value == pytest.approx(7 / 20)
    looks[1056]["a"] = _cpu(1056, 0.0)
    found = _asked(drill, "cpu", looks)
    assert found.why == "10 s of 30 s that pods ran were measured, less than 60%"


# memory


def _memory(*shares: float | None, every: float = 5.0) -> dict[float, Pods]:
    """What the only pod used of its limit at 1026, and every five seconds from then on; None: unmeasured."""
    return {
        1026 + every * number: {"a": {} if share is None else _of(share)}
        for number, share in enumerate(shares)
    }


def _of(share: float, limit: float | None = 1000.0) -> dict[str, Any]:
    return {"memory_bytes": share * 1000.0, "memory_limit_bytes": limit}


def test_memory_is_the_mean_of_the_last_third_of_the_window(drill: RecordedDrill) -> None:
    found = _asked(drill, "memory", _memory(0.6, 0.1, 0.1, 0.6, 0.49, 0.5, 0.48))
    assert (found.verdict, found.value, found.samples) == ("pass", pytest.approx(0.49), 7)
    assert found.interval == pytest.approx(mean_interval(np.array([0.49, 0.5, 0.48])))
    assert found.why == "the fullest pod used 49.0% of its memory limit in the last part of the window"


def test_memory_is_that_of_three_samples_at_least(drill: RecordedDrill) -> None:
    found = _asked(drill, "memory", _memory(0.6, 0.5, 0.51, 0.52, every=10.0))
    assert found.value == pytest.approx(0.51)


def test_memory_is_that_of_the_fullest_pod_of_each_moment(drill: RecordedDrill) -> None:
    looks = _memory(0.1, 0.1, 0.1, every=12.0)
    for number, pods in enumerate(looks.values()):
        pods[f"b{number}"] = _of(0.3)
    assert _asked(drill, "memory", looks).value == pytest.approx(0.3)


def test_memory_that_reaches_the_limit_at_times_does_not_pass(drill: RecordedDrill) -> None:
    """The mean of many samples is surely below."""
    shares = [0.7] * 20
    shares[18] = 0.8
    found = _asked(drill, "memory", _memory(*shares, every=1.5))
    assert found.verdict == "inconclusive"
    assert found.why.endswith("in the last part of the window, at times 80.0%")
    # before the last part of the window it has been forgotten
    shares[18], shares[3] = 0.7, 0.95
    assert _asked(drill, "memory", _memory(*shares, every=1.5)).verdict == "pass"


def test_memory_that_would_reach_the_limit_within_another_window_does_not_pass(drill: RecordedDrill) -> None:
    rising = [0.5 + 0.01 * number for number in range(16)]
    found = _asked(drill, "memory", _memory(*rising, every=2.0))
    # 0.625 in the last part, and 0.01 every two seconds for 35 s
    assert (found.verdict, found.value) == ("inconclusive", pytest.approx(0.625)) or found.verdict == "pass"
    steeper = [0.4 + 0.02 * number for number in range(16)]
    found = _asked(drill, "memory", _memory(*steeper, every=2.0))
    assert found.verdict == "inconclusive"
    assert found.why.endswith("in the last part of the window, and rises to 100% in another 35 s")


def test_memory_that_hardly_rises_may_be_close_to_the_limit(drill: RecordedDrill) -> None:
    """Of 0.04 in another window nobody knows that they are not noise."""
    creeping = [0.76 + 0.04 / 35 * 2 * number for number in range(16)]
    found = _asked(drill, "memory", _memory(*creeping, every=2.0))
    assert (found.verdict, round(found.value or 0, 2)) == ("pass", 0.79)


@pytest.mark.parametrize(("unmeasured", "verdict"), [(2, "pass"), (3, "inconclusive")])
def test_memory_must_be_measured_in_three_of_five_samples(
    drill: RecordedDrill, unmeasured: int, verdict: str
) -> None:
    shares: list[float | None] = [0.5] * 7
    shares[1 : 1 + unmeasured] = [None] * unmeasured
    found = _asked(drill, "memory", _memory(*shares))
    assert found.verdict == verdict
    if verdict == "inconclusive":
        assert found.why == "in 3 of 7 samples a pod was not measured"


def test_a_pod_whose_memory_is_not_known_at_the_end_is_named(drill: RecordedDrill) -> None:
    looks = _memory(*[0.5] * 7)
    looks[1056] |= {"c": {}, "b": {"memory_limit_bytes": 1000.0}}
    found = _asked(drill, "memory", looks)
    assert (found.verdict, found.value) == ("inconclusive", None)
    assert found.why == "in 1 of 7 samples a pod was not measured, b, c in the last one"


@pytest.mark.parametrize("limit", [None, 0.0])
def test_a_container_without_a_memory_limit_is_left_out(drill: RecordedDrill, limit: float | None) -> None:
    looks = _memory(*[0.5] * 7)
    for pods in looks.values():
        pods["b"] = _of(9.0, limit)
    assert _asked(drill, "memory", looks).value == pytest.approx(0.5)
    for pods in looks.values():
        del pods["a"]
    found = _asked(drill, "memory", looks)
    assert (found.verdict, found.why) == ("not applicable", "no container has a memory limit")
    looks[1056]["a"] = {}
    assert _asked(drill, "memory", looks).verdict == "inconclusive"


# both


@pytest.mark.parametrize("name", ["cpu", "memory"])
@pytest.mark.parametrize(
    ("moments", "why"),
    [
        ((1026.0, 1050.0), "2 samples in the window after, fewer than 3"),
        ((1024.0, 1026.0, 1050.0), "2 samples in the window after, fewer than 3"),
        ((1026.0, 1030.0, 1046.0), "3 samples measure 20.0 s of the window's 35 s, less than 60%"),
        ((1026.0, 1030.0, 1047.0), ""),
    ],
)
def test_too_few_samples_of_the_window_tell_nothing(
    drill: RecordedDrill, name: str, moments: tuple[float, ...], why: str
) -> None:
    looks: dict[float, Pods] = {at: {"a": _cpu(at, 0.5 * at) | _of(0.5)} for at in moments}
    found = _asked(drill, name, looks)
    if why:
        assert (found.verdict, found.why, found.value) == ("inconclusive", why, None)
        assert found.samples == sum(at >= 1025 for at in moments)
    else:
        assert found.verdict == "pass"


def test_without_a_word_of_who_ran_those_ran_that_were_measured(drill: RecordedDrill) -> None:
    drill._samples = lambda: [  # type: ignore[method-assign]
        (at, "sample.resources", {"pods": [{"pod": "a"} | _of(0.5)]}) for at in (1026.0, 1040.0, 1058.0)
    ]
    assert criterion(drill.judged(), "memory").verdict == "pass"


# the database


def test_database_response_is_the_time_of_all_queries_over_their_number(drill: RecordedDrill) -> None:
    counters = {
        1024.0: {"a": (0.0, 0.0), "b": (0.0, 0.0)},
        1026.0: {"a": (1.0, 100.0), "b": (5.0, 10.0)},
        1040.0: {"a": (2.0, 300.0), "b": (6.0, 30.0)},
        # a was restarted
        1058.0: {"a": (0.5, 50.0), "b": (6.5, 40.0)},
    }
    drill._samples = lambda: [  # type: ignore[method-assign]
        (
            at,
            "sample.database",
            {
                "pods": [
                    {"pod": pod, "seconds": seconds, "queries": queries}
                    for pod, (seconds, queries) in pods.items()
                ]
            },
        )
        for at, pods in counters.items()
    ]
    found = criterion(drill.judged(), "database")
    assert (found.value, found.samples) == (pytest.approx(2.5 / 230), 230)
    assert found.why == "a query took 10.87 ms on average"
    counters[1040.0]["a"] = (2.0, 169.0)
    counters[1040.0]["b"] = (6.0, 30.0)
    found = criterion(drill.judged(), "database")
    assert (found.verdict, found.samples) == ("inconclusive", 99)
    assert found.why == "99 queries measured, fewer than 100"
