"""Does the gate see what is worse, and only that? Flows in: runs whose truth is known, made here, and the
blocks of a stored run where there is one. Flows out: how often `drill.gate` decides how.

Runs are whole folders, on disk in memory where the machine has that: their drills are judged by the real
judge and read by the gate as any stored run. What two runs of one image differ in is the machine's mood
(RUN_MOOD), which all requests of a run share, and within it that of each drill (DRILL_MOOD); latencies of one
drill depend on each other over CORRELATED_SECONDS; failures come BURST at a time; times to recovery spread by
RECOVERY_SPREAD.

A pair is a candidate (of one run, and of CANDIDATES) and BASELINES runs, drawn without replacement out of a
pool of each kind: runs are resampled, so there are fewer independent pairs than pairs.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats

from benchmarks.made import course
from benchmarks.row import Options, Row, reached
from drill.gate.compare import sides_of
from drill.gate.decide import Decision, decide
from drill.gate.observed import SeenRun, seen_run
from drill.judge.case import Case
from drill.recording import RECORDING, REQUESTS, Moment, Recorder, Request, of_kind
from drill.recording.requests import stream_requests
from drill.run.facts import Facts, StoredDrill, read_facts, write_facts
from drill.run.stored import judge_all, write_verdicts
from drill.settings import Gate

PAIRS, POOL, POOL_OF_EFFECT = 400, 120, 24
BASELINES, FEW, CANDIDATES, DRILLS = 10, 3, 2, 9
RUN_MOOD, DRILL_MOOD, CORRELATED, SPREAD = 0.03, 0.05, 0.25, 0.4
CORRELATED_SECONDS, BURST, ERROR_RATE = 0.7, 2, 0.0002
RECOVERY_SPREAD = 1.0
PER_SECOND, TIMEOUT_SECONDS = 150, 2.0
BEFORE_SECONDS, HOLD_SECONDS, AFTER_SECONDS, SAMPLE_SECONDS = 2.0, 5.0, 22.0, 2.0
NAMES = {
    "GET /campaigns": 40,
    "GET /characters": 25,
    "GET /characters/{id}": 10,
    "POST /campaigns": 15,
    "POST /simulations": 10,
}
MEDIANS = (0.03, 0.02, 0.015, 0.05, 0.08)
CPU_SECONDS, MEMORY_BYTES, USE_SPREAD = 0.004, 200e6, 0.04
LIMITS: dict[str, dict[str, Any]] = {
    "recovered": {"value": 900.0, "unit": "s"},
    "response_time": {"value": 2.0, "unit": "s", "statistic": "p95"},
    "error_rate": {"value": 0.05, "unit": "ratio"},
}
"""So wide that no effect here breaks them: what is measured is the comparison."""
TODAY = date(2026, 1, 1)
WALL = 1_790_000_000.0

Random = np.random.Generator


@dataclass(frozen=True)
class Effect:
    """What is worse. `slower`, `memory`: factors; `errors`: share of requests that fail besides; `recovery`:
    seconds. `criterion`: that is to notice it; `size`: in its unit, to be held against the minimum effect."""

    name: str = "the same image"
    criterion: str = ""
    size: float = 0.0
    slower: float = 1.0
    errors: float = 0.0
    recovery: float = 0.0
    memory: float = 1.0


EFFECTS = (
    Effect("p95 +10 %", "p95", 0.1, slower=1.1),
    Effect("p95 +20 %", "p95", 0.2, slower=1.2),
    Effect("p95 +50 %", "p95", 0.5, slower=1.5),
    Effect("errors +0.2 %", "error_rate", 0.002, errors=0.002),
    Effect("errors +0.5 %", "error_rate", 0.005, errors=0.005),
    Effect("recovery +2 s", "recovery", 2.0, recovery=2.0),
    Effect("recovery +5 s", "recovery", 5.0, recovery=5.0),
    Effect("memory +20 %", "memory", 0.2, memory=1.2),
)


def make_run(folder: Path, random: Random, effect: Effect, spread: float = RUN_MOOD) -> Path:
    """One run, judged. `spread`: of moods from run to run."""
    mood, facts = random.normal() * spread, []
    for number in range(DRILLS):
        name = f"drill-{number}"
        _make_drill(folder / "evidence" / name, random, effect, number, mood)
        facts.append(StoredDrill(name, name, f"evidence/{name}"))
    whole = Facts(folder.name, "made", "generator", started_wall=WALL, exit_status=0, drills=facts)
    write_facts(folder, whole)
    write_verdicts(folder, judge_all(folder, whole))
    return folder


def _make_drill(folder: Path, random: Random, effect: Effect, number: int, mood: float) -> None:
    out = 8.0 + number + random.normal() * RECOVERY_SPREAD + effect.recovery
    back = BEFORE_SECONDS + max(1.0, out)
    count = math.ceil((back + HOLD_SECONDS + AFTER_SECONDS) * PER_SECOND)
    end = count / PER_SECOND
    planned = np.arange(count) / PER_SECOND
    names = random.choice(len(NAMES), size=count, p=np.array(list(NAMES.values())) / sum(NAMES.values()))
    level = mood + random.normal() * DRILL_MOOD + CORRELATED * _drift(random, count)
    latency = np.array(MEDIANS)[names] * np.exp(level + SPREAD * random.normal(size=count)) * effect.slower
    failed = (planned >= BEFORE_SECONDS) & (planned < back)
    first = np.flatnonzero(random.random(count) < ERROR_RATE / BURST)
    for step in range(BURST):
        failed[np.minimum(first + step, count - 1)] = True
    failed |= random.random(count) < effect.errors
    folder.mkdir(parents=True)
    known = list(NAMES)
    (folder / REQUESTS).write_text(
        "".join(
            f'{{"planned":{moment!r},"sent":{moment!r},"finished":{moment + min(took, 1.9)!r},'
            + f'"name":"{known[name]}",'
            + ('"status":503,"error":"503"}\n' if bad else '"status":200}\n')
            for moment, took, name, bad in zip(
                planned.tolist(), latency.tolist(), names.tolist(), failed.tolist(), strict=True
            )
        ),
        encoding="ascii",
    )
    _record(folder, end, random, effect, mood)


def _drift(random: Random, count: int) -> NDArray[np.float64]:
    """Of variance 1, forgetting where it was over CORRELATED_SECONDS."""
    keep = math.exp(-1 / PER_SECOND / CORRELATED_SECONDS)
    noise = random.normal(size=count) * math.sqrt(1 - keep**2)
    level, _ = signal.lfilter([1.0], [1.0, -keep], noise, zi=[keep * random.normal()])
    return np.asarray(level, np.float64)


def _record(folder: Path, end: float, random: Random, effect: Effect, mood: float) -> None:
    name = folder.name
    settings = {
        "minimum_requests": 500,
        "hold_seconds": HOLD_SECONDS,
        "after_seconds": AFTER_SECONDS,
        "patience_seconds": 20,
        "requests_per_second": PER_SECOND,
        "timeout_seconds": TIMEOUT_SECONDS,
    }
    started = {
        "drill": name,
        "scenario": name,
        "settings": settings,
        "limits": LIMITS,
        "faults": [{"fault": "x"}],
    }
    calibration = {"correlation_seconds": CORRELATED_SECONDS, "dispersion": float(BURST)}
    events = course(started | {"calibration": calibration}, BEFORE_SECONDS, end, acknowledged=600)
    cores = PER_SECOND * CPU_SECONDS * math.exp(mood + random.normal() * USE_SPREAD)
    held = MEMORY_BYTES * effect.memory * math.exp(random.normal() * USE_SPREAD)
    for moment in np.arange(0.0, end, SAMPLE_SECONDS).tolist():
        pod = {
            "pod": "a",
            "cpu_seconds": cores * moment,
            "cpu_at": moment,
            "memory_bytes": held * math.exp(random.normal() * 0.01),
        }
        events.append((moment, "sample.resources", {"pods": [pod], "expected": ["a"]}))
    recorder = Recorder(folder / RECORDING)
    for moment, kind, data in sorted(events, key=lambda each: each[0]):
        recorder.record(of_kind(kind, data), at=Moment(WALL + moment, moment))
    recorder.close()


def resampled(run: Path, folder: Path, random: Random, effect: Effect) -> Path:
    """A stored run whose windows after are drawn anew from their own blocks of time, as long as calibration
    found latencies to depend on each other and two seconds at least; with the effect on latencies and
    failures."""
    facts = read_facts(run)
    own = [each for each in facts.drills if each.kept is None]
    for drill in own:
        shutil.copytree(run / drill.folder, folder / drill.folder)
        case = Case(run / drill.folder)
        if case.started is None or case.timeline.after is None:
            continue
        start, end = case.window
        rate = case.setup.settings.requests_per_second
        seconds = max(2.0, 2 * case.calibration.correlation_seconds) if case.calibration else 2.0
        rows = [row for chunk in stream_requests(run / drill.folder / REQUESTS) for row in chunk]
        kept = [row for row in rows if not start <= row.planned < end]
        drawn = _blocks(
            [row for row in rows if start <= row.planned < end], start, round(seconds * rate), rate, random
        )
        drawn = [_worse(row, random, effect) for row in drawn]
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in [*kept, *drawn])
        (folder / drill.folder / REQUESTS).write_bytes(lines)
    whole = msgspec.structs.replace(facts, run=folder.name, drills=own)
    write_facts(folder, whole)
    write_verdicts(folder, judge_all(folder, whole))
    return folder


def _blocks(rows: Sequence[Request], start: float, size: int, rate: float, random: Random) -> list[Request]:
    """As many slots, in blocks of `size` that begin anywhere; each row keeps its distance to its block."""
    slots = np.array([round(row.planned * rate) for row in rows])
    first, count = math.ceil(start * rate), int(slots.max()) - math.ceil(start * rate) + 1 if len(rows) else 0
    at = {int(slot): row for slot, row in zip(slots, rows, strict=True)}
    found = []
    for place in range(0, count, size):
        begin = int(random.integers(0, max(1, count - size + 1)))
        for step in range(min(size, count - place)):
            row = at.get(first + begin + step)
            if row is not None:
                moved = (place - begin) / rate
                found.append(
                    msgspec.structs.replace(
                        row,
                        planned=(first + place + step) / rate,
                        sent=row.sent + moved,
                        finished=row.finished + moved,
                    )
                )
    return found


def _worse(row: Request, random: Random, effect: Effect) -> Request:
    slower = row.planned + (row.finished - row.planned) * effect.slower
    row = msgspec.structs.replace(row, finished=slower)
    return msgspec.structs.replace(row, error="made") if random.random() < effect.errors else row


@contextmanager
def _memory() -> Iterator[Path]:
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="drill-gate-", dir=shared if shared.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def pool(effect: Effect, number: int, seed: int, mood: float = RUN_MOOD) -> list[SeenRun]:
    """So many runs of one truth, each by its own random numbers, as the gate sees them."""
    found = []
    with _memory() as folder:
        for index in range(number):
            name = f"{effect.name}-{index}".replace(" ", "-")
            made = make_run(folder / name, np.random.default_rng([seed, index]), effect, mood)
            found.append(seen_run(made))
            shutil.rmtree(made)
    return found


def decisions(
    candidates: Sequence[SeenRun], baselines: Sequence[SeenRun], number: int, base: int = BASELINES
) -> list[Decision]:
    """`number`, `base`: runs of the candidate and of the baseline in each pair. A run is never on both
    sides."""
    random, policy = np.random.default_rng([1, number, base]), Gate()
    made = []
    for _ in range(PAIRS):
        own = [candidates[index] for index in random.choice(len(candidates), number, replace=False)]
        names = {run.run for run in own}
        others = [run for run in baselines if run.run not in names]
        against = [others[index] for index in random.choice(len(others), base, replace=False)]
        made.append(decide(sides_of(own, against), [], policy, TODAY))
    return made


def caught(found: Sequence[Decision], criterion: str) -> float:
    """In how many a row of that criterion is a regression, 0 to 1."""
    return sum(
        any(row.outcome == "regression" and row.name.split(" ")[0] == criterion for row in each.rows)
        for each in found
    ) / len(found)


def gate(options: Options) -> list[Row]:
    """See the module's text."""
    same = pool(Effect(), POOL, 1)
    rows = [
        _false_alarms(decisions(same, same, 1), _runs(1, BASELINES)),
        _false_alarms(decisions(same, same, CANDIDATES), _runs(CANDIDATES, BASELINES)),
        _false_alarms(decisions(same, same, 1, FEW), _runs(1, FEW)),
    ]
    moody = pool(Effect("moody"), POOL, 2, mood=2 * RUN_MOOD)
    rows.append(
        _false_alarms(
            decisions(moody, moody, 1), f"{_runs(1, BASELINES)}, moods twice run_spread", aimed=False
        )
    )
    for place, effect in enumerate(EFFECTS):
        worse = pool(effect, POOL_OF_EFFECT, 100 + place)
        rows += [_power(effect, number, decisions(worse, same, number)) for number in (1, CANDIDATES)]
    if (options.run / "run.json").is_file():
        rows += _by_blocks(options.run)
    return rows


