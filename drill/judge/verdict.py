"""The verdict on a drill, as data. The judge makes it from a recording; reports, summaries and the credit
only read it.

All times are seconds. `..._seconds` of a moment count from the drill's origin: the injection of the first
fault that users are to feel, else the first injection, else (no fault at all) what comes first after the
window before: the procedure's start, or the window after. `verdict` speaks of the procedure, never of what
was expected. No path in it depends on where the run is kept.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from drill.recording.events import Calibration, Felt

Outcome = Literal["pass", "fail", "inconclusive", "not applicable"]
Overall = Literal["pass", "fail", "inconclusive", "not noticed", "setup", "not applicable"]
"""`not noticed`: the fault took effect, users were never out, and nothing else was wrong."""
Credit = Literal["runbook", "platform", "nobody", "too close to tell", "not measured"]


class Criterion(msgspec.Struct, frozen=True):
    """One question to the recording and its answer. `title`: what it is called for people; `value`, `limit`
    and `interval` are in `unit`; `interval` is the confidence interval at 95 %, None where the value has no
    spread that was seen; `source`: the runbook line of the limit; `why`: one sentence, with the assumption
    that the answer rests on. A limit is not to be reached; one of a count (commands, writes) is not to be
    exceeded."""

    name: str
    verdict: Outcome
    title: str = ""
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    interval: tuple[float, float] | None = None
    samples: int = 0
    source: str = ""
    why: str = ""


class Phase(msgspec.Struct, frozen=True):
    """A moment of the drill that came: injected, witnessed, first felt, procedure started, procedure done,
    recovered. A moment that never came has no phase."""

    name: str
    seconds: float


class FaultSeen(msgspec.Struct, frozen=True):
    """One fault of the drill. `felt`: how users were to notice it; `injected_seconds`: None where it never
    was; `witness`: what the platform showed, empty where nothing was seen, `witness_seconds` after its own
    injection; `users`: what users felt, in words; `noticed`: False where the recording says that nobody
    did."""

    fault: str
    felt: Felt = "failed"
    part: str = ""
    injected_seconds: float | None = None
    witness: str = ""
    witness_seconds: float | None = None
    users: str = ""
    noticed: bool = True


class Outage(msgspec.Struct, frozen=True):
    """A stretch in which users were out. `felt`: their requests failed, or were slow; `end_seconds`: the
    beginning of what came after it, None where it lasted until the end of watching."""

    felt: Literal["failed", "slow"]
    start_seconds: float
    end_seconds: float | None = None


class Unmeasured(msgspec.Struct, frozen=True):
    """A stretch in which the instrument failed, not the target. `slots`: planned requests of which nothing is
    said.
    """

    start_seconds: float
    end_seconds: float
    slots: int
    what: str


class AlertSeen(msgspec.Struct, frozen=True):
    """Once that an alert would have been there, by the replay of what was scraped. Seconds since the first
    injection (without a fault: since recording began), None where that did not come; `meant`: it is to fire
    in this drill; `section`: of the runbook, where it leads."""

    alert: str
    severity: str = ""
    meant: bool = False
    pending_seconds: float | None = None
    firing_seconds: float | None = None
    resolved_seconds: float | None = None
    section: str = ""


class Called(msgspec.Struct, frozen=True):
    """How long everything would have taken, had somebody been called. `alert`: that calls, empty where nobody
    would have been called; `detected_seconds`: until then, by the replay, or, where it is `live`, until it
    was received; `response_seconds`: until somebody begins, assumed; `acted_seconds`: from there until users
    are served, measured; `total_seconds`: all of it; None where a share of it is not known. `severity`: of
    the alert, and `limit_seconds`: what the runbook gives it."""

    alert: str
    detected_seconds: float | None = None
    response_seconds: float | None = None
    acted_seconds: float | None = None
    total_seconds: float | None = None
    live: bool = False
    severity: str = ""
    limit_seconds: float | None = None


class Change(msgspec.Struct, frozen=True):
    """What the operator's identity changed, by the API server's audit log."""

    verb: str
    object: str
    seconds: float


class Writes(msgspec.Struct, frozen=True):
    """Acknowledged writes and what became of them. `lost` are all that are absent afterwards, `allowed_lost`
    those of them that a restored backup may lose; `data_age_seconds`: from the newest row that survived to
    the fault, None where no backup was restored or nothing that survived could be dated."""

    acknowledged: int
    lost: int
    allowed_lost: int
    data_age_seconds: float | None = None


class RequestCount(msgspec.Struct, frozen=True):
    """Requests of the whole drill. `planned`: slots of the plan, whether or not they have a record;
    `completed`: those that got an answer of any kind; `failed`: of those that were measured; `unmeasured`:
    slots of which nothing is said, for they have no record, or two, or the load itself was in trouble."""

    planned: int = 0
    completed: int = 0
    failed: int = 0
    unmeasured: int = 0


class CommandRun(msgspec.Struct, frozen=True):
    """One command that the operator ran. `line`: of the runbook; `interrupted`: it streams, and was ended as
    by Ctrl-C; `hung`: it should have ended and did not; `finished_seconds`: when it had ended."""

    line: int
    command: str
    status: int
    seconds: float
    interrupted: bool = False
    hung: bool = False
    finished_seconds: float | None = None


class Gain(msgspec.Struct, frozen=True):
    """The `probability` quantile of the response time before a procedure and after it, seconds, each with its
    interval at 95 %; `ratio`: the interval of after over before."""

    probability: float
    before: float
    before_interval: tuple[float, float]
    after: float
    after_interval: tuple[float, float]
    ratio: tuple[float, float]


class HitRate(msgspec.Struct, frozen=True):
    """The share of lookups that the cache answered before a procedure and after it, each with its interval at
    95 %; `difference`: the interval of after minus before."""

    before: float
    before_interval: tuple[float, float]
    after: float
    after_interval: tuple[float, float]
    difference: tuple[float, float]


class DrillVerdict(msgspec.Struct, frozen=True):
    """What is said of one drill.

    `began_wall`: when it began, by which drills of a run are ordered; `control`: nobody acted; `evidence`:
    its folder, relative to the run's; `stays_out`: the statement "the service stays out", with the time
    watched as its value (pass: it does); `told`: each statement of what a block tells of the fault, its place
    as the name and its pattern as the title; `recovered_seconds`: the beginning of good service that lasted
    until the end of watching, None where there was none or users were never out; `outages` in order,
    `out_seconds` their total, `flapping`: the service came back for as long as a hold, and went out again;
    `watched_seconds`: from the origin to the end of watching; `came_back_after`: the last command that had
    begun when service came back; `changes`: None where no audit log was read; `alerts`: None where none were
    replayed; `called`: None where users did not notice, or nobody can tell; `gain`: None with a fault, where
    nobody acted, and where too little is known; `hit_rate`: None there too, and where no cache was looked at;
    `hit_rate_why`: why it is not told although one was; `credit_why`: one sentence; `unreadable`: records
    that could not be understood, by name.
    """

    drill: str
    feature: str
    scenario: str
    tags: list[str]
    severity: str
    faults: list[FaultSeen]
    procedures: list[str]
    expected: str
    verdict: Overall
    why: str
    control: bool
    criteria: list[Criterion]
    phases: list[Phase]
    credit: Credit
    writes: Writes | None
    requests: RequestCount
    commands: list[CommandRun]
    evidence: str
    credit_why: str = ""
    stays_out: Criterion | None = None
    told: list[Criterion] = []
    began_wall: float = 0.0
    watched_seconds: float = 0.0
    procedure_started_seconds: float | None = None
    recovered_seconds: float | None = None
    outages: list[Outage] = []
    out_seconds: float = 0.0
    flapping: bool = False
    unmeasured: list[Unmeasured] = []
    came_back_after: CommandRun | None = None
    changes: list[Change] | None = None
    calibration: Calibration | None = None
    alerts: list[AlertSeen] | None = None
    called: Called | None = None
    gain: Gain | None = None
    hit_rate: HitRate | None = None
    hit_rate_why: str = ""
    unreadable: list[str] = []

    @property
    def fault(self) -> str:
        """The names of the faults, as one text; empty where there is none."""
        return " + ".join(fault.fault for fault in self.faults)

    @property
    def procedure(self) -> str:
        """The names of the procedures, as one text; empty where nobody acted."""
        return "; ".join(self.procedures)
