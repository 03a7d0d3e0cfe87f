"""Is the judge right? Flows in: drills whose truth is known, made here. Flows out: how often the real judge
says otherwise.

Each recording is a whole drill, on disk in memory where the machine has that, and judged by
drill.judge.judge: an outage of 10 s, the recovery, and a window after that is watched as the conduct of a
drill watches it: 22 s at least, then on until the error rate is decided by the judge's own test,
LONGEST_SECONDS at most.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats

from benchmarks.made import course
from benchmarks.row import Options, Row, reached
from drill.judge import DrillVerdict, error_rate_so_far, judge
from drill.recording import Moment, Recorder, of_kind
from drill.recording.events import Calibration

RECORDINGS = 400
PER_SECOND = 150
LIMIT = 0.001
BEFORE_SECONDS, OUT_SECONDS, HOLD_SECONDS, LEAST_SECONDS = 2.0, 10.0, 5.0, 22.0
LONGEST_SECONDS = 108.0
"""16,200 requests at 150/s, half as long at 300/s: what a true rate of 0.03 % needs for 80 % of drills to
pass.
"""
LOOK_SECONDS = 0.5
TIMEOUT_SECONDS, RESPONSE_SECONDS = 2.0, 0.5
CORRELATED_SECONDS = 0.7
BURST = 4
MEDIAN_SECONDS, SPREAD = 0.1, 0.5
TRUE_P95 = MEDIAN_SECONDS * math.exp(SPREAD * float(stats.norm.ppf(0.95)))

Random = np.random.Generator
Failures = Callable[[Random, int], NDArray[np.bool_]]


@dataclass
class Truth:
    """One drill to be made. `failures`: which of so many requests fail besides the outage; `latencies`:
    seconds each takes; `watch`: seconds after the recovery, None for as long as it takes to decide."""

    failures: Failures = lambda random, count: np.zeros(count, np.bool_)
    latencies: Callable[[Random, int], NDArray[np.float64]] = lambda random, count: np.full(count, 0.01)
    watch: float | None = None
    calibration: dict[str, float] | None = None
    limits: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "recovered": {"value": 900.0, "unit": "s"},
            "response_time": {"value": RESPONSE_SECONDS, "unit": "s", "statistic": "p95"},
            "error_rate": {"value": LIMIT, "unit": "ratio"},
        }
    )


def single(rate: float) -> Failures:
    """Failures one by one, at a true `rate`."""
    return lambda random, count: random.random(count) < rate


def bursts(rate: float) -> Failures:
    """Failures at a true `rate`, BURST at a time."""

    def made(random: Random, count: int) -> NDArray[np.bool_]:
        failed = np.zeros(count + BURST, np.bool_)
        first = np.flatnonzero(random.random(count) < rate / BURST)
        for step in range(BURST):
            failed[first + step] = True
        return failed[:count]

    return made


def drifting(random: Random, count: int) -> NDArray[np.float64]:
    """Latencies of a known p95 whose logarithm forgets where it was over CORRELATED_SECONDS."""
    keep = math.exp(-1 / PER_SECOND / CORRELATED_SECONDS)
    noise = random.normal(size=count) * math.sqrt(1 - keep**2)
    level, _ = signal.lfilter([1.0], [1.0, -keep], noise, zi=[keep * random.normal()])
    return MEDIAN_SECONDS * np.exp(SPREAD * level)


def stepping(random: Random, count: int) -> NDArray[np.float64]:
    """Latencies of a known p95 that stay the same for CORRELATED_SECONDS."""
    levels = random.normal(size=int(count / PER_SECOND / CORRELATED_SECONDS) + 2)
    place = np.floor(np.arange(count) / PER_SECOND / CORRELATED_SECONDS + random.uniform()).astype(int)
    return MEDIAN_SECONDS * np.exp(SPREAD * levels[place])


def judged(truth: Truth, random: Random, folder: Path) -> DrillVerdict:
    """Make one drill, and judge it."""
    recovered = BEFORE_SECONDS + OUT_SECONDS
    opened = recovered + HOLD_SECONDS
    count = int((opened + (LONGEST_SECONDS if truth.watch is None else truth.watch)) * PER_SECOND)
    planned = np.arange(count) / PER_SECOND
    latency, failed = truth.latencies(random, count), truth.failures(random, count)
    out = (planned >= BEFORE_SECONDS) & (planned < recovered)
    failed = failed | out
    end = opened + truth.watch if truth.watch is not None else _decided(failed, opened, truth)
    (folder / "requests.jsonl").write_text(_lines(planned[planned < end], latency, failed), encoding="ascii")
    _record(folder, end, truth)
    return judge(folder)


def _decided(failed: NDArray[np.bool_], opened: float, truth: Truth) -> float:
    """When the live watch stops looking."""
    before = np.concatenate([[0], np.cumsum(failed)])
    calibration = Calibration(**truth.calibration) if truth.calibration else None
    start = math.ceil(opened * PER_SECOND)
    for look in np.arange(LEAST_SECONDS, LONGEST_SECONDS, LOOK_SECONDS):
        stop = math.floor((opened + look) * PER_SECOND)
        found = error_rate_so_far(int(before[stop] - before[start]), stop - start, LIMIT, calibration)
        if found != "inconclusive":
            return opened + float(look)
    return opened + LONGEST_SECONDS


def _lines(planned: NDArray[np.float64], latency: NDArray[np.float64], failed: NDArray[np.bool_]) -> str:
    """The request stream; `latency` and `failed` may be longer than `planned`."""
    rows = zip(planned.tolist(), latency.tolist(), failed.tolist(), strict=False)
    return "".join(
        f'{{"planned":{moment!r},"sent":{moment!r},"finished":{moment + took!r},"name":"GET /",'
        + ('"status":503,"error":"503"}\n' if bad else '"status":200}\n')
        for moment, took, bad in rows
    )


def _record(folder: Path, end: float, truth: Truth) -> None:
    """The events of the drill; watching ended at `end`."""
    (folder / "recording.jsonl").unlink(missing_ok=True)
    recorder = Recorder(folder / "recording.jsonl")
    settings = {
        "minimum_requests": 500,
        "hold_seconds": HOLD_SECONDS,
        "after_seconds": LEAST_SECONDS,
        "after_at_most_seconds": LONGEST_SECONDS,
        "patience_seconds": 20,
        "requests_per_second": PER_SECOND,
        "timeout_seconds": TIMEOUT_SECONDS,
    }
    started = {"drill": "truth", "settings": settings, "limits": truth.limits, "faults": [{"fault": "x"}]}
    if truth.calibration:
        started["calibration"] = truth.calibration
    for moment, kind, data in course(started, BEFORE_SECONDS, end, acknowledged=1):
        recorder.record(of_kind(kind, data), at=Moment(moment, moment))
    recorder.close()


@contextmanager
def _memory() -> Iterator[Path]:
    """A folder in memory, where there is one."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="drill-truth-", dir=shared if shared.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def verdicts(truth: Truth, recordings: int = RECORDINGS, seed: int = 1) -> list[DrillVerdict]:
    """So many drills of one truth, each by its own random numbers."""
    with _memory() as folder:
        return [judged(truth, np.random.default_rng([seed, number]), folder) for number in range(recordings)]


