"""What a limit is, and how an item of a list names it. Flows in: text of one item. Flows out: its name and
what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

NAMES = ("recovered", "response_time", "error_rate", "cpu", "memory", "database", "data_age")


class Limit(msgspec.Struct, frozen=True):
    """A limit that the runbook states. `value` in `unit` ("s" seconds, "ratio"); `comparison`: "<";
    `statistic`: of what (p95, mean, rate, share); `source`: file and line, as operations-runbook.md:546."""

    name: str
    value: float
    unit: str
    comparison: str
    statistic: str
    source: str


class Item(NamedTuple):
    """A list item that says something of a name in bold."""

    name: str
    said: str


def named_item(text: str) -> Item | None:
    """The item's bold name and what follows its colon; None for an item that has no bold name."""
    match = re.match(r"\s*(?:[-*+]\s+)?\*\*(?P<name>[^*]+?):?\*\*\s*:?\s*(?P<said>.*)", text, re.DOTALL)
    return Item(match["name"].strip(), " ".join(match["said"].split())) if match else None


def absent(limits: Iterable[Limit]) -> list[str]:
    """The names of the limits that drill can judge by and that are not among these: each is reported as
    stated nowhere."""
    given = {limit.name for limit in limits}
    return [name for name in NAMES if name not in given]
