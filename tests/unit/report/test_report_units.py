"""Numbers as people read them."""

from __future__ import annotations

import pytest

from drill.report.units import interval_text, quantity, seconds_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.00042, "0.42 ms"),
        (0.0213, "21.3 ms"),
        (0.5, "500 ms"),
        (0.9999, "999.9 ms"),
        (1.0, "1 s"),
        (19.42, "19.42 s"),
        (119.0, "119 s"),
        (125.0, "2 min 5 s"),
        (900.0, "15 min"),
        (119.9 * 60, "119 min 54 s"),
        (6 * 3600.0, "6 h"),
        (26 * 3600.0, "26 h"),
        (50 * 3600.0, "2 d 2 h"),
        (-3.0, "−3 s"),
    ],
)
def test_seconds(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.001, "ratio", "0.1 %"),
        (0.00087, "ratio", "0.087 %"),
        (0.7, "ratio", "70 %"),
        (2 / 1200, "ratio", "0.1667 %"),
        (0.5, "s", "500 ms"),
        (0.0, "writes", "0 writes"),
        (7200, "", "7\N{NARROW NO-BREAK SPACE}200"),
        (None, "s", "–"),
    ],
)
def test_quantity(value: float | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_a_value_over_its_limit_is_not_rounded_onto_it() -> None:
    assert quantity(0.5004, "s") == "500.4 ms"
    assert quantity(0.7001, "ratio") == "70.01 %"


def test_interval() -> None:
    assert interval_text((0.0205, 0.0224), "s") == "20.5 ms – 22.4 ms"
    assert interval_text(None, "s") == ""
