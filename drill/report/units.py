"""Numbers as people read them. Flows in: a value and its unit, as the judge gives them. Flows out: short text
with a sensible unit.

Four digits are kept, so that a value a thousandth over its limit is not shown as the limit.
"""

from __future__ import annotations

import math

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SECONDS = {"s", "second", "seconds"}
RATIOS = {"ratio", "share", "1"}


def seconds_text(seconds: float) -> str:
    """`seconds` as 4.2 ms, 340 ms, 12.3 s, 2 min 5 s, 6 h or 1 d 2 h."""
    if seconds < 0:
        return "−" + seconds_text(-seconds)
    if seconds < 1:
        return f"{_significant(seconds * 1000)} ms"
    if seconds < 2 * MINUTE:
        return f"{_significant(seconds)} s"
    if seconds < 2 * HOUR:
        return _two_units(seconds, MINUTE, "min", 1.0, "s")
    if seconds < 2 * DAY:
        return _two_units(seconds, HOUR, "h", MINUTE, "min")
    return _two_units(seconds, DAY, "d", HOUR, "h")


def _two_units(seconds: float, large: float, large_name: str, small: float, small_name: str) -> str:
    whole, rest = divmod(round(seconds / small), round(large / small))
    return f"{whole} {large_name} {rest} {small_name}" if rest else f"{whole} {large_name}"


def quantity(value: float | None, unit: str) -> str:
    """`value` in `unit` ("s", "ratio", or anything else, which is shown as it is). A dash where there is no
    value.
    """
    if value is None:
        return "–"
    if unit in SECONDS:
        return seconds_text(value)
    if unit in RATIOS:
        return f"{_significant(value * 100)} %"
    return f"{_significant(value)} {unit}".strip()


def interval_text(interval: tuple[float, float] | None, unit: str) -> str:
    """The confidence interval as "from – to"; empty where there is none."""
    return "" if interval is None else f"{quantity(interval[0], unit)} – {quantity(interval[1], unit)}"


def _significant(value: float) -> str:
    """Four significant digits and no exponent, without zeros that say nothing; thousands apart."""
    if value == round(value) or abs(value) >= 1000:
        return f"{round(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    digits = 3 - math.floor(math.log10(abs(value)))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")
