"""The outage that the judge measures against the one that an independent prober sees. Flows in: the cluster.
Flows out: a row.

One whole drill of pods-killed in which nobody acts, with the prober (prober.py, a process of its own, a new
connection for each probe) beside it: 1,000 probes a second where the target can answer so many, else fewer;
the row says how many. It can when it answers FIRST_ALONE times as many in a trial, since the first of the
killed pods that is back has to answer all of them alone; what it cannot answer, it drops, and the prober
would measure the outage that it makes. Both outages count planned moments:

    the judge's     from the first request that users felt to recovered
    the prober's    from the first failed probe that was under way at the injection or planned later, to the
                    first probe of the last unbroken run of good ones
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

from benchmarks.prober import MOST_OPEN
from benchmarks.row import ROOT, MeasureError, Options, Row, evidence, reached
from drill import settings as drill_settings
from drill import wait
from drill.cluster.access import connect
from drill.conduct.book import Book
from drill.conduct.drill import Drill
from drill.conduct.scenario import Sentence, Written, facts_of
from drill.judge.case import Case
from drill.putback import put_back
from drill.report.live import LiveLine

AIM_SECONDS = 0.100
FAULT = "pods-killed"
AFTER_SECONDS = 6.0
REQUESTS_PER_SECOND = 60.0
"""Fewer than in a drill, to leave the target room for the probes; what the judge can tell apart is then 17
ms.
"""
RATES_PER_SECOND = (50, 100, 250, 500, 1000)
KILOHERTZ = RATES_PER_SECOND[-1]
FIRST_ALONE = 3
TRIAL_SECONDS, TRIAL_P99_SECONDS, SETTLE_SECONDS = 1.0, 0.050, 3.0
PROBE_SECONDS = 25.0
PROBER_ENDS_SECONDS = 30.0


class Outage(NamedTuple):
    """Monotonic seconds."""

    first_failed: float
    recovered: float

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.recovered - self.first_failed


def outage(options: Options) -> list[Row]:
    """See the module's text."""
    with evidence() as folder:
        return _outage(folder)


def _outage(folder: Path) -> list[Row]:
    whole = drill_settings.load(ROOT / "drill.toml")
    load = whole.load.model_copy(update={"requests_per_second": REQUESTS_PER_SECOND})
    settings = whole.model_copy(
        update={"judge": whole.judge.model_copy(update={"after_seconds": AFTER_SECONDS}), "load": load}
    )
    port = urlsplit(settings.target.address).port
    cluster = connect(settings)
    put_back(settings, cluster)
    fault = Sentence(1, f'the fault "{FAULT}" takes effect')
    facts = facts_of(Written(__file__, 1, "Benchmark", "The outage of killed pods", ("P0",), (fault,)))
    live = LiveLine()
    drill = Drill(settings, cluster, Book(settings), facts, folder, live=live)
    probes = folder / "probes.txt"
    prober = None
    try:
        drill.gate()
        drill.start_load()
        rate = affordable(int(port or 80), folder / "trial.txt")
        prober = subprocess.Popen(
            command(int(port or 80), rate, PROBE_SECONDS, probes), stdin=subprocess.DEVNULL
        )
        drill.take_effect(FAULT)
        verdict = drill.verdict
        status = prober.wait(PROBE_SECONDS + PROBER_ENDS_SECONDS)
    finally:
        if prober is not None:
            prober.kill()
            prober.wait()
        troubles = drill.close()
        live.end()
    if status or troubles:
        raise MeasureError("; ".join([*troubles, f"the prober ended with exit status {status}"]))
    timeline = Case(folder).timeline
    if timeline.first_felt is None or timeline.recovered is None:
        raise MeasureError(f"the judge saw no outage that ended: {verdict.why}")
    ours = Outage(timeline.first_felt, timeline.recovered)
    theirs, how = probed(probes, timeline.injected[FAULT])
    fewer = (
        f"not {KILOHERTZ} probes a second: this machine's target did not answer {FIRST_ALONE} times as "
        "many as the next step beside its users",
    )
    apart = abs(ours.seconds - theirs.seconds)
    start, end = ours.first_failed - theirs.first_failed, ours.recovered - theirs.recovered
    notes = (
        f"judge {ours.seconds:.3f} s, prober {theirs.seconds:.3f} s; {FAULT}, "
        f"{settings.load.requests_per_second:.0f} requests/s",
        f"judge - prober: its start {start * 1000:+.0f} ms, its end {end * 1000:+.0f} ms",
        how,
        *(fewer if rate < KILOHERTZ else ()),
    )
    measured, limit = f"{apart * 1000:.0f} ms apart", f"<= {AIM_SECONDS * 1000:.0f} ms"
    return [
        Row(
            f"measured outage against a prober of {rate} Hz",
            limit,
            measured,
            reached(apart <= AIM_SECONDS),
            notes,
        )
    ]


def command(port: int, rate: int, seconds: float, file: Path) -> list[str]:
    """The prober's command line."""
    return [
        sys.executable,
        str(Path(__file__).with_name("prober.py")),
        str(port),
        str(rate),
        str(seconds),
        str(file),
    ]


def affordable(port: int, file: Path) -> int:
    """The highest of the rates that the target can answer under its load, tried from the lowest up. Raises
    MeasureError when there is none.
    """
    best = 0
    for rate in RATES_PER_SECOND:
        subprocess.run(
            command(port, FIRST_ALONE * rate, TRIAL_SECONDS, file),
            stdin=subprocess.DEVNULL,
            check=True,
            timeout=PROBER_ENDS_SECONDS,
        )
        planned, ended, good = np.loadtxt(file).T
        if not good.all() or np.quantile(ended - planned, 0.99) > TRIAL_P99_SECONDS:
            wait.pause(SETTLE_SECONDS)
            break
        best = rate
    if not best:
        raise MeasureError(
            f"the target does not answer {FIRST_ALONE * RATES_PER_SECOND[0]} probes a second within "
            f"{TRIAL_P99_SECONDS} s"
        )
    return best


def probed(file: Path, injected: float) -> tuple[Outage, str]:
    """The outage by the prober's own account, and how well it probed. Raises MeasureError where it saw none,
    or not its end.
    """
    planned, ended, good = np.loadtxt(file).T
    bad = np.flatnonzero((good == 0) & (ended >= injected))
    if not len(bad):
        raise MeasureError(f"none of {len(planned)} probes failed")
    if bad[-1] + 1 == len(planned):
        raise MeasureError("the prober ended before the outage did")
    answered = ended - planned
    before = answered[planned < injected]
    unsent = int((ended == planned).sum())
    how = (
        f"{len(planned)} probes, {len(bad)} failed, {unsent} of them not sent since {MOST_OPEN} were "
        "open; before the fault half were answered"
    )
    how = (
        f"{how} within {np.median(before) * 1000:.1f} ms, 99 % within "
        f"{np.quantile(before, 0.99) * 1000:.0f} ms"
    )
    return Outage(float(planned[bad[0]]), float(planned[bad[-1] + 1])), how
