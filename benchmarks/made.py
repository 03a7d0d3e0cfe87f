"""What happens in a drill that a benchmark makes. Flows in: when. Flows out: its events, but samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WITNESS_SECONDS = 0.5


def course(
    started: Mapping[str, Any], injected: float, end: float, acknowledged: int
) -> list[tuple[float, str, dict[str, Any]]]:
    """Of a drill with one fault, `x`, that is witnessed, and without a lost write: moments, kinds and data,
    in order. `started`: the data of drill.started; `injected`, and `end` of watching: seconds since the load
    began; `acknowledged`: writes."""
    load = {name: started["settings"][name] for name in ("requests_per_second", "timeout_seconds")}
    witnessed = {"fault": "x", "what": "no endpoints", "seconds": WITNESS_SECONDS}
    return [
        (0.0, "drill.started", dict(started)),
        (0.0, "health.gate", {"healthy": True}),
        (0.0, "load.started", load),
        (0.0, "window.opened", {"window": "before"}),
        (injected, "fault.injected", {"fault": "x"}),
        (injected + WITNESS_SECONDS, "fault.witnessed", witnessed),
        (end, "window.closed", {"window": "after"}),
        (end + 0.5, "load.stopped", {"exit_status": 0}),
        (end + 1, "writes.audited", {"acknowledged": acknowledged, "checked": acknowledged}),
    ]
