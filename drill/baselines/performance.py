"""Performance baselines. Flows in: items such as `**Response Time**: 95th percentile < 500ms`. Flows out: one
Limit for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from drill.baselines.limits import Limit, named_item
from drill.errors import InputError

NUMBER = r"(?P<number>\d+(?:\.\d+)?)"
SECONDS = {"ms": 0.001, "s": 1.0}


class _Meaning(NamedTuple):
    """How one baseline is written, and the limit that its match makes: value, unit, statistic."""

    name: str
    pattern: str
    example: str
    understand: Callable[[re.Match[str]], tuple[float, str, str] | None]


def _percentile(match: re.Match[str]) -> tuple[float, str, str] | None:
    rank = int(match["percentile"])
    return (float(match["number"]) * SECONDS[match["unit"]], "s", f"p{rank}") if 0 < rank < 100 else None


def _mean_seconds(match: re.Match[str]) -> tuple[float, str, str]:
    return float(match["number"]) * SECONDS[match["unit"]], "s", "mean"


def _ratio(statistic: str) -> Callable[[re.Match[str]], tuple[float, str, str] | None]:
    def understand(match: re.Match[str]) -> tuple[float, str, str] | None:
        percent = float(match["number"])
        return (percent / 100, "ratio", statistic) if percent <= 100 else None

    return understand


MEANINGS = {
    "response time": _Meaning(
        "response_time",
        rf"(?P<percentile>\d+)(?:st|nd|rd|th) percentile < ?{NUMBER} ?(?P<unit>ms|s)",
        "95th percentile < 500ms",
        _percentile,
    ),
    "error rate": _Meaning("error_rate", rf"< ?{NUMBER} ?%", "< 0.1%", _ratio("rate")),
    "cpu usage": _Meaning("cpu", rf"< ?{NUMBER} ?% average", "< 70% average", _ratio("mean")),
    "memory usage": _Meaning("memory", rf"< ?{NUMBER} ?% of limit", "< 80% of limit", _ratio("share")),
    "database response": _Meaning(
        "database", rf"< ?{NUMBER} ?(?P<unit>ms|s) average", "< 50ms average", _mean_seconds
    ),
}


def parse_baselines(items: Sequence[tuple[int, str]], source: str) -> list[Limit]:
    """The limits that the items state, in their order. `items`: (line, text) of a list; `source`: the
    runbook's file name.

    An item without a bold name, or that compares nothing, is no baseline. Raises InputError for one that is,
    yet says what drill cannot measure, or says it in a way that cannot be read, or says it twice.
    """
    limits: dict[str, Limit] = {}
    for line, text in items:
        limit = _baseline(line, text, source)
        if limit is None:
            continue
        if limit.name in limits:
            raise InputError(
                source, line, text, f"one baseline of that name; the first is {limits[limit.name].source}"
            )
        limits[limit.name] = limit
    return list(limits.values())


def _baseline(line: int, text: str, source: str) -> Limit | None:
    item = named_item(text)
    if item is None:
        return None
    meaning = MEANINGS.get(item.name.lower())
    if meaning is None:
        if re.search(r"[<>≤≥]", item.said):
            known = ", ".join(name.title() for name in MEANINGS)
            raise InputError(source, line, text, f"one of the baselines that drill measures: {known}")
        return None
    match = re.fullmatch(meaning.pattern, item.said.rstrip(". "))
    understood = meaning.understand(match) if match else None
    if understood is None:
        raise InputError(source, line, text, f"something like **{item.name}**: {meaning.example}")
    value, unit, statistic = understood
    return Limit(meaning.name, value, unit, "<", statistic, f"{source}:{line}")
