"""How long it takes to judge 1,000,000 requests. Flows in: nothing. Flows out: one line of JSON: seconds,
megabytes, verdict.

A drill of 1,000 seconds at 1,000 requests/s with one outage is written to a temporary folder; judging it is
timed in a process of its own, whose peak memory (interpreter and libraries included) is reported. Aim: at
most 2 seconds and 500 MB.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

from drill.judge import judge
from drill.recording import Moment, Recorder, Request, of_kind

COUNT = 1_000_000
PER_SECOND = 1_000
INJECTED, BACK = 400.0, 450.0
AIM_SECONDS, AIM_MEGABYTES = 2.0, 500.0


def write_drill(folder: Path) -> None:
    """A recording and a stream of COUNT requests, a seventh of them writes."""
    latency = np.random.default_rng(1).uniform(0.002, 0.020, COUNT)
    encoder = msgspec.json.Encoder()
    with (folder / "requests.jsonl").open("wb") as file:
        for number in range(COUNT):
            planned = number / PER_SECOND
            out, write = INJECTED <= planned < BACK, number % 7 == 0
            request = Request(
                planned=planned,
                sent=planned + 0.0001,
                finished=planned + float(latency[number]),
                name="POST /campaigns" if write else "GET /characters",
                status=503 if out else 200,
                error="503" if out else "",
                write=f"drill-{number:012d}" if write else "",
                acknowledged=write and not out,
                read_back=f"/campaigns/{number}" if write and not out else "",
            )
            file.write(encoder.encode(request) + b"\n")
    recorder = Recorder(folder / "recording.jsonl")
    settings = {
        "minimum_requests": 500,
        "hold_seconds": 5,
        "after_seconds": 500,
        "patience_seconds": 30,
        "requests_per_second": PER_SECOND,
        "timeout_seconds": 1,
    }
    limits = {
        "recovered": {"value": 900.0, "unit": "s"},
        "response_time": {"value": 0.5, "unit": "s", "statistic": "p95"},
        "error_rate": {"value": 0.001, "unit": "ratio"},
    }
    started = {"drill": "million", "settings": settings, "limits": limits, "faults": [{"fault": "none"}]}
    witnessed = {"fault": "none", "what": "no endpoints", "seconds": 0.5}
    end = COUNT / PER_SECOND
    for moment, kind, data in (
        (0.0, "drill.started", started),
        (0.0, "health.gate", {"healthy": True, "observed": "200"}),
        (0.0, "load.started", {"requests_per_second": PER_SECOND, "timeout_seconds": 1}),
        (0.0, "window.opened", {"window": "before"}),
        (INJECTED, "fault.injected", {"fault": "none"}),
        (INJECTED + 0.5, "fault.witnessed", witnessed),
        (end, "window.closed", {"window": "after"}),
        (end + 0.5, "load.stopped", {"exit_status": 0}),
        (end + 1, "writes.audited", {"acknowledged": 135_714, "checked": 135_714}),
    ):
        recorder.record(of_kind(kind, data), at=Moment(wall=moment, monotonic=moment))
    recorder.close()


def measure(folder: Path) -> dict[str, float | str]:
    """Judge the drill of `folder` once. The peak is that of this whole process."""
    begin = time.perf_counter()
    verdict = judge(folder)
    seconds = time.perf_counter() - begin
    return {
        "requests": verdict.requests.planned,
        "seconds": round(seconds, 3),
        "aim_seconds": AIM_SECONDS,
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "aim_megabytes": AIM_MEGABYTES,
        "verdict": verdict.verdict,
    }


def main() -> None:
    """Write, then judge in a fresh process, so that writing does not count."""
    with tempfile.TemporaryDirectory() as name:
        write_drill(Path(name))
        subprocess.run([sys.executable, __file__, name], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1]))))
    else:
        main()
