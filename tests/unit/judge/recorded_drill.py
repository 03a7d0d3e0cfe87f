"""A drill on disk, made by the real Recorder, that the judge passes in every point; each test spoils one
thing of it.

Flows in: changes to the fields below. Flows out: a folder with recording.jsonl and requests.jsonl.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from drill.judge import Criterion, DrillVerdict, judge
from drill.judge.case import LOOK
from drill.recording import Moment, Recorder, Request, of_kind

RUNBOOK = "operations-runbook.md"
START, INJECTED, BACK, END = 1000.0, 1010.0, 1020.0, 1060.0
HOLD_SECONDS = 5.0
GOOD_SECONDS = 0.010
PER_SECOND = 120
AFTER_SECONDS = END - BACK - HOLD_SECONDS
AFTER_REQUESTS = int(AFTER_SECONDS * PER_SECOND)
FAULT = "deployment-scaled-to-zero"
PROCEDURE = "Service Completely Down"


def limits() -> dict[str, dict[str, Any]]:
    """What the runbook as first written states, for P0."""
    stated = {
        "recovered": (900.0, "s", "elapsed", 14),
        "response_time": (0.5, "s", "p95", 546),
        "error_rate": (0.001, "ratio", "rate", 547),
        "cpu": (0.7, "ratio", "mean", 548),
        "memory": (0.8, "ratio", "share", 549),
        "database": (0.05, "s", "mean", 550),
        "data_age": (21600.0, "s", "elapsed", 238),
    }
    return {
        name: {
            "value": value,
            "unit": unit,
            "comparison": "<",
            "statistic": statistic,
            "source": f"{RUNBOOK}:{line}",
        }
        for name, (value, unit, statistic, line) in stated.items()
    }


@dataclass
class RecordedDrill:
    """Moments are monotonic seconds. `outages`: stretches [start, end) in which every request fails;
    `slowness`: in which every request takes 0.8 s; `failing`: indexes of requests that fail besides;
    `slow`: seconds that a request takes, by index; `late`: seconds after its moment at which it is sent;
    `looked`: the commands that were run on the healthy target, None where nobody looked, and
    `looked_without`: the tools that were missing; `absent`, `twice`: indexes without a record, and with
    two."""

    folder: Path
    end: float = END
    outages: list[tuple[float, float]] = field(default_factory=lambda: [(INJECTED, BACK)])
    slowness: list[tuple[float, float]] = field(default_factory=list)
    failing: set[int] = field(default_factory=set)
    slow: dict[int, float] = field(default_factory=dict)
    late: dict[int, float] = field(default_factory=dict)
    absent: set[int] = field(default_factory=set)
    twice: set[int] = field(default_factory=set)
    errors: dict[int, str] = field(default_factory=dict)
    per_second: float = PER_SECOND
    procedure: tuple[float, float | None] | None = (1012.0, 1016.0)
    commands: list[dict[str, Any]] = field(
        default_factory=lambda: [command(52, "kubectl scale deployment/novel-engine")]
    )
    missing_tools: list[str] = field(default_factory=list)
    procedure_status: int = 0
    looked: list[dict[str, Any]] | None = None
    looked_without: list[str] = field(default_factory=list)
    started: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, dict[str, Any]] = field(default_factory=limits)
    healthy: bool | None = True
    injected: float | None = INJECTED
    witness: str | None = "no endpoints"
    unwitnessed: dict[str, Any] | None = None
    unnoticed: float | None = None
    backup: tuple[float, float] | None = None
    audit: dict[str, Any] | None = field(
        default_factory=lambda: {"acknowledged": 900, "checked": 900, "newest_survivor_at": 1009.5}
    )
    sample_every: float = 2.0
    cpu_share: Callable[[float], float] = lambda moment: 0.3
    memory_share: Callable[[float], float] = lambda moment: 0.5
    query_seconds: float = 0.004
    queries_per_second: float = 60.0
    undone: float | None = None
    closed: bool = True
    load_ended: int | None = 0
    changes: list[float] | None = field(default_factory=lambda: [1013.0])
    on_its_way: list[str] | None = field(default_factory=list)
    extra: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    def write(self) -> Path:
        """Both files; the folder."""
        self._write_requests()
        (self.folder / "recording.jsonl").unlink(missing_ok=True)
        recorder = Recorder(self.folder / "recording.jsonl")
        for moment, kind, data in sorted(self._events(), key=lambda event: event[0]):
            recorder.record(of_kind(kind, data), at=Moment(wall=moment + 1e9, monotonic=moment))
        recorder.close()
        if self.looked is not None:
            self._write_look(self.looked)
        return self.folder

    def _write_look(self, commands: list[dict[str, Any]]) -> None:
        (self.folder / LOOK / "recording.jsonl").unlink(missing_ok=True)
        recorder = Recorder(self.folder / LOOK / "recording.jsonl")
        begun = INJECTED - 5
        times = {"started": begun, "finished": begun + 0.2}
        block = {"procedure": PROCEDURE, "line": 50}
        ended = {"procedure": PROCEDURE, "missing_tools": self.looked_without}
        for kind, data in [
            ("procedure.started", block),
            *(("command.finished", times | each) for each in commands),
            ("procedure.finished", ended),
        ]:
            recorder.record(of_kind(kind, data), at=Moment(wall=begun + 1e9, monotonic=begun))
            begun += 0.1
        recorder.close()

    def judged(self) -> DrillVerdict:
        """The verdict on this drill."""
        return judge(self.write())

    def planned(self) -> Sequence[float]:
        """The moments of all requests."""
        return _planned(round((self.end - START) * self.per_second), self.per_second)

    def index_at(self, moment: float) -> int:
        """The index of the first request planned at `moment` or later."""
        return next(index for index, planned in enumerate(self.planned()) if planned >= moment - 1e-9)

    def indexes(self, start: float, end: float) -> set[int]:
        """The indexes of the requests planned in [start, end)."""
        return set(range(self.index_at(start), self.index_at(end) if end < self.end else len(self.planned())))

    def lines(self) -> list[bytes]:
        """What is recorded of the requests, in order; nothing for one that is absent."""
        planned = self.planned()
        out = self.failing.union(*(_between(planned, *stretch) for stretch in self.outages))
        slow = set().union(*(_between(planned, *stretch) for stretch in self.slowness))
        found = list(_good_lines(len(planned), self.per_second))
        for index in {*out, *slow, *self.slow, *self.late, *self.errors, *self.absent, *self.twice}:
            if index >= len(planned):
                continue
            sent = planned[index] + self.late.get(index, 0.0)
            took = self.slow.get(index, 0.8 if index in slow else GOOD_SECONDS)
            status = 0 if index in self.errors else 503 if index in out else 200
            error = self.errors.get(index, "503" if index in out else "")
            line = _line(planned[index], sent, sent + took, status, error)
            found[index] = line * (0 if index in self.absent else 2 if index in self.twice else 1)
        return found

    def _write_requests(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "requests.jsonl").write_bytes(b"".join(self.lines()))

    def _events(self) -> list[tuple[float, str, dict[str, Any]]]:
        settings = {
            "minimum_requests": 500,
            "hold_seconds": HOLD_SECONDS,
            "after_seconds": 22.0,
            "patience_seconds": 30.0,
            "requests_per_second": PER_SECOND,
            "timeout_seconds": 1.0,
        }
        started = {
            "drill": FAULT,
            "feature": "features/emergencies.feature",
            "scenario": "Someone scaled the service away",
            "tags": ["P0", "smoke"],
            "severity": "P0",
            "faults": [{"fault": FAULT}],
            "procedures": [PROCEDURE],
            "limits": self.limits,
            "settings": settings | self.settings,
        }
        load = {"requests_per_second": PER_SECOND, "timeout_seconds": 1.0}
        events: list[tuple[float, str, dict[str, Any]]] = [
            (START - 2, "drill.started", started | self.started),
            (START, "load.started", load),
            (START, "window.opened", {"window": "before"}),
        ]
        if self.healthy is not None:
            events.append((START - 1, "health.gate", {"healthy": self.healthy, "observed": "503 of /health"}))
        if self.backup is not None:
            begun, done = self.backup
            events.append((done, "backup.made", {"name": "backup-1", "started": begun, "finished": done}))
        events += self._fault() + self._procedure() + self._samples()
        if self.on_its_way is not None:
            events.append((self.end - 0.1, "cluster.progress", {"on_its_way": self.on_its_way}))
        if self.audit is not None:
            events.append((self.end + 1, "writes.audited", self.audit))
        if self.closed:
            events.append((self.end, "window.closed", {"window": "after"}))
        if self.load_ended is not None:
            events.append((self.end + 0.5, "load.stopped", {"exit_status": self.load_ended}))
        events.append((self.end + 9, "drill.finished", {}))
        return events + self.extra

    def _fault(self) -> list[tuple[float, str, dict[str, Any]]]:
        fault = {"fault": FAULT}
        events: list[tuple[float, str, dict[str, Any]]] = []
        if self.injected is not None:
            events += [
                (self.injected - 0.1, "window.closed", {"window": "before"}),
                (self.injected - 0.1, "window.opened", {"window": "fault"}),
                (self.injected, "fault.injected", fault | {"seconds": 0.1}),
            ]
            if self.unnoticed is not None:
                nobody = {"what": "no endpoints", "watched_seconds": self.unnoticed}
                events.append((self.injected + self.unnoticed + 0.1, "fault.unnoticed", fault | nobody))
            elif self.witness is not None:
                data = {"what": self.witness, "seconds": 0.5, "users": "failed requests"}
                events.append((self.injected + 0.6, "fault.witnessed", fault | data))
            if self.unwitnessed is not None:
                events.append((self.injected + 15, "fault.unwitnessed", fault | self.unwitnessed))
        if self.undone is not None:
            events.append((self.undone, "fault.undone", fault))
        return events

    def _procedure(self) -> list[tuple[float, str, dict[str, Any]]]:
        events: list[tuple[float, str, dict[str, Any]]] = []
        if self.changes is not None:
            events.append((self.end + 2, "changes.read", {"available": True, "count": len(self.changes)}))
            change = {"verb": "patch", "object": "deployments/novel-engine"}
            events += [(moment, "cluster.changed", change) for moment in self.changes]
        if self.procedure is None:
            return events
        begun, done = self.procedure
        name = {"procedure": (self.started.get("procedures") or [PROCEDURE])[0]}
        events.append(
            (begun, "procedure.started", name | {"section": "1.", "step": "scale", "line": 50, "text": "..."})
        )
        events += [
            (begun + 0.2, "command.finished", {"started": begun, "finished": begun + 0.2} | each)
            for each in self.commands
        ]
        if done is not None:
            data = name | {"status": self.procedure_status, "missing_tools": self.missing_tools}
            events.append((done, "procedure.finished", data))
        return events

    def _samples(self) -> list[tuple[float, str, dict[str, Any]]]:
        """Two pods that do the same; the cumulative counters rise by what the shares say."""
        events: list[tuple[float, str, dict[str, Any]]] = []
        moment, used, limit_cores, limit_bytes = START, 0.0, 0.5, 512 * 2**20
        names = ("novel-engine-a", "novel-engine-b")
        while moment <= self.end:
            resources = {
                "cpu_seconds": used,
                "cpu_at": moment,
                "memory_bytes": self.memory_share(moment) * limit_bytes,
                "cpu_limit_cores": limit_cores,
                "memory_limit_bytes": limit_bytes,
            }
            queries = (moment - START) * self.queries_per_second
            database = {"seconds": queries * self.query_seconds, "queries": queries}
            events.append(
                (
                    moment,
                    "sample.resources",
                    {"pods": [{"pod": pod} | resources for pod in names], "expected": list(names)},
                )
            )
            events.append((moment, "sample.database", {"pods": [{"pod": pod} | database for pod in names]}))
            used += self.cpu_share(moment) * limit_cores * self.sample_every
            moment += self.sample_every
        return events


@cache
def _planned(count: int, per_second: float) -> tuple[float, ...]:
    return tuple(START + number / per_second for number in range(count))


@cache
def _good_lines(count: int, per_second: float) -> tuple[bytes, ...]:
    return tuple(
        _line(moment, moment, moment + GOOD_SECONDS, 200, "") for moment in _planned(count, per_second)
    )


def _between(planned: Sequence[float], start: float, end: float) -> range:
    """The indexes of the requests planned in [start, end)."""
    return range(bisect_left(planned, start), bisect_left(planned, end))


@cache
def _line(planned: float, sent: float, finished: float, status: int, error: str) -> bytes:
    """One request as it is recorded: most are the same in every test."""
    return (
        msgspec.json.encode(
            Request(
                planned=planned,
                sent=sent,
                finished=finished,
                name="GET /campaigns",
                status=status,
                error=error,
            )
        )
        + b"\n"
    )


def command(line: int, text: str, status: int = 0, **more: Any) -> dict[str, Any]:
    """The data of command.finished, but its times unless given."""
    return {"line": line, "command": text, "status": status} | more


def criterion(verdict: DrillVerdict, name: str) -> Criterion:
    """The criterion of that name."""
    return next(each for each in verdict.criteria if each.name == name)
