"""The present, against which drill compares what is stored: how old a proof is, what is due today.

Ask as `present.today()`, not by a name of your own for the function: a test states the present by replacing
`wall`. What is measured takes its moments from drill.recording.clock.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime


def wall() -> float:
    """Seconds since the epoch."""
    return time.time()


def today() -> date:
    """The day, in UTC, whatever the machine's own zone."""
    return datetime.fromtimestamp(wall(), UTC).date()
