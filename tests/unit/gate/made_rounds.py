"""Rounds of load whose truth is known: folders as `drill gate rounds` leaves them, made here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from drill.gate.plain_load import Driven
from drill.recording import RECORDING, REQUESTS, Moment, Recorder
from drill.recording.events import LoadTrouble, PodResources, ResourcesSampled

WALL = 1_790_000_000.0


@dataclass(frozen=True)
class Like:
    """What an image is like. `slow`: seconds that a request takes at the median; `spread`: of the logarithm;
    `failing`: share of requests; `cores`, `memory_bytes`: of its one pod; `stalled`: so many seconds of each
    stretch the load itself stands still; `silent`: from so many seconds on it sends nothing at all."""

    slow: float = 0.01
    spread: float = 0.3
    failing: float = 0.0
    cores: float = 0.1
    memory_bytes: int = 50_000_000
    stalled: float = 0.0
    silent: float = 1e9
    names: dict[str, int] = field(default_factory=lambda: {"GET /": 1})


def write_stretch(
    folder: Path,
    like: Like,
    random: np.random.Generator,
    start: float,
    *,
    seconds: float,
    per_second: float,
) -> Driven:
    """One stretch of load, with the machine's mood of that minute."""
    count, level = round(seconds * per_second), 0.03 * random.normal()
    names = [name for name, weight in like.names.items() for _ in range(weight)]
    folder.mkdir(parents=True)
    lines = []
    for slot in range(count):
        planned = start + slot / per_second
        if planned >= start + like.silent:
            break
        took = like.slow * float(np.exp(level + like.spread * random.normal()))
        row = {
            "planned": planned,
            "sent": planned,
            "finished": planned + took,
            "name": names[slot % len(names)],
        }
        failed = random.random() < like.failing
        lines.append(json.dumps(row | ({"status": 500, "error": "500"} if failed else {"status": 200})))
    (folder / REQUESTS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    recorder = Recorder(folder / RECORDING)
    for moment in np.arange(0.0, seconds + 0.1, 1.0).tolist():
        at = start + moment
        pod = PodResources(
            "web-0", cpu_seconds=like.cores * moment, cpu_at=at, memory_bytes=like.memory_bytes
        )
        recorder.record(ResourcesSampled([pod], ["web-0"]), at=Moment(WALL + at, at))
    if like.stalled:
        recorder.record(LoadTrouble(start, start + like.stalled, "it stood still"))
    recorder.close()
    return Driven(start, start + seconds)
