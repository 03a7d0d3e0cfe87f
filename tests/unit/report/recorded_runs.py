"""Runs for the report's tests: recordings made by the real Recorder, requests drawn from a seeded generator,
verdicts as the judge shapes them.

Flows in: what the drill is to look like. Flows out: a folder reports/<run>/ as a run leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from drill.judge.verdict import (
    Change,
    CommandRun,
    Criterion,
    DrillVerdict,
    FaultSeen,
    Outage,
    Outcome,
    Phase,
    RequestCount,
    Unmeasured,
    Writes,
)
from drill.recording import Moment, Recorder, Request
from drill.recording.events import (
    AbsentWrite,
    Calibration,
    ChangesRead,
    ClusterChanged,
    ClusterProgress,
    CommandFinished,
    Data,
    DrillStarted,
    FaultAnnounced,
    FaultInjected,
    FaultWitnessed,
    HealthGate,
    Judging,
    Limit,
    LoadStarted,
    LoadStopped,
    PlannedFault,
    ProcedureFinished,
    ProcedureStarted,
    Symptom,
    TargetPutBack,
    WindowOpened,
    WritesAudited,
)
from drill.run.facts import Facts, Finding, Role, StoredDrill, write_facts
from drill.run.inputs import keep_inputs

ZERO = 5000.0
"""Monotonic seconds of the injection."""
WALL = 1_795_000_000.0
BASELINES = "operations-runbook.md"
LIMITS = {
    "response_time": Limit(0.5, "s", "<", f"{BASELINES}:546", "p95"),
    "error_rate": Limit(0.001, "ratio", "<", f"{BASELINES}:547", "rate"),
    "recovered": Limit(900.0, "s", "<", f"{BASELINES}:14", "elapsed"),
}


@dataclass(frozen=True)
class Shape:
    """What a drill looks like; times are seconds since the injection. `out`: the stretch in which requests
    fail; `meant`, `stated`: the alerts that the fault and that the scenario name.
    """

    drill: str = "scaled-to-zero"
    feature: str = "Service Completely Down (P0)"
    scenario: str = "Someone scales the service away and the emergency scale-up brings it back"
    tags: tuple[str, ...] = ("P0", "smoke")
    severity: str = "P0"
    fault: str = "deployment-scaled-to-zero"
    procedure: str = "Service Completely Down / Immediate Actions"
    expected: str = "pass"
    verdict: str = "pass"
    why: str = "Recovered 19.4 s after the injection, within 15 minutes, and every baseline held afterwards."
    control: bool = False
    credit: str = "runbook"
    runbook: str = "runbook/operations-runbook.md"
    before: float = 12.0
    out: tuple[float, float] = (0.42, 19.4)
    end: float = 48.0
    requests_per_second: float = 120.0
    procedure_at: float | None = 3.1
    line: int = 37
    commands: tuple[tuple[int, str, float, float, int, bool, str], ...] = (
        (38, "kubectl get nodes", 3.2, 3.45, 0, False, "drill-control-plane   Ready"),
        (39, "kubectl get pods -n novel-engine-production --watch", 3.5, 11.5, 130, True, ""),
        (
            42,
            "kubectl get events -n novel-engine-production --sort-by='.lastTimestamp'",
            11.6,
            11.9,
            0,
            False,
            "Scaled down",
        ),
        (
            45,
            "kubectl logs -l app=novel-engine -n novel-engine-production --tail=100",
            12.0,
            12.3,
            0,
            False,
            "",
        ),
        (
            48,
            "kubectl scale deployment novel-engine --replicas=5 -n novel-engine-production",
            12.4,
            12.7,
            0,
            False,
            "scaled",
        ),
    )
    lost: int = 0
    allowed_lost: int = 0
    data_age_seconds: float | None = None
    recovered: bool = True
    unmeasured: tuple[Unmeasured, ...] = ()
    changes: tuple[Change, ...] | None = None
    calibration: Calibration | None = None
    criteria: tuple[Criterion, ...] | None = None
    transcript: str = "$ kubectl get nodes\ndrill-control-plane   Ready    control-plane   7m   v1.34.0\n"
    extra: tuple[Data, ...] = field(default=())
    meant: tuple[str, ...] = ()
    stated: tuple[str, ...] | None = None
    symptoms: tuple[Symptom, ...] = ()


def make_run(
    reports: Path,
    shapes: Sequence[Shape],
    *,
    name: str = "2026-11-23T11-02-40Z",
    exit_status: int = 0,
    texts: Mapping[tuple[Role, str], str] | None = None,
    findings: Sequence[Finding] = (),
) -> tuple[Path, list[DrillVerdict]]:
    """A run's folder with the evidence of each drill, and the verdicts. `texts`: its inputs, by role and
    name."""
    folder = reports / name
    verdicts = [make_drill(folder, shape) for shape in shapes]
    sources = reports / "sources"
    for (_, path), text in (texts or {}).items():
        (sources / path).parent.mkdir(parents=True, exist_ok=True)
        (sources / path).write_text(text)
    facts = Facts(
        run=name,
        started="2026-11-23T11:02:40+00:00",
        started_wall=WALL - 60,
        target="Novel Engine",
        place=f"reports/{name}",
        exit_status=exit_status,
        command_line="pytest features -m smoke",
        inputs=keep_inputs(folder, sources, [(role, Path(path)) for role, path in texts or {}]),
        drills=[StoredDrill(v.drill, v.scenario, v.evidence) for v in verdicts],
        findings=list(findings),
    )
    write_facts(folder, facts)
    return folder, verdicts


def make_drill(run_folder: Path, shape: Shape) -> DrillVerdict:
    """One drill's evidence in the run's folder."""
    folder = run_folder / "evidence" / shape.drill
    recorder = Recorder(folder / "recording.jsonl")

    def record(seconds: float, data: Data) -> None:
        recorder.record(data, at=Moment(WALL + seconds, ZERO + seconds))

    started = DrillStarted(
        drill=shape.drill,
        settings=Judging(500, 5, 22, 20, shape.requests_per_second, 1.0),
        feature=shape.feature,
        scenario=shape.scenario,
        tags=list(shape.tags),
        severity=shape.severity,
        faults=[PlannedFault(shape.fault, alerts=list(shape.meant))] if shape.fault else [],
        procedures=[] if shape.control else [shape.procedure],
        expected=shape.expected,
        control=shape.control,
        runbook=shape.runbook,
        limits=LIMITS,
        calibration=shape.calibration,
        alerts=None if shape.stated is None else list(shape.stated),
        symptoms=list(shape.symptoms),
    )
    record(-shape.before - 1, started)
    record(-shape.before - 0.5, HealthGate(True, "3 of 3 pods are ready"))
    record(-shape.before, LoadStarted(shape.requests_per_second, 1.0))
    record(-shape.before, WindowOpened("before"))
    record(-0.1, FaultAnnounced(shape.fault))
    record(0.0, FaultInjected(shape.fault))
    record(0.9, FaultWitnessed(shape.fault, "no endpoints; failed requests", 0.9))
    phases = [Phase("injected", 0.0), Phase("first felt", shape.out[0]), Phase("witnessed", 0.9)]
    if shape.procedure_at is not None and shape.commands:
        _record_procedure(shape, record)
        phases += [
            Phase("procedure started", shape.procedure_at),
            Phase("procedure done", shape.commands[-1][3]),
        ]
    for change in shape.changes or ():
        record(change.seconds, ClusterChanged(change.verb, change.object))
    record(shape.end, ChangesRead(shape.changes is not None, len(shape.changes or ())))
    if not shape.recovered:
        record(shape.end - 1, ClusterProgress([]))
    if shape.recovered:
        phases.append(Phase("recovered", shape.out[1]))
        record(shape.out[1] + 0.2, WindowOpened("after"))
    record(shape.end, LoadStopped(0))
    absent = [AbsentWrite(f"write-{n}", ZERO - 3.0 + n * 0.1) for n in range(shape.lost)]
    record(shape.end, WritesAudited(acknowledged=1040, checked=1040, absent=absent))
    record(shape.end + 1, TargetPutBack())
    for data in shape.extra:
        record(shape.end + 2, data)
    recorder.close()
    (folder / "transcripts").mkdir()
    (folder / "transcripts" / "01-immediate-actions.txt").write_text(shape.transcript)
    (folder / "journal.json").write_text("{}")
    failed, planned = write_requests(folder / "requests.jsonl", shape)
    verdict = DrillVerdict(
        drill=shape.drill,
        feature=shape.feature,
        scenario=shape.scenario,
        tags=list(shape.tags),
        severity=shape.severity,
        faults=[
            FaultSeen(
                shape.fault,
                injected_seconds=0.0,
                witness="no endpoints",
                witness_seconds=0.9,
                users="failed request GET /campaigns",
            )
        ],
        procedures=[] if shape.control else [shape.procedure],
        expected=shape.expected,
        verdict=shape.verdict,  # type: ignore[arg-type]
        why=shape.why,
        control=shape.control,
        criteria=list(default_criteria(shape) if shape.criteria is None else shape.criteria),
        phases=sorted(phases, key=lambda phase: phase.seconds),
        credit=shape.credit,  # type: ignore[arg-type]
        writes=Writes(1040, shape.lost, shape.allowed_lost, shape.data_age_seconds),
        requests=RequestCount(planned, planned - failed // 2, failed),
        commands=[]
        if shape.procedure_at is None
        else [CommandRun(c[0], c[1], c[4], c[3] - c[2], c[5]) for c in shape.commands],
        evidence=f"evidence/{shape.drill}",
        watched_seconds=shape.end,
        procedure_started_seconds=shape.procedure_at,
        recovered_seconds=shape.out[1] if shape.recovered else None,
        outages=[Outage("failed", shape.out[0], shape.out[1] if shape.recovered else None)],
        out_seconds=(shape.out[1] if shape.recovered else shape.end) - shape.out[0],
        unmeasured=list(shape.unmeasured),
        changes=None if shape.changes is None else list(shape.changes),
        calibration=shape.calibration,
    )
    (folder / "verdict.json").write_bytes(msgspec.json.encode(verdict))
    return verdict


def _record_procedure(shape: Shape, record: Callable[..., None]) -> None:
    section, _, step = shape.procedure.partition(" / ")
    record(shape.procedure_at, ProcedureStarted(shape.procedure, section, step, shape.line))
    for line, command, started, finished, status, interrupted, output in shape.commands:
        done = CommandFinished(
            line, command, status, ZERO + started, ZERO + finished, interrupted=interrupted, output=output
        )
        record(finished, done)
    record(shape.commands[-1][3], ProcedureFinished(shape.procedure))


def write_requests(path: Path, shape: Shape) -> tuple[int, int]:
    """Requests planned evenly, failing while the service is out; how many failed, and how many there are."""
    random = np.random.default_rng(7)
    count = int((shape.before + shape.end) * shape.requests_per_second)
    planned = ZERO - shape.before + np.arange(count) / shape.requests_per_second
    since = planned - ZERO
    latency = random.lognormal(np.log(0.007), 0.55, count)
    warm = np.clip(1 - (since - shape.out[1]) / 6.0, 0, 1) * (since >= shape.out[1])
    latency *= 1 + 14 * warm
    out = (since >= shape.out[0]) & (since < shape.out[1])
    timeout = out & (random.random(count) < 0.35)
    latency = np.where(out, np.where(timeout, 1.0, 0.003), np.minimum(latency, 0.99))
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for moment, seconds, failed in zip(planned.tolist(), latency.tolist(), out.tolist(), strict=True):
            error = "ConnectionRefusedError" if failed else ""
            request = Request(
                moment, moment + 0.0004, moment + seconds, "GET /campaigns", 0 if failed else 200, error
            )
            file.write(encoder.encode(request) + b"\n")
    return int(out.sum()), count


def default_criteria(shape: Shape) -> list[Criterion]:
    """One of each kind, with the numbers of a drill that went well."""
    recovered = shape.out[1] if shape.recovered else None
    outcome: Outcome = "pass" if shape.recovered else "fail"
    return [
        Criterion(
            "recovered",
            outcome,
            "",
            recovered,
            900.0,
            "s",
            None,
            600,
            f"{BASELINES}:14",
            "recovered within the response time of P0",
        ),
        Criterion(
            "response_time",
            "pass",
            "",
            0.0213,
            0.5,
            "s",
            (0.0205, 0.0224),
            3432,
            f"{BASELINES}:546",
            "95 % of requests took less than 21 ms",
        ),
        Criterion(
            "error_rate",
            "pass",
            "",
            0.0,
            0.001,
            "ratio",
            (0.0, 0.00087),
            3432,
            f"{BASELINES}:547",
            "0 of 3432 requests failed",
        ),
        Criterion(
            "cpu",
            "pass",
            "CPU usage, average",
            0.231,
            0.7,
            "ratio",
            None,
            28,
            f"{BASELINES}:548",
            "highest average of 5 pods",
        ),
        Criterion(
            "memory", "pass", "", 0.36, 0.8, "ratio", None, 28, f"{BASELINES}:549", "highest share of 5 pods"
        ),
        Criterion(
            "database",
            "inconclusive",
            "",
            None,
            0.05,
            "s",
            None,
            0,
            f"{BASELINES}:550",
            "two samples of the window are needed, none was taken",
        ),
        Criterion(
            "writes",
            "pass",
            "",
            0.0,
            0.0,
            "writes",
            None,
            1040,
            "",
            "0 of 1040 acknowledged writes are absent",
        ),
        Criterion("data_age", "not applicable", why="no backup is restored in this drill"),
    ]


COPY = (
    "kubectl cp backup-novel-engine-latest.db "
    "novel-engine-production/novel-engine-pod:/app/data/novel-engine.db"
)
CONTROL = Shape(
    drill="scaled-to-zero.control",
    scenario="With nobody acting the service stays away",
    expected="fail",
    control=True,
    procedure_at=None,
    recovered=False,
    out=(0.42, 48.0),
    verdict="fail",
    credit="nobody",
    why="Not recovered in the 48 s that were watched.",
)
AS_WRITTEN = Shape(
    drill="database-as-written",
    feature="Database Recovery",
    scenario="Database Recovery as written leaves the service down",
    tags=("P0", "nightly"),
    fault="database-corrupted",
    procedure="Database Recovery",
    expected="fail",
    verdict="fail",
    why="The service was not restored: kubectl cp found no pod named novel-engine-pod (runbook line 284).",
    credit="nobody",
    recovered=False,
    out=(0.3, 60.0),
    end=60.0,
    line=281,
    commands=(
        (
            281,
            "kubectl scale deployment novel-engine --replicas=0 -n novel-engine-production",
            3.2,
            3.5,
            0,
            False,
            "scaled",
        ),
        (
            284,
            COPY,
            3.6,
            4.1,
            1,
            False,
            "error: backup-novel-engine-latest.db doesn't exist in local filesystem",
        ),
        (
            288,
            "kubectl scale deployment novel-engine --replicas=3 -n novel-engine-production",
            4.2,
            4.5,
            0,
            False,
            "scaled",
        ),
        (
            291,
            "kubectl port-forward service/novel-engine 8080:8000 -n novel-engine-production &",
            4.6,
            4.61,
            0,
            False,
            "",
        ),
        (292, "curl http://localhost:8080/health", 4.62, 4.7, 7, False, "curl: (7) Failed to connect"),
    ),
    transcript="$ kubectl cp backup-novel-engine-latest.db …\nerror: \x1b[31mdoesn't exist\x1b[0m "
    "<script>alert('no')</script> & more\n",
)
AS_CORRECTED = Shape(
    drill="database-as-corrected",
    feature="Database Recovery",
    scenario="Database Recovery as corrected restores the service",
    tags=("P0", "nightly"),
    fault="database-corrupted",
    procedure="Database Recovery",
    why="Recovered 31 s after the injection; 9 writes acknowledged after the backup are lost, as the "
    "procedure allows.",
    out=(0.3, 31.0),
    end=64.0,
    lost=9,
    allowed_lost=9,
    data_age_seconds=41.2,
)
SURPRISE = Shape(
    drill="redis-locked-out",
    feature="High Error Rate (P1)",
    scenario="Redis refuses its clients and the procedure restarts it",
    tags=("P1", "smoke"),
    severity="P1",
    fault="redis-locked-out",
    procedure="High Error Rate / Database Connection Issues",
    verdict="inconclusive",
    why="The error rate is not settled: 2 of 1200 requests failed.",
    credit="too close to tell",
    criteria=(
        Criterion(
            "error_rate",
            "inconclusive",
            "",
            2 / 1200,
            0.001,
            "ratio",
            (0.0002, 0.006),
            1200,
            f"{BASELINES}:547",
            "2995 requests without a failure are needed to say so at 95 %",
        ),
        Criterion(
            "response_time",
            "fail",
            "",
            0.72,
            0.5,
            "s",
            (0.69, 0.75),
            1200,
            f"{BASELINES}:546",
            "95 % of requests took less than 720 ms",
        ),
    ),
)
EVERYTHING = (Shape(), CONTROL, AS_WRITTEN, AS_CORRECTED, SURPRISE)
