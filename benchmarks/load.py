"""How good an instrument the load is. Flows out: two numbers with their aims, on standard output. Takes about
40 s; needs no cluster.

recorded load over raw FastHttpUser: planned, recorded requests that one core can send, over those of a bare
FastHttpUser that sends as fast as it can, both against the same service in one run; aim >= 0.9. Counted per
second of processor time, so that neighbours on the machine do not count; per second of the clock besides.

lateness at 200 requests/s: from planned to sent, 99th percentile of ten seconds; aim <= 10 ms.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from drill import settings as drill_settings
from drill import wait
from drill.load.process import LOCUSTFILE, Load
from drill.recording import Recorder
from drill.recording.requests import stream_requests
from drill.settings.load import HIGHEST_RATE

SERVICE = Path(__file__).resolve().parents[1] / "tests" / "component" / "load" / "small_service.py"
SECONDS = 5
ROUNDS = 2
LATENESS_SECONDS = 10
LATENESS_RATE = 200
SETTINGS = """
[target]
name = "Bench"
context = "kind-none"
namespace = "bench"
service = "bench"
address = "http://127.0.0.1:{port}"
runbook = "runbook.md"
[[target.workloads]]
name = "bench"
container = "bench"
[load]
requests_per_second = {rate}
timeout_seconds = 5.0
[[load.requests]]
name = "GET /"
path = "/"
"""
RAW = """
from locust import FastHttpUser, constant, task
class Raw(FastHttpUser):
    wait_time = constant(0)
    @task
    def get(self):
        self.client.get("/")
"""
METER = """
import json, os, time
from locust import events
seen = {}
def count(**request):
    seen["requests"] = seen.get("requests", 0) + (request["exception"] is None)
def started(environment, **_):
    events.request.add_listener(count)
    seen.update(requests=0, clock=time.monotonic(), processor=time.process_time())
def stopping(environment, **_):
    seen.update(clock=time.monotonic() - seen["clock"], processor=time.process_time() - seen["processor"])
    with open(os.environ["BENCH_METER"], "w") as file:
        json.dump(seen, file)
events.test_start.add_listener(started)
events.test_stopping.add_listener(stopping)
"""


class Throughput(NamedTuple):
    """Successful requests per second, of the clock and of processor time of the load's process."""

    clock: float
    processor: float


def throughput(folder: Path, locustfile: Path, *options: str, **environment: str) -> Throughput:
    """Run one locustfile for SECONDS with a meter beside it."""
    meter = folder / "meter.json"
    (folder / "meter.py").write_text(METER, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        f"{locustfile},{folder / 'meter.py'}",
        "--headless",
        "--only-summary",
    ]
    command += ["--users", "20", "--spawn-rate", "20", "--run-time", str(SECONDS), *options]
    ended = subprocess.run(
        command,
        env={**os.environ, "BENCH_METER": str(meter), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if not meter.exists():
        raise SystemExit(f"{' '.join(command)} measured nothing:\n{ended.stderr}")
    seen = json.loads(meter.read_text(encoding="utf-8"))
    return Throughput(seen["requests"] / seen["clock"], seen["requests"] / seen["processor"])


def offered(raw: Throughput) -> int:
    """Requests per second for the recorded load: a little more than the bare one sends, as far as drill.toml
    takes it."""
    return min(round(raw.clock * 1.05), HIGHEST_RATE)


def mean(rounds: list[Throughput]) -> Throughput:
    """Both rates, averaged over the rounds."""
    return Throughput(*(float(np.mean(rates)) for rates in zip(*rounds, strict=True)))


def lateness_seconds(folder: Path, settings: drill_settings.Settings) -> float:
    """The 99th percentile of sent - planned at LATENESS_RATE, as a drill runs the load."""
    recorder = Recorder(folder / "recording.jsonl")
    with Load(settings, folder, recorder, requests_per_second=LATENESS_RATE) as load:
        wait.pause(LATENESS_SECONDS)
    recorder.close()
    late = [request.sent - request.planned for chunk in stream_requests(load.stream) for request in chunk]
    return float(np.quantile(late, 0.99))


class Measured(NamedTuple):
    """What a bare FastHttpUser sends, what the recorded load sends, and the lateness of its arrivals (99th
    percentile).
    """

    raw: Throughput
    ours: Throughput
    lateness_seconds: float


def measure() -> Measured:
    """Start the service, measure, end it."""
    server = subprocess.Popen([sys.executable, str(SERVICE), "0"], stdout=subprocess.PIPE)
    assert server.stdout is not None
    port = int(server.stdout.readline())
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "raw.py").write_text(RAW, encoding="utf-8")
            (folder / "runbook.md").write_text("# Bench\n", encoding="utf-8")
            target = folder / "drill.toml"
            raws, recordeds = [], []
            for _ in range(ROUNDS):  # in turns, so that a neighbour disturbs both alike
                raws.append(throughput(folder, folder / "raw.py", "--host", f"http://127.0.0.1:{port}"))
                target.write_text(SETTINGS.format(port=port, rate=offered(raws[-1])), encoding="utf-8")
                recordeds.append(
                    throughput(
                        folder,
                        LOCUSTFILE,
                        DRILL_TARGET=str(target),
                        DRILL_REQUESTS=str(folder / "bench.jsonl"),
                    )
                )
            raw, ours = mean(raws), mean(recordeds)
            late = lateness_seconds(folder, drill_settings.load(target))
    finally:
        server.kill()
        server.wait()
    return Measured(raw, ours, late)


def main() -> None:
    """Measure and print."""
    raw, ours, late = measure()
    by_processor, by_clock = ours.processor / raw.processor, ours.clock / raw.clock
    print(
        f"recorded load over raw FastHttpUser   {by_processor:.2f}   (aim >= 0.90; {ours.processor:.0f} / "
        f"{raw.processor:.0f} a core)"
    )
    print(
        f"  per second of the clock             {by_clock:.2f}   ({ours.clock:.0f} / {raw.clock:.0f}, "
        f"offered {offered(raw)})"
    )
    print(f"lateness at {LATENESS_RATE} requests/s, p99       {late * 1000:.1f} ms   (aim <= 10 ms)")


if __name__ == "__main__":
    main()