def share(found: list[DrillVerdict], name: str, outcome: str) -> float:
    """In how many of the drills that criterion came out so, 0 to 1."""
    outcomes = [each.verdict for verdict in found for each in verdict.criteria if each.name == name]
    return outcomes.count(outcome) / len(found)


def covered(found: list[DrillVerdict]) -> float:
    """In how many the interval of the response time holds the true p95, 0 to 1."""
    intervals = [
        each.interval for verdict in found for each in verdict.criteria if each.name == "response_time"
    ]
    return sum(each is not None and each[0] <= TRUE_P95 <= each[1] for each in intervals) / len(found)


def truth(options: Options) -> list[Row]:
    """How often the judge is wrong, and how far."""
    dispersed = {"dispersion": float(BURST)}
    wrong_pass = share(verdicts(Truth(single(LIMIT))), "error_rate", "pass")
    wrong_pass_bursts = share(verdicts(Truth(bursts(LIMIT), calibration=dispersed)), "error_rate", "pass")
    half = verdicts(Truth(single(LIMIT / 2)))
    half_bursts = verdicts(Truth(bursts(LIMIT / 2), calibration=dispersed))
    low = verdicts(Truth(single(0.0003)))
    rows = [
        _row("wrong pass at a true rate of the limit, single failures", "<= 5 %", wrong_pass, 0.05),
        _row(f"wrong pass at the limit, bursts of {BURST}", "<= 5 %", wrong_pass_bursts, 0.05),
        _row(
            "wrong fail at half the limit, single failures", "<= 5 %", share(half, "error_rate", "fail"), 0.05
        ),
        _row(
            f"wrong fail at half the limit, bursts of {BURST}",
            "<= 5 %",
            share(half_bursts, "error_rate", "fail"),
            0.05,
        ),
        _row("pass at a true rate of 0.03 %", ">= 80 %", share(low, "error_rate", "pass"), 0.80),
    ]
    for name, latencies in (("drifting", drifting), ("stepping", stepping)):
        for seconds in (LEAST_SECONDS, 66.0):
            calibration = {"correlation_seconds": CORRELATED_SECONDS}
            found = verdicts(Truth(latencies=latencies, watch=seconds, calibration=calibration))
            what = f"p95 coverage, {name} latencies correlated over {CORRELATED_SECONDS} s, {seconds:g} s"
            rows.append(_row(what, ">= 94 %", covered(found), 0.94))
    times = [
        math.inf if each.recovered_seconds is None else each.recovered_seconds
        for each in verdicts(Truth(single(0.0005), watch=LEAST_SECONDS))
    ]
    told = [each for each in times if math.isfinite(each)]
    bias = float(np.mean(told)) - OUT_SECONDS
    note = f"{len(times) - len(told)} of {len(times)} without a recovery"
    held = abs(bias) <= 0.5 and len(told) >= 0.99 * len(times)
    rows.append(
        Row(
            "bias of the recovery time at a residual error rate of 0.05 %",
            "<= 0.5 s",
            f"{bias:+.2f} s",
            reached(held),
            (note,),
        )
    )
    return rows


def _row(what: str, aim: str, measured: float, bound: float) -> Row:
    held = measured >= bound if aim.startswith(">=") else measured <= bound
    return Row(what, aim, f"{measured:.1%}", reached(held), (f"{RECORDINGS} recordings, by the real judge",))
