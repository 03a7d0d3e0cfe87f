"""[gate]: what a candidate is held to, and whose exceptions are let pass for how long."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from drill.settings.section import Section, Text

Measured = Literal[
    "p50", "p95", "p99", "error_rate", "throughput", "recovery", "phase", "writes_lost", "cpu", "memory"
]
GateCriterion = Literal[Measured, "limits", "drift"]
RATIO, SECONDS, SHARE = "ratio", "s", "share"
UNITS = MappingProxyType(
    {
        "p50": RATIO,
        "p95": RATIO,
        "p99": RATIO,
        "error_rate": SHARE,
        "throughput": RATIO,
        "recovery": SECONDS,
        "phase": SECONDS,
        "writes_lost": SHARE,
        "cpu": RATIO,
        "memory": RATIO,
    }
)
"""Of what each is compared by: ratio (0.2: by a fifth), s (seconds), share (of requests, of writes)."""
MINIMUM_EFFECTS: dict[Measured, float] = {
    "p50": 0.2,
    "p95": 0.2,
    "p99": 0.5,
    "error_rate": 0.002,
    "throughput": 0.02,
    "recovery": 2.0,
    "phase": 2.0,
    "writes_lost": 0.002,
    "cpu": 0.2,
    "memory": 0.2,
}


class Waiver(Section):
    """An exception that somebody answers for."""

    criterion: Text
    """As `drill gate` prints it: "p95 GET /campaigns", or "p95" for all of them."""
    owner: Text
    reason: Text
    expires: date
    """The last day on which it counts; afterwards it blocks."""


class Gate(Section):
    false_alarms: Annotated[float, Field(gt=0, le=0.2, strict=True)] = 0.01
    """In so many decisions on a candidate that is no worse, something may be called a regression."""
    misses: Annotated[float, Field(gt=0, le=0.2, strict=True)] = 0.05
    """In so many decisions, a difference of the minimum effect may pass."""
    run_spread: Annotated[float, Field(ge=0, le=1, strict=True)] = 0.03
    """So much runs of one image are expected to differ beside what is seen within them, a share; more where
    the history has shown more."""
    runs: Annotated[int, Field(ge=1, le=1_000, strict=True)] = 10
    """The last ones of the history that are a baseline where none is named."""
    block: tuple[GateCriterion, ...] = (
        "limits",
        "p95",
        "error_rate",
        "throughput",
        "recovery",
        "writes_lost",
        "cpu",
        "memory",
    )
    warn: tuple[GateCriterion, ...] = ("p50", "p99", "phase", "drift")
    minimum_effects: dict[Measured, Annotated[float, Field(gt=0, le=1_000, strict=True)]] = Field(
        default_factory=lambda: dict(MINIMUM_EFFECTS)
    )
    waivers: tuple[Waiver, ...] = ()

    def minimum_effect(self, criterion: str) -> float:
        """Of a criterion that is measured; that of drill itself where the file states none."""
        stated = {str(name): effect for name, effect in (MINIMUM_EFFECTS | self.minimum_effects).items()}
        return stated[criterion]
