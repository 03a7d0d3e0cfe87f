"""`drill calibrate`: a drill of nothing measures the target's own noise, and a stepped load how much it can
serve.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from drill.cluster.access import Cluster
from drill.cluster.lease import Holder, hold
from drill.conduct.book import Book
from drill.conduct.drill import Drill
from drill.conduct.ground import cluster_facts, ground_of
from drill.conduct.keeping import keep_calibration
from drill.conduct.scenario import Facts
from drill.errors import FaultError
from drill.judge.verdict import DrillVerdict
from drill.load.calibration import calibrate as noise_of
from drill.load.calibration import measure_capacity
from drill.putback import put_back
from drill.recording import RECORDING, REQUESTS, read_events
from drill.recording.events import Calibration, Limit
from drill.recording.requests import stream_requests
from drill.report.live import LiveLine
from drill.settings import Settings

NAME = "calibration"


@dataclass(frozen=True)
class Calibrated:
    """What was measured. `verdict`: on the drill of nothing, which must be a pass; `kept`: where it lies."""

    calibration: Calibration
    verdict: DrillVerdict
    kept: Path

    def lines(self) -> list[str]:
        """The same for people."""
        found = self.calibration
        capacity = "not even the lowest rate" if found.capacity is None else f"{found.capacity:g} requests/s"
        return [
            f"dispersion of failures: {found.dispersion:.2f} (1: they come one by one)",
            f"latencies depend on each other for {found.correlation_seconds:.2f} s",
            f"served within the limits: {capacity}",
            f"the load sent 99 % of requests within {found.lateness_seconds * 1000:.1f} ms of their time",
            f"the machine's cores were busy for {found.machine_busy_share:.0%}",
            f"kept for {NAME} of later drills: {self.kept}",
        ]


def calibrate(
    settings: Settings, cluster: Cluster, folder: Path, *, seconds: float, allow_context: str | None = None
) -> Calibrated:
    """Watch the target for `seconds` with nothing broken, then step the load up. The evidence goes to
    `folder`.

    Raises SetupError where the target is not well or the load could not be measured, FaultError where nothing
    was broken and the drill of nothing fails all the same: such a target, or such a drill, cannot be judged.
    """
    with hold(cluster, Holder.of_this_process(NAME)):
        put_back(settings, cluster)
        facts = cluster_facts(settings, cluster)
        verdict = _drill_of_nothing(settings, cluster, folder, seconds, allow_context)
        if verdict.verdict == "fail":
            raise FaultError(f"nothing was broken, and yet: {verdict.why}; evidence: {folder}")
        stated = Book(settings).limits("")
        limits = {name: msgspec.convert(limit, Limit) for name, limit in stated.items()}
        capacity = measure_capacity(settings, folder / "capacity", limits)
        found = noise_of(
            [request for chunk in stream_requests(folder / REQUESTS) for request in chunk],
            read_events(folder / RECORDING),
            capacity=capacity,
            digest=ground_of(settings, facts, ()).digest,
        )
        found = msgspec.structs.replace(found, taken_wall=time.time())
        return Calibrated(found, verdict, keep_calibration(settings, facts, found, folder, NAME))


def _drill_of_nothing(
    settings: Settings, cluster: Cluster, folder: Path, seconds: float, allow_context: str | None
) -> DrillVerdict:
    longer = settings.judge.model_copy(update={"after_seconds": seconds, "after_at_most_seconds": seconds})
    watched = settings.model_copy(update={"judge": longer})
    facts = Facts(
        drill=NAME,
        feature="Calibration",
        scenario="Nothing is broken, and nobody acts",
        tags=(),
        severity="",
        faults=(),
        procedures=(),
        nothing_broken=True,
        expected="pass",
        control=False,
        restores=False,
        backed_up=False,
    )
    live = LiveLine()
    drill = Drill(watched, cluster, Book(settings), facts, folder, live=live, allow_context=allow_context)
    try:
        drill.gate()
        drill.start_load()
        drill.break_nothing()
        return drill.verdict
    finally:
        troubles = drill.close()
        live.end()
        if troubles:
            raise FaultError("; ".join(troubles))
