"""From injection to witness, by real injections. Flows in: the cluster with users on it. Flows out: rows.

Each fault that users feel as failed requests is injected while the load runs, witnessed, undone, and the
target brought back into its known state; nobody follows a procedure. Counted is what the drill itself records
(fault.witnessed: from the moment of the injection to the last of its witnesses, the platform's and the
users').

Some reach their users late: pods that are scaled away drain first, memory fills, a rollout gets stuck. That
is the target's own time, not the instrument's. Therefore a second row counts from the first request that
failed (its planned moment) to the witness. Where the platform's sign comes last (a node that is reported
lost, a container that was killed twice), that is not the instrument's own share either. Slow and latent
faults have no such request; tests/cluster/test_faults.py witnesses them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from benchmarks.row import ROOT, MeasureError, Options, Row, evidence, reached
from benchmarks.stored import witness_seconds
from drill import settings as drill_settings
from drill import wait
from drill.cluster.access import Cluster, connect
from drill.errors import DrillError
from drill.inject import Injection, fault_names, lacking
from drill.inject.experiment import experiment_of
from drill.load.process import Load
from drill.load.tail import RequestTail
from drill.parts.health import wait_until_healthy
from drill.putback import put_back
from drill.recording import Recorder, read_requests
from drill.settings import Settings

AIM_SECONDS = 1.0
SETTLE_SECONDS = 1.0


class Seen(NamedTuple):
    """One injection: seconds from it, and from the first failed request, to the witness."""

    fault: str
    from_injection: float
    from_first_failed: float


def witness(options: Options) -> list[Row]:
    """See the module's text."""
    settings = drill_settings.load(ROOT / "drill.toml")
    cluster = connect(settings)
    put_back(settings, cluster)
    seen, failures = [], []
    for fault in fault_names():
        if lacking(settings, fault) or experiment_of(settings, fault).felt != "failed":
            continue
        for _ in range(options.injections):
            try:
                seen.append(inject_once(settings, cluster, fault))
            except (DrillError, MeasureError) as error:
                failures.append(f"{fault}: {error}")
            finally:
                put_back(settings, cluster)
    if not seen:
        raise MeasureError("; ".join(failures) or "--injections is 0")
    by_fault = [f"{fault}: {_worst(seen, fault)}" for fault in dict.fromkeys(each.fault for each in seen)]
    notes = (
        f"{len(seen)} injections, {options.injections} of each fault that is felt as failed requests",
        *by_fault,
        *(f"not measured: {each}" for each in failures),
    )
    rows = [
        _row("injection to witness, p95 over all faults", (each.from_injection for each in seen), notes),
        _row(
            "first failed request to witness, p95",
            (each.from_first_failed for each in seen),
            ("what the row above has beyond the target's own delay in letting users feel it",),
        ),
    ]
    return rows + (
        [
            Row(
                "injections that were witnessed",
                "all",
                f"{len(seen)} of {len(seen) + len(failures)}",
                "missed",
            )
        ]
        if failures
        else []
    )


def witness_stored(options: Options) -> list[Row]:
    """The same, of the drills of a stored run."""
    seen = witness_seconds(options.run)
    if not seen:
        raise MeasureError(f"{options.run}: no fault of it was witnessed")
    each = ", ".join(f"{fault} {seconds:.2f} s" for fault, seconds in sorted(seen))
    return [
        _row(
            "injection to witness, p95 of a stored run",
            (seconds for _, seconds in seen),
            (f"{options.run.resolve().name}: {each}",),
        )
    ]


def inject_once(settings: Settings, cluster: Cluster, fault: str) -> Seen:
    """One injection under load, witnessed and undone. Raises DrillError."""
    wait_until_healthy(cluster, settings)
    with evidence() as folder:
        recorder = Recorder(folder / "recording.jsonl")
        tail = RequestTail(
            folder / "requests.jsonl", settings.load.timeout_seconds, settings.load.requests_per_second
        )
        injection = Injection(settings, cluster, fault, folder, recorder, users=tail)
        try:
            with Load(settings, folder, recorder):
                wait.pause(SETTLE_SECONDS)
                injection.start()
                injection.wait_until_announced()
                injected = injection.inject()
                found = injection.wait_until_effective()
        finally:
            injection.undo()
            injection.wait_until_undone()
            recorder.close()
        requests = read_requests(folder / "requests.jsonl")
        failed = np.flatnonzero(requests.failed & (requests.finished >= injected.monotonic))
        if not len(failed):
            raise MeasureError(f"{fault}: witnessed as {found.what!r}, and no request of the stream failed")
        first_failed = max(injected.monotonic, float(requests.planned[failed[0]]))
        return Seen(fault, found.seconds, injected.monotonic + found.seconds - first_failed)


def _worst(seen: list[Seen], fault: str) -> str:
    mine = [each for each in seen if each.fault == fault]
    own = max(each.from_first_failed for each in mine)
    return (
        f"at most {max(each.from_injection for each in mine):.2f} s, of which {own:.2f} s or less since "
        "the first failed request"
    )


def _row(what: str, seconds: Iterable[float], notes: tuple[str, ...]) -> Row:
    p95 = float(np.quantile(list(seconds), 0.95))
    return Row(what, f"<= {AIM_SECONDS:.0f} s", f"{p95:.2f} s", reached(p95 <= AIM_SECONDS), notes)
