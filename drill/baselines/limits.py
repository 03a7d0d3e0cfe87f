"""What a limit is, and how an item of a list names it. Flows in: text of one item. Flows out: its name and
what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from drill.baselines.quantities import plain
from drill.errors import InputError

NAMES = ("recovered", "response_time", "error_rate", "cpu", "memory", "database", "data_age")
MOST_SHOWN = 120


class Limit(msgspec.Struct, frozen=True):
    """A limit that the runbook states. `value` in `unit` ("s" seconds, "ratio"), above 0; `comparison`: "<"
    or "<="; `statistic`: of what (p95, mean, rate, share); `source`: file and line, as
    operations-runbook.md:546."""

    name: str
    value: float
    unit: str
    comparison: str
    statistic: str
    source: str


class Item(NamedTuple):
    """A list item that says something of a name, which need not be in bold; both are plain text. `name` is
    empty for an item that names nothing."""

    name: str
    said: str


def named_item(text: str) -> Item:
    """The item's name and what follows it: after its bold words, its colon, or a dash between spaces."""
    bold = re.match(r"\s*(?:[-*+]\s+)?(?:\*\*|__)(?P<name>[^*_]+?)(?:\*\*|__)(?P<said>.*)", text, re.DOTALL)
    if bold:
        return Item(plain(bold["name"]).rstrip(": "), _after_separator(plain(bold["said"])))
    bare = re.sub(r"^[-*+]\s+", "", plain(text))
    name, colon, said = bare.partition(":")
    if colon and not re.search(r"[<>=≤≥]", name):
        return Item(name.strip(), said.strip())
    parted = re.split(r"\s[-–—|]\s", bare, maxsplit=1)
    return Item(parted[0].strip(), parted[1].strip()) if len(parted) == 2 else Item("", bare)


def states_limit(item: Item) -> bool:
    """True where an item has a number or a comparison, so that passing it over would lose a limit."""
    return re.search(r"[0-9<>≤≥]", item.name + item.said) is not None


def refusal(source: str, line: int, text: str, expected: str) -> InputError:
    """The error that names an item, which may be long."""
    shown = " ".join(text.split())
    return InputError(
        source, line, shown if len(shown) <= MOST_SHOWN else shown[:MOST_SHOWN] + "...", expected
    )


def absent(limits: Iterable[Limit]) -> list[str]:
    """The names of the limits that drill can judge by and that are not among these: each is reported as
    stated nowhere."""
    given = {limit.name for limit in limits}
    return [name for name in NAMES if name not in given]


def _after_separator(said: str) -> str:
    return re.sub(r"^(?::\s*|[-–—|]\s+)", "", said)
