"""How near an alert came to firing: what its expression compares with a number, over time. Flows in: rules
and a replayed case. Flows out: a curve with its threshold for each comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import promql_parser

from drill.alerts.engine import values_of
from drill.alerts.expressions import DEEPEST
from drill.alerts.rules import AlertRule
from drill.alerts.series import SeriesFile
from drill.errors import DrillError
from drill.recording.events import AlertCurve

BEFORE_SECONDS = 60.0
"""So much is told of before the fault."""
LEAST_SECONDS, MORE_SHARE = 120.0, 1.25
"""So much is told in any case, and so much longer than the last alert took to fire."""
TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
TOGETHER = ("and", "or", "unless")
DIGITS = 6


class Comparison(msgspec.Struct, frozen=True):
    """A part of an alert's expression: `expression` `sign` `threshold`, such as a rate > 0.05."""

    expression: str
    sign: str
    threshold: float


def comparisons_of(rule: AlertRule) -> list[Comparison]:
    """Those that together are the alert's expression; none where it compares nothing with a number."""
    try:
        tree = promql_parser.parse(rule.expression)
    except ValueError:
        return []
    return list(_compared(tree, 0))


def curves_of(
    promtool: Path, rules: Sequence[AlertRule], case: SeriesFile, origin: float, until: float
) -> list[AlertCurve]:
    """The curves of all rules over a case, from a minute before `origin` until `until`, seconds since the
    case's first scrape. None where Prometheus cannot evaluate them: a picture is then without."""
    asked = [(rule, each) for rule in rules for each in comparisons_of(rule)]
    if not asked:
        return []
    every = case.header.scrape_seconds
    first = max(0, math.ceil((origin - BEFORE_SECONDS) / every))
    last = math.floor(min(until, case.last_seconds) / every)
    times = [number * every for number in range(first, last + 1)]
    try:
        found = values_of(promtool, case, [each.expression for _, each in asked], times)
    except DrillError:
        return []
    return [
        AlertCurve(
            rule.name,
            each.expression,
            each.sign,
            each.threshold,
            round(first * every - origin, 3),
            every,
            [_nearest(values.get(seconds, []), each) for seconds in times],
        )
        for (rule, each), values in zip(asked, found, strict=True)
    ]


def told_until(firing: Sequence[float], until: float) -> float:
    """When all is told, in seconds from the fault. `firing`: when alerts fire; where none does, the end of
    the fault is waited for."""
    return min(until, max([LEAST_SECONDS, *(MORE_SHARE * each for each in firing)])) if firing else until


def _compared(node: Any, depth: int) -> Iterator[Comparison]:
    kind = type(node).__name__
    if depth > DEEPEST:
        return
    if kind == "ParenExpr":
        yield from _compared(node.expr, depth + 1)
    if kind != "BinaryExpr":
        return
    sign = str(node.op)
    if sign in TOGETHER:
        yield from _compared(node.lhs, depth + 1)
        yield from _compared(node.rhs, depth + 1)
    elif sign in TURNED:
        if type(node.rhs).__name__ == "NumberLiteral":
            yield Comparison(_told(node.lhs), sign, float(str(node.rhs)))
        elif type(node.lhs).__name__ == "NumberLiteral":
            yield Comparison(_told(node.rhs), TURNED[sign], float(str(node.lhs)))


def _told(node: Any) -> str:
    return " ".join(node.prettify().split())


def _nearest(values: Sequence[float], compared: Comparison) -> float | None:
    """The value that is nearest to what lets the alert fire."""
    finite = [each for each in values if math.isfinite(each)]
    if not finite:
        return None
    if compared.sign.startswith(">"):
        chosen = max(finite)
    elif compared.sign.startswith("<"):
        chosen = min(finite)
    else:
        chosen = min(finite, key=lambda each: abs(each - compared.threshold))
    return float(f"{chosen:.{DIGITS}g}")
