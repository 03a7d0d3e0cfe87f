"""Performance baselines. Flows in: items such as `**Response Time**: 95th percentile < 500ms`. Flows out: one
Limit for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from drill.baselines.limits import Item, Limit, named_item, refusal, states_limit
from drill.baselines.quantities import Dimension, NotUnderstoodError, Stated, stated

FILLERS = frozenset({"the", "of", "at", "in", "on", "is", "for", "all", "requests"})
AVERAGE = frozenset({"average", "avg", "mean"})
SHARE_OF_LIMIT = frozenset({"limit", "limits"})
PERCENTILE_IN_NAME = re.compile(
    r"\s*[(,]?\s*\b(p ?[0-9]{1,3}|[0-9]{1,3}(?:st|nd|rd|th) percentile)\b\s*\)?\s*", re.I
)


class _Meaning(NamedTuple):
    """One baseline: the limit that it makes, its names in small letters, and how it is written. `qualifiers`:
    words of which it has to say one."""

    name: str
    names: tuple[str, ...]
    dimension: Dimension
    statistic: str
    example: str
    qualifiers: frozenset[str] = frozenset()


MEANINGS = (
    _Meaning(
        "response_time",
        ("response time", "response times", "latency", "response latency", "request latency"),
        "time",
        "percentile",
        "95th percentile < 500ms",
    ),
    _Meaning("error_rate", ("error rate", "errors", "failure rate"), "share", "rate", "< 0.1%"),
    _Meaning("error_rate", ("availability", "uptime"), "share", "availability", ">= 99.9%"),
    _Meaning("cpu", ("cpu usage", "cpu utilization", "cpu"), "share", "mean", "< 70% average", AVERAGE),
    _Meaning(
        "memory",
        ("memory usage", "memory utilization", "memory"),
        "share",
        "share",
        "< 80% of limit",
        SHARE_OF_LIMIT,
    ),
    _Meaning(
        "database",
        ("database response", "database response time", "database query time"),
        "time",
        "mean",
        "< 50ms average",
        AVERAGE,
    ),
)


def parse_baselines(items: Sequence[tuple[int, str]], source: str) -> list[Limit]:
    """The limits that the items state, in their order. `items`: (line, text) of a list; `source`: the
    runbook's file name.

    An item that has no known name, no number and no comparison states no limit. Raises InputError for any
    other that says what drill cannot measure, or says it in a way that cannot be read as a whole, or says it
    twice.
    """
    limits: dict[str, Limit] = {}
    for line, text in items:
        limit = _baseline(line, text, source)
        if limit is None:
            continue
        if limit.name in limits:
            raise refusal(
                source, line, text, f"one baseline for {limit.name}; the first is {limits[limit.name].source}"
            )
        limits[limit.name] = limit
    return list(limits.values())


def _baseline(line: int, text: str, source: str) -> Limit | None:
    item = named_item(text)
    meaning, said = _meaning(item)
    if meaning is None:
        if states_limit(item):
            known = ", ".join(each.names[0].title() for each in MEANINGS)
            raise refusal(source, line, text, f"one of the baselines that drill measures: {known}")
        return None
    try:
        found = stated(said, meaning.dimension, FILLERS | meaning.qualifiers)
        value, comparison, statistic = _understood(meaning, found)
    except NotUnderstoodError as error:
        raise refusal(
            source, line, text, f"something like **{meaning.names[0].title()}**: {meaning.example} ({error})"
        ) from error
    unit = "s" if meaning.dimension == "time" else "ratio"
    return Limit(meaning.name, value, unit, comparison, statistic, f"{source}:{line}")


def _meaning(item: Item) -> tuple[_Meaning | None, str]:
    """What an item is about, and all that it says of it: a percentile may stand with the name, and a name
    before its comparison without a colon."""
    ranks = PERCENTILE_IN_NAME.findall(item.name)
    name = " ".join(PERCENTILE_IN_NAME.sub(" ", item.name).lower().split())
    said = " ".join([*ranks, item.said])
    for meaning in MEANINGS:
        if name in meaning.names:
            return meaning, said
    if not item.name:
        for meaning in MEANINGS:
            for known in sorted(meaning.names, key=len, reverse=True):
                begins = re.match(rf"{re.escape(known)}\b", item.said, re.IGNORECASE)
                if begins:
                    return meaning, item.said[begins.end() :]
    return None, said


def _understood(meaning: _Meaning, found: Stated) -> tuple[float, str, str]:
    """Value, comparison and statistic of the limit."""
    if meaning.statistic == "availability":
        if found.comparison in {"<", "<="}:
            raise NotUnderstoodError("an availability is at least so much")
        errors = round(1 - found.value, 12)
        if errors <= 0 or found.percentile is not None:
            raise NotUnderstoodError("an availability is above 0 % and below 100 %")
        return errors, "<" if found.comparison == ">" else "<=", "rate"
    if found.comparison not in {"<", "<="}:
        raise NotUnderstoodError("the limit is what it stays below: it needs < or <=")
    if meaning.dimension == "share" and found.value > 1:
        raise NotUnderstoodError("it is above 100 %")
    if meaning.qualifiers and not found.words & meaning.qualifiers:
        raise NotUnderstoodError(f"it does not say {' or '.join(sorted(meaning.qualifiers))}")
    if meaning.statistic == "percentile":
        if found.percentile is None or not 1 <= found.percentile <= 99:
            raise NotUnderstoodError("it needs a percentile from 1 to 99")
        return found.value, found.comparison, f"p{found.percentile}"
    if found.percentile is not None:
        raise NotUnderstoodError(f"p{found.percentile} is not measured here")
    return found.value, found.comparison, meaning.statistic