def _runs(number: int, base: int) -> str:
    return f"{number} against {base} runs"


def _false_alarms(found: Sequence[Decision], what: str, *, aimed: bool = True) -> Row:
    """`aimed`: what is made is as `run_spread` states it."""
    alarms = sum(each.outcome == "regression" for each in found)
    low, high = _exact(alarms, len(found))
    outcomes = Counter(each.outcome for each in found)
    notes = (
        f"{len(found)} pairs drawn from {POOL} runs of {DRILLS} drills that drill's own generator made; "
        f"{low:.1%} to {high:.1%} at 95 % if pairs were independent",
        f"pass {outcomes['pass']}, inconclusive {outcomes['inconclusive']}, regression {alarms}",
    )
    aim = "<= 1 %" if aimed else "none: stated wrongly"
    held = alarms <= 0.01 * len(found) or not aimed
    return Row(f"gate A/A, false alarms, {what}", aim, f"{alarms / len(found):.2%}", reached(held), notes)


def _power(effect: Effect, number: int, found: Sequence[Decision]) -> Row:
    share = caught(found, effect.criterion)
    outcomes = Counter(each.outcome for each in found)
    least = Gate().minimum_effect(effect.criterion)
    stated = effect.size >= least - 1e-9
    notes = (
        f"{len(found)} pairs; pass {outcomes['pass']}, inconclusive {outcomes['inconclusive']}, regression "
        f"{outcomes['regression']}; minimum effect {least:g}",
    )
    aim = ">= 95 %" if stated else "none: below the minimum effect"
    return Row(
        f"gate A/B, {effect.name}, {_runs(number, BASELINES)}",
        aim,
        f"{share:.1%}",
        reached(share >= 0.95 or not stated),
        notes,
    )


