"""Drills spread over clusters: `--shards K/N` takes the K-th of N parts of what is asked for.

The split is of the scenarios alone, so every machine that asks for the same makes the same. Scenarios of the
same faults stay together: whom a repair is owed to is told by a drill and its control in one run.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

import pytest

from drill.plugin.keys import FACTS

SHARD = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")


def shard_of(text: str) -> tuple[int, int]:
    """K and N of K/N. Raises pytest.UsageError."""
    match = SHARD.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        raise pytest.UsageError(
            f"--shards {text!r}: expected K/N, the K-th of N parts, such as 1/3, 2/3 and 3/3"
        )
    return int(match[1]), int(match[2])


def spread(groups: Sequence[tuple[Hashable, str]], count: int) -> dict[Hashable, int]:
    """Which of `count` parts each group goes into, from 1. `groups`: of each scenario, the group that it
    belongs to, and a name that orders it. The largest group first, each into the part that has the fewest
    scenarios so far."""
    members: dict[Hashable, list[str]] = {}
    for group, name in groups:
        members.setdefault(group, []).append(name)
    taken = [0] * count
    found = {}
    for group, names in sorted(members.items(), key=lambda each: (-len(each[1]), min(each[1]))):
        least = taken.index(min(taken))
        taken[least] += len(names)
        found[group] = least + 1
    return found


def take_shard(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave only those of this shard. Raises pytest.UsageError where none is left for it."""
    text = config.getoption("--shards")
    if text is None:
        return
    number, count = shard_of(text)
    groups = [(_group(item), item.nodeid) for item in items]
    parts = spread(groups, count)
    own = [item for item, (group, _) in zip(items, groups, strict=True) if parts[group] == number]
    if items and not own:
        raise pytest.UsageError(
            f"--shards {text}: nothing is left for it, since {len(items)} scenarios of {len(parts)} groups "
            f"of faults fill at most {len(parts)} parts"
        )
    config.hook.pytest_deselected(items=[item for item in items if item not in own])
    items[:] = own


def _group(item: pytest.Item) -> Hashable:
    """Its faults; itself where it has none."""
    facts = item.stash.get(FACTS, None)
    return facts.faults if facts is not None and facts.faults else item.nodeid
