"""[judge]: how long to look and how much to see before saying pass or fail. Limits themselves come from the
runbook's text."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from drill.settings.section import Days, Seconds, Section


class Judge(Section):
    minimum_requests: Annotated[int, Field(gt=0, le=10_000_000, strict=True)] = 500
    before_seconds: Annotated[float, Field(gt=0, le=25, strict=True)] = 3
    hold_seconds: Seconds = 5
    after_seconds: Seconds = 22
    after_at_most_seconds: Seconds = 66
    patience_seconds: Seconds = 20
    watch_at_most_seconds: Seconds = 900
    """A service that is still on its way back after patience is watched no longer than this after the last
    one acted.
    """
    witness_seconds: Seconds = 15
    command_seconds: Seconds = 8
    command_hung_seconds: Seconds = 120
    controls_days: Days = 7
    """A kept control that is older is measured anew."""
    calibration_days: Days = 7
    """A kept calibration that is older is not used."""
