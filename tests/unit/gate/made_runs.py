"""Runs as the gate sees them, for its tests: drawn by a seeded generator, so that tests of a decision need no
files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drill.gate.observed import ALL, DrillLevel, Key, SeenDrill, SeenRun
from drill.statistics import Counted

NAME = "GET /campaigns"
SECONDS = 40.0
REQUESTS = 3300


@dataclass(frozen=True)
class Truth:
    """What a run is like. `slower`, `heavier`: factors of latencies, and of CPU and memory; `failing`: share
    of requests; `recovery`: seconds; `lost`: writes of 900 in each drill; `noise`: of one drill, a share;
    `drills`: how many; `elsewhere`: of the machine's cores, busy with other things."""

    slower: float = 1.0
    heavier: float = 1.0
    failing: float = 0.0
    recovery: float = 12.0
    lost: int = 0
    noise: float = 0.02
    served: float = 1.0
    drills: int = 8
    elsewhere: float | None = None


def run(name: str, truth: Truth = Truth(), *, day: float = 0.0, seed: int = 0) -> SeenRun:
    """One run; the same for the same name and seed."""
    random = np.random.default_rng([seed, *name.encode()])
    made = [_drill(f"drill-{number}", truth, random, number) for number in range(truth.drills)]
    return SeenRun(name, day * 86400.0, {each.drill: each for each in made})


def runs(count: int, truth: Truth = Truth(), *, prefix: str = "night", seed: int = 0) -> list[SeenRun]:
    """So many of the same kind, a day apart."""
    return [run(f"{prefix}-{number}", truth, day=number, seed=seed) for number in range(count)]


def _drill(name: str, truth: Truth, random: np.random.Generator, number: int) -> SeenDrill:
    def level(value: float) -> DrillLevel:
        return DrillLevel(float(np.log(value) + random.normal() * truth.noise))

    levels = {
        Key("p50", NAME): level(0.03 * truth.slower),
        Key("p95", NAME): level(0.1 * truth.slower),
        Key("p95", ALL): level(0.1 * truth.slower),
        Key("p99", NAME): level(0.2 * truth.slower),
        Key("throughput"): DrillLevel(float(np.log(150 * truth.served) + random.normal() * truth.noise / 20)),
        Key("cpu"): level(0.004 * truth.heavier),
        Key("memory"): level(1e6 * truth.heavier),
        Key("recovery"): DrillLevel(truth.recovery + number + random.normal() * 10 * truth.noise),
        Key("phase", "witnessed to recovered"): DrillLevel(
            truth.recovery + random.normal() * 10 * truth.noise
        ),
    }
    counts = {
        Key("error_rate"): Counted(int(random.binomial(REQUESTS, truth.failing)), REQUESTS),
        Key("writes_lost"): Counted(truth.lost, 900),
    }
    return SeenDrill(
        name, name, SECONDS, "pass", True, "", levels, counts, per_second=150.0, elsewhere=truth.elsewhere
    )
