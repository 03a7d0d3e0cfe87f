"""The rows of `python -m benchmarks --only gate-live`: what is no worse must not be blocked, what is must."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.__main__ import parsed
from benchmarks.gate_live import VARIANTS, Seen, row_of
from benchmarks.slowed.slowed import from_environment


def seen(outcome: str, *names: str, more_seconds: float | None = None) -> Seen:
    rows: list[dict[str, Any]] = [
        {"name": name, "outcome": "regression", "blocks": True, "waived": ""} for name in names
    ]
    rows.append({"name": "p99", "outcome": "regression", "blocks": False, "waived": ""})
    whole = {"outcome": outcome, "more_seconds": more_seconds, "decision": {"rows": rows, "by": "drills"}}
    return Seen(0, whole, "a line\n", 123.4)


@pytest.mark.parametrize(
    ("variant", "what", "measured", "outcome"),
    [
        ("same", seen("pass"), "pass, 123 s", "reached"),
        ("same", seen("regression", "p95"), "regression by p95, 123 s", "missed"),
        (
            "same",
            seen("inconclusive", more_seconds=80.0),
            "inconclusive, 123 s; 80 s more of drills would decide",
            "reached",
        ),
        ("same", seen("inconclusive"), "inconclusive, 123 s", "missed"),
        ("p95+50", seen("regression", "p95", "cpu"), "regression by p95, cpu, 123 s", "reached"),
        ("p95+50", seen("pass"), "pass, 123 s", "missed"),
        ("memory+20", seen("inconclusive", more_seconds=9.0), None, "missed"),
    ],
)
def test_what_is_worse_must_be_blocked_and_only_that(
    variant: str, what: Seen, measured: str | None, outcome: str
) -> None:
    row = row_of(variant, what)
    assert row.outcome == outcome
    assert measured is None or row.measured == measured
    assert row.notes == ("a line",)


def test_every_variant_but_two_is_worse() -> None:
    amounts = {
        variant: from_environment({f"SLOWED_{name}": amount for name, amount in given.items()})
        for variant, given in VARIANTS.items()
    }
    nothing = from_environment({})
    assert [variant for variant, worse in amounts.items() if worse == nothing] == ["same", "neutral"]
    assert amounts["p95+50"].latency == 0.5
    assert amounts["errors+0.2"].errors == 0.002


def test_variants_are_chosen_by_name() -> None:
    assert parsed(["--only", "gate-live"])[1].variants == ("same", "p95+50", "memory+20")
    assert parsed(["--variant", "errors+0.5"])[1].variants == ("errors+0.5",)
    with pytest.raises(SystemExit):
        parsed(["--variant", "p95+51"])
