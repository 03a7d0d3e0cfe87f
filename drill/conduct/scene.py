"""What all stages of one drill share: the target, the facts of the scenario, the recording, what users see,
the live line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drill.cluster.access import Cluster
from drill.conduct.book import Book
from drill.conduct.scenario import Facts
from drill.load.tail import RequestTail
from drill.recording import Recorder
from drill.recording.events import Calibration, Limit
from drill.report.live import LiveLine
from drill.settings import Settings


@dataclass(frozen=True)
class Scene:
    """One drill's surroundings. `folder`: its evidence; `limits`: by name, as drill.started carries them;
    `allow_context`: a context that the command line allows although it is not kind-*; `calibration`: None
    where none is kept."""

    settings: Settings
    cluster: Cluster
    book: Book
    facts: Facts
    folder: Path
    recorder: Recorder
    tail: RequestTail
    live: LiveLine
    limits: Mapping[str, Limit]
    allow_context: str | None = None
    calibration: Calibration | None = None

    def show(self, phase: str, awaiting: str) -> None:
        """Bring the live line up to date."""
        self.tail.poll()
        summary = self.tail.summary()
        self.live.update(
            phase=phase,
            requests_per_second=summary.requests_per_second,
            p95_seconds=summary.p95_seconds,
            error_share=summary.error_share,
            awaiting=awaiting,
        )