def _by_blocks(run: Path) -> list[Row]:
    """A/A and slower by a half, from the blocks of a stored run: the noise is the target's, but there is no
    mood between runs."""
    rows = []
    pools = {}
    for name, effect in {"same": Effect(), "slower": replace(EFFECTS[2])}.items():
        pools[name] = []
        with _memory() as folder:
            for index in range(2 * BASELINES):
                made = resampled(run, folder / f"{name}-{index}", np.random.default_rng([7, index]), effect)
                pools[name].append(seen_run(made))
                shutil.rmtree(made)
    found = decisions(pools["same"], pools["same"], 1)
    alarms = sum(
        any(row.outcome == "regression" and row.effect is not None for row in each.rows if row.blocks)
        for each in found
    )
    note = (
        f"{len(found)} pairs drawn from {2 * BASELINES} resamplings of blocks of {run.resolve().name}, which "
        "have no mood between runs"
    )
    rows.append(
        Row(
            "gate A/A, false alarms, blocks of a stored run",
            "<= 1 %",
            f"{alarms / len(found):.2%}",
            reached(alarms <= 0.01 * len(found)),
            (note,),
        )
    )
    share = caught(decisions(pools["slower"], pools["same"], 1), "p95")
    rows.append(
        Row(
            "gate A/B, p95 +50 %, blocks of a stored run",
            ">= 95 %",
            f"{share:.1%}",
            reached(share >= 0.95),
            (note,),
        )
    )
    return rows


def _exact(events: int, trials: int) -> tuple[float, float]:
    found = stats.binomtest(events, trials).proportion_ci(method="exact")
    return float(found.low), float(found.high)
