"""Response times by severity, and the backup schedule. Flows in: items such as `**P1**: 1 hour`. Flows out:
limits in seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drill.baselines.limits import Item, Limit, named_item, refusal, states_limit
from drill.baselines.quantities import UNIT_SECONDS, NotUnderstoodError, Stated, number, plain, stated
from drill.baselines.severities import severity_of

RESPONSE_WORDS = frozenset(
    {
        "24/7",
        "24x7",
        "a",
        "an",
        "the",
        "in",
        "of",
        "is",
        "be",
        "response",
        "respond",
        "responded",
        "time",
        "immediate",
        "immediately",
        "initial",
        "target",
        "sla",
        "goal",
        "restore",
        "restored",
        "restoration",
        "resolve",
        "resolved",
        "resolution",
        "recover",
        "recovered",
        "recovery",
    }
)
SEVERITY_WORDS = frozenset(
    {
        "blocker",
        "cosmetic",
        "critical",
        "emergency",
        "high",
        "incident",
        "incidents",
        "info",
        "informational",
        "issue",
        "issues",
        "low",
        "major",
        "medium",
        "minor",
        "moderate",
        "normal",
        "outage",
        "priority",
        "severe",
        "severity",
        "trivial",
        "urgent",
    }
)
LEADING_SEVERITY = re.compile(
    r"(?P<severity>(?:P|Priority|SEV|Severity)[ -]?[0-9])\b(?P<rest>.*)", re.IGNORECASE
)
PERIOD_SECONDS = {"hourly": 3600.0, "daily": 86400.0, "nightly": 86400.0, "weekly": 604800.0}
_UNITS = "|".join(sorted(UNIT_SECONDS, key=len, reverse=True))
PERIOD = re.compile(
    rf"(?:(?P<named>{'|'.join(PERIOD_SECONDS)})"
    rf"|every (?:(?P<number>[-+]?[0-9][0-9.,]*)\s?)?(?P<unit>{_UNITS}))"
    r"(?: at [0-9]{1,2}(?::[0-9]{2})?(?: ?[ap]m)?(?: \(?utc\)?)?)?",
    re.ASCII,
)
DATABASE = ("database", "databases", "db", "database backup", "database backups")


def parse_response_times(items: Sequence[tuple[int, str]], source: str) -> dict[str, Limit]:
    """The limit "recovered" of each severity, by its name ("P0", "SEV1"). `items`: (line, text); `source`:
    the runbook's file name.

    An item without a severity, a number and a comparison states no limit. Raises InputError for any other
    that cannot be read as a whole: one severity, one duration.
    """
    limits: dict[str, Limit] = {}
    for line, text in items:
        item = named_item(text)
        severity, said = _severity(item)
        if severity is None:
            if states_limit(item):
                raise refusal(source, line, text, "a severity and its response time, such as **P1**: 1 hour")
            continue
        try:
            found = _upper_time(said)
        except NotUnderstoodError as error:
            raise refusal(
                source, line, text, f"one duration, such as **{severity}**: 1 hour ({error})"
            ) from error
        if severity in limits:
            raise refusal(
                source, line, text, f"one response time for {severity}; see {limits[severity].source}"
            )
        limits[severity] = Limit(
            "recovered", found.value, "s", found.comparison or "<", "elapsed", f"{source}:{line}"
        )
    return limits


def parse_schedule(items: Sequence[tuple[int, str]], source: str) -> Limit | None:
    """The limit "data_age" from the backup schedule of the database: data may be as old as one period. None
    where no item names it; other items are other backups'.

    Raises InputError where the period cannot be read, and where two items state one.
    """
    limit: Limit | None = None
    for line, text in items:
        item = named_item(text)
        if item.name.lower() not in DATABASE:
            if not item.name and re.search(r"\b(?:database|db)s?\b", item.said, re.IGNORECASE):
                raise refusal(source, line, text, "a name and a period, such as **Database**: Every 6 hours")
            continue
        if limit is not None:
            raise refusal(source, line, text, f"one schedule of the database; see {limit.source}")
        try:
            seconds = _period(item.said)
        except NotUnderstoodError as error:
            raise refusal(
                source, line, text, f"a period, such as **{item.name}**: Every 6 hours ({error})"
            ) from error
        limit = Limit("data_age", seconds, "s", "<", "elapsed", f"{source}:{line}")
    return limit


def _upper_time(said: str) -> Stated:
    found = stated(said, "time", RESPONSE_WORDS)
    if found.comparison in {">", ">="}:
        raise NotUnderstoodError("a response time is at most so long")
    if found.percentile is not None:
        raise NotUnderstoodError("a percentile of what is not said")
    return found


def _severity(item: Item) -> tuple[str | None, str]:
    """The severity that an item is about, and all that it says of it. A word for it, as in `P0 (Critical)`,
    belongs to the name."""
    whole = f"{item.name}: {item.said}"
    match = LEADING_SEVERITY.match(item.name or item.said)
    if match is None:
        named = {word: severity_of(word) for word in re.findall(r"\b(?:P|SEV)-?[0-9]\b", whole)}
        return next(iter(named.values())) if len(named) == 1 else None, whole
    name_rest = plain(match["rest"])
    words = set(re.findall(r"[a-z]+", name_rest.lower()))
    if words <= SEVERITY_WORDS and re.fullmatch(r"[\s(),/:a-z-]*", name_rest, re.IGNORECASE):
        return severity_of(match["severity"]), item.said if item.name else name_rest
    return severity_of(match["severity"]), f"{name_rest} {item.said}" if item.name else name_rest


def _period(said: str) -> float:
    """Seconds between two backups."""
    match = PERIOD.fullmatch(said.rstrip(". ").lower())
    if match is None:
        raise NotUnderstoodError(f"{said[:60]!r} is not understood")
    if match["named"]:
        return PERIOD_SECONDS[match["named"]]
    return (number(match["number"]) if match["number"] else 1.0) * UNIT_SECONDS[match["unit"]]
