"""Response times by severity, and the backup schedule. Flows in: items such as `**P1**: 1 hour`. Flows out:
limits in seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drill.baselines.limits import Limit, named_item
from drill.errors import InputError

UNIT_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
PERIOD_SECONDS = {"hourly": 3600.0, "daily": 86400.0, "weekly": 604800.0}
DURATION = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(UNIT_SECONDS)})s?\b", re.IGNORECASE)


def parse_response_times(items: Sequence[tuple[int, str]], source: str) -> dict[str, Limit]:
    """The limit "recovered" of each severity, by its name ("P0"). `items`: (line, text); `source`: the
    runbook's file name.

    Items that name no severity are passed over. Raises InputError for a severity with no duration, or with
    more than one.
    """
    limits: dict[str, Limit] = {}
    for line, text in items:
        item = named_item(text)
        if item is None or not re.fullmatch(r"P\d", item.name):
            continue
        durations = DURATION.findall(item.said)
        if len(durations) != 1:
            raise InputError(source, line, text, f"one duration, such as **{item.name}**: 1 hour")
        if item.name in limits:
            raise InputError(
                source, line, text, f"one response time for {item.name}; see {limits[item.name].source}"
            )
        number, unit = durations[0]
        seconds = float(number) * UNIT_SECONDS[unit.lower()]
        limits[item.name] = Limit("recovered", seconds, "s", "<", "elapsed", f"{source}:{line}")
    return limits


def parse_schedule(items: Sequence[tuple[int, str]], source: str, what: str = "Database") -> Limit | None:
    """The limit "data_age" from the backup schedule of `what`: data may be as old as one period. None where
    no item names it.

    Raises InputError where the period cannot be read.
    """
    for line, text in items:
        item = named_item(text)
        if item is None or item.name.lower() != what.lower():
            continue
        said = item.said.rstrip(". ").lower()
        match = re.fullmatch(rf"every (?:(\d+(?:\.\d+)?)\s*)?({'|'.join(UNIT_SECONDS)})s?", said)
        seconds = float(match[1] or 1) * UNIT_SECONDS[match[2]] if match else PERIOD_SECONDS.get(said)
        if not seconds:
            raise InputError(source, line, text, f"a period, such as **{item.name}**: Every 6 hours")
        return Limit("data_age", seconds, "s", "<", "elapsed", f"{source}:{line}")
    return None
