"""Whether a verdict that is made again is the one in the pack. Flows in: both. Flows out: each place where
they differ, in words.

A later judge may ask more, and say the same in other words. So what the pack has is looked for in what is
judged again, and sentences are not compared; every figure and every outcome is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from drill.judge.verdict import DrillVerdict

SENTENCES = frozenset({"why", "credit_why", "title", "users", "what"})


def differences(then: DrillVerdict, again: DrillVerdict) -> Iterator[str]:
    """None where all that the pack says of the drill is said again; the outcome first."""
    if then.verdict != again.verdict:
        yield f"verdict: {then.verdict}, now {again.verdict}: {again.why}"
    yield from _within(msgspec.to_builtins(then), msgspec.to_builtins(again), "")


def _within(then: Any, again: Any, place: str) -> Iterator[str]:
    if isinstance(then, dict) and isinstance(again, dict):
        for key in then:
            if key not in SENTENCES:
                yield from _within(then[key], again.get(key, "(absent)"), f"{place}.{key}".lstrip("."))
    elif _named(then) and _named(again):
        by_name = {each["name"]: each for each in again}
        for each in then:
            yield from _within(each, by_name.get(each["name"], "(absent)"), f"{place}.{each['name']}")
    elif isinstance(then, (list, tuple)) and isinstance(again, (list, tuple)) and len(then) == len(again):
        for index, (one, other) in enumerate(zip(then, again, strict=True)):
            yield from _within(one, other, f"{place}[{index}]")
    elif then != again:
        yield f"{place}: {then}, now {again}"


def _named(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(isinstance(each, dict) and "name" in each for each in value)
    )
