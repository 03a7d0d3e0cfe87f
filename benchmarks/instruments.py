"""The load and the judge, measured without a cluster. Flows in: what load.py and judge_million.py measure.
Flows out: rows.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import load
from benchmarks.row import MeasureError, Options, Row, reached

SHARE_AIM, LATENESS_AIM_SECONDS = 0.9, 0.010


def instrument(options: Options) -> list[Row]:
    """How much the load can send, and how punctually."""
    seen = load.measure()
    by_processor, by_clock = seen.ours.processor / seen.raw.processor, seen.ours.clock / seen.raw.clock
    notes = (
        f"requests per second of processor time: {seen.ours.processor:.0f} / {seen.raw.processor:.0f}",
        f"per second of the clock: {by_clock:.2f} ({seen.ours.clock:.0f} / {seen.raw.clock:.0f})",
    )
    late = f"{seen.lateness_seconds * 1000:.1f} ms"
    return [
        Row(
            "recorded load / raw FastHttpUser",
            f">= {SHARE_AIM}",
            f"{by_processor:.2f}",
            reached(by_processor >= SHARE_AIM),
            notes,
        ),
        Row(
            f"lateness of arrivals at {load.LATENESS_RATE}/s, p99",
            "<= 10 ms",
            late,
            reached(seen.lateness_seconds <= LATENESS_AIM_SECONDS),
        ),
    ]


def judging(options: Options) -> list[Row]:
    """Time and memory of judging 1,000,000 requests."""
    script = Path(__file__).with_name("judge_million.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise MeasureError(f"{script} ended with exit status {done.returncode}: {done.stderr.strip()[-500:]}")
    seen = json.loads(done.stdout)
    held = seen["seconds"] <= seen["aim_seconds"], seen["peak_megabytes"] <= seen["aim_megabytes"]
    what = f"judging {seen['requests']:,} requests"
    return [
        Row(f"{what}: time", f"<= {seen['aim_seconds']:.0f} s", f"{seen['seconds']:.2f} s", reached(held[0])),
        Row(
            f"{what}: memory",
            f"<= {seen['aim_megabytes']:.0f} MB",
            f"{seen['peak_megabytes']:.0f} MB",
            reached(held[1]),
        ),
    ]
