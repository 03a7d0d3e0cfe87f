"""How severe was it? Flows in: the requests of a drill, its outages and lost writes, and what the runbook
says of each severity. Flows out: the severity that users felt, or those that it may have been and what would
tell.

The runbook's own words decide: its levels say of what kind each is (the service down, data lost, a function
out, slow), and the symptoms of a section that names its severity say from what share of errors on a function
counts as an important one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from drill.baselines.severities import severity_of
from drill.judge.case import Case
from drill.recording import Requests
from drill.report import units
from drill.runbook import Runbook
from drill.statistics import proportion_interval

Effect = Literal["down", "data lost", "important function", "lesser function", "slow"]
SERVED_SHARE = 0.05
"""Nobody was served where at most this share may have been, at 95 %: 72 failures in a row say so."""
IN_A_ROW = next(count for count in range(1, 1000) if proportion_interval(0, count)[1] <= SERVED_SHARE)
NAMED = re.compile(r"\b(?:P|SEV)-?[0-9]\b")
ERROR_SHARE = re.compile(
    r"error rate\s*(?:>|≥|>=|above|over)\s*(?P<percent>[0-9]+(?:\.[0-9]+)?)\s*%", re.IGNORECASE
)
SAYS: Mapping[Effect, re.Pattern[str]] = {
    "down": re.compile(r"\bdown\b", re.IGNORECASE),
    "data lost": re.compile(r"\bdata\b.*\blos", re.IGNORECASE),
    "lesser function": re.compile(r"\b(?:lesser|minor|small)\b[^,]*\bfunction", re.IGNORECASE),
    "important function": re.compile(r"\bfunction", re.IGNORECASE),
    "slow": re.compile(r"\bslow|\bperformance", re.IGNORECASE),
}


@dataclass(frozen=True)
class StatedSeverity:
    """A severity that the runbook gives to an effect. `line`: where it does."""

    name: str
    line: int


@dataclass(frozen=True)
class SeverityRules:
    """What the runbook says. `levels`: by effect, as far as it names them; `error_share`: from this share of
    failed requests on it is an important function, None where no section states one, at `error_line`."""

    levels: Mapping[Effect, StatedSeverity]
    error_share: float | None = None
    error_line: int = 0


@dataclass(frozen=True)
class FeltSeverity:
    """`name`: the severity, empty where it could not be told; `possible`: those that it may be; `because`: in
    a sentence, with the runbook's line; `would_tell`: what would decide, empty where it is decided;
    `nobody_served`: that was seen; `lines`: of the runbook, by which it was told."""

    name: str
    possible: tuple[str, ...]
    because: str
    would_tell: str = ""
    nobody_served: bool = False
    lines: tuple[int, ...] = ()


def rules_of(runbook: Runbook, title: str) -> SeverityRules:
    """Read the levels of the section `title`, and the share of errors of a section that names its severity.
    Raises InputError where there is no such section or no list in it."""
    levels: dict[Effect, StatedSeverity] = {}
    for item in runbook.items_of(title):
        named = NAMED.search(item.text)
        name = severity_of(named[0]) if named else None
        if name is None:
            continue
        found = [effect for effect, pattern in SAYS.items() if pattern.search(item.text)]
        if "lesser function" in found:
            found.remove("important function")
        for effect in found:
            levels.setdefault(effect, StatedSeverity(name, item.line))
    important = levels.get("important function")
    for item in runbook.items:
        share = ERROR_SHARE.search(item.text)
        named = NAMED.search(item.section.title)
        if share and named and important and severity_of(named[0]) == important.name:
            return SeverityRules(levels, float(share["percent"]) / 100, item.line)
    return SeverityRules(levels)


def felt_severity(case: Case, lost: int | None, rules: SeverityRules) -> FeltSeverity:
    """Of a drill in which users were out. `lost`: acknowledged writes that were lost, None where nobody
    looked."""
    told = [_of_service(case, rules)]
    if lost:
        told.append(_stated(rules, "data lost", f"{lost} acknowledged write{'' if lost == 1 else 's'} lost"))
    decided = sorted((each for each in told if each.name), key=lambda each: _rank(each.name))
    open_ones = [each for each in told if not each.name]
    if decided and all(
        each.possible and _rank(min(each.possible, key=_rank)) >= _rank(decided[0].name) for each in open_ones
    ):
        return decided[0]
    return (open_ones or decided)[0]


def _rank(name: str) -> int:
    return int(name[-1])


def _stated(rules: SeverityRules, effect: Effect, because: str) -> FeltSeverity:
    level = rules.levels.get(effect)
    if level is None:
        return FeltSeverity("", (), because, f"a severity level of the runbook that speaks of it: {effect}")
    said = f"{because} (runbook line {level.line})"
    return FeltSeverity(level.name, (level.name,), said, lines=(level.line,))


def _of_service(case: Case, rules: SeverityRules) -> FeltSeverity:
    failed = [each for each in case.timeline.outages if each.felt == "failed"]
    if not failed:
        return _stated(rules, "slow", "requests were answered, and late")
    ends = [case.timeline.watched[1] if each.end is None else each.end for each in failed]
    out = [case.account.measured.between(each.start, end) for each, end in zip(failed, ends, strict=True)]
    row = max(map(_longest_row, out, ends))
    requests, bad = sum(len(each) for each in out), sum(int(each.failed.sum()) for each in out)
    if row[0] >= IN_A_ROW:
        length = units.seconds_text(row[1])
        why = f"nobody was served for {length}: {row[0]} requests failed in a row"
        return replace(_stated(rules, "down", why), nobody_served=True)
    part = _of_part(requests, bad, rules)
    if bad < requests or not requests:
        return part
    down = rules.levels.get("down")
    possible = tuple(dict.fromkeys([*([down.name] if down else ()), *part.possible]))
    why = f"all {bad} requests failed, too few to say that nobody was served"
    return FeltSeverity("", possible, why, f"{IN_A_ROW} requests in a row")


def _of_part(requests: int, bad: int, rules: SeverityRules) -> FeltSeverity:
    """Some were served."""
    low, high = proportion_interval(bad, requests)
    share = f"{units.quantity(bad / requests if requests else 0.0, 'ratio')} of {requests} requests failed"
    both = [
        rules.levels[each].name for each in ("important function", "lesser function") if each in rules.levels
    ]
    if rules.error_share is None:
        return FeltSeverity(
            "", tuple(both), share, "an error rate among the symptoms of a section with a severity"
        )
    asked = f"{units.quantity(rules.error_share, 'ratio')} (line {rules.error_line})"
    if low > rules.error_share or high < rules.error_share:
        effect: Effect = "important function" if low > rules.error_share else "lesser function"
        than = "more" if low > rules.error_share else "less"
        told = _stated(rules, effect, f"{share}, {than} than {asked}")
        return replace(told, lines=(*told.lines, rules.error_line))
    return FeltSeverity(
        "",
        tuple(both),
        f"{share}, {units.interval_text((low, high), 'ratio')} at 95 %, on both sides of {asked}",
        "more requests while users are out",
    )


def _longest_row(requests: Requests, end: float) -> tuple[int, float]:
    """The longest row of failures without one served between: how many, and for how many seconds. `end`: of
    the outage, monotonic seconds."""
    edges = np.flatnonzero(np.diff(requests.failed.astype(np.int8), prepend=0, append=0))
    moments = [*requests.planned.tolist(), end]
    rows = [
        (int(last - first), moments[last] - moments[first])
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]
    return max(rows, default=(0, 0.0))
