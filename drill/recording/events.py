"""Every kind of event: one record each, used by those who write it and those who read it. An event that is
not here cannot be recorded, and one on disk that is not here, or has other fields, is an InputError.

All times are monotonic seconds unless a field says `wall` (seconds since the epoch). A new kind is one class
below: its first line says who writes it and when.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeVar

import msgspec

SCHEMA_VERSION = 2
"""Rises when a stored recording of before cannot be read any more."""

Felt = Literal["failed", "slow", "latent", "nothing"]
"""How users notice a fault: requests fail, succeed late, not before a second event, or (no-fault) never."""
FELT_AT_ONCE = frozenset[Felt](("failed", "slow"))
"""What users notice as soon as the fault is in."""
WindowName = Literal["before", "fault", "recovery", "after"]
AlertStage = Literal["pending", "firing", "received"]
"""How far an alert is: its expression holds; it has held for long enough; whoever is on call has it."""


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the data of every kind of event."""

    kind: ClassVar[str] = ""


KINDS: dict[str, type[Data]] = {}
"""Every kind of event that there is, by its name on disk."""
Kind = TypeVar("Kind", bound=Data)


def _of(name: str) -> Callable[[type[Kind]], type[Kind]]:
    """Make a record the data of the events of that kind."""

    def enter(record: type[Kind]) -> type[Kind]:
        record.kind = name
        KINDS[name] = record
        return record

    return enter


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lies within an event's data."""


class Limit(Part, frozen=True):
    """A limit as the drill carries it. `value` in `unit` ("s", "ratio"); `statistic`: p95, mean, rate, share,
    elapsed; `source`: the runbook's line that it was read from."""

    value: float
    unit: str = ""
    comparison: str = "<"
    source: str = ""
    statistic: str = ""


class Judging(Part, frozen=True):
    """How much must be seen, and how the load was planned. Durations in seconds."""

    minimum_requests: int
    hold_seconds: float
    after_seconds: float
    patience_seconds: float
    requests_per_second: float
    timeout_seconds: float
    after_at_most_seconds: float = 0.0


class AlertDue(Part, frozen=True):
    """When an alert has to fire, in seconds from the fault: not before `after_seconds`, for nobody is to be
    called for a disturbance that is over by then, and within `within_seconds`; None: the response time of its
    severity is its only limit."""

    alert: str
    after_seconds: float = 0.0
    within_seconds: float | None = None


class PlannedFault(Part, frozen=True):
    """A fault that the scenario names. `part`: the part of the target that it hits, empty for the
    application; `alerts`: of the runbook that are meant to call somebody; `alert`: the only one, in
    recordings of before there could be several; `due`: when those of which that is known have to fire;
    `comes_and_goes`: users are served between its blows, and it strikes again until somebody ends it."""

    fault: str
    felt: Felt = "failed"
    part: str = ""
    alert: str = ""
    alerts: list[str] = []
    due: list[AlertDue] = []
    comes_and_goes: bool = False

    @property
    def meant(self) -> list[str]:
        """The alerts that are meant to call somebody."""
        return self.alerts or ([self.alert] if self.alert else [])


class Calibration(Part, frozen=True):
    """The target's own noise, measured by a drill of nothing. `dispersion`: variance of failures per block
    over that of independent ones (>= 1); `correlation_seconds`: how long latencies depend on each other;
    `capacity`: highest requests per second served within the limits; `lateness_seconds`: p99 of how late the
    load sent; `machine_busy_share`: of all cores, 0 to 1; `taken_wall`: when; `digest`: of the target that it
    was measured on. `failures` in `requests`: what the dispersion was told from; with fewer than two it is
    taken as 1."""

    dispersion: float = 1.0
    correlation_seconds: float = 0.0
    capacity: float | None = None
    lateness_seconds: float = 0.0
    machine_busy_share: float = 0.0
    taken_wall: float = 0.0
    digest: str = ""
    failures: int = 0
    requests: int = 0


class Symptom(Part, frozen=True):
    """What the scenario states that a block of the runbook tells: a line of its output that `pattern`, a
    regular expression, is found in. When the block is followed it must be there. `before`: on the healthy
    target it must be absent, or what was there then is older history (a log) and counts for nothing, or
    anything may have been. `line`, `last_line`: of
    the block in the runbook; `as_written`: in the text as first written."""

    place: str
    pattern: str
    line: int
    last_line: int
    before: Literal["absent", "older", "anything"] = "absent"
    as_written: bool = False


@_of("drill.started")
class DrillStarted(Data, frozen=True):
    """Written first. `parts`: name -> kind of the parts that the target has; `lacks`: what criteria need and
    the target does not have (database, metrics, backup, writes, resources); `restores`: the procedure puts a
    backup back; `control`: nobody acts; `expected`: the verdict that the scenario states; `calibration`: None
    where none was kept; `symptoms`: what blocks that investigate must tell of the fault; `alerts`: those that
    the scenario states to fire, None where it says nothing of alerts; `due`: when, as it states; `waits`: it
    is asked whether the procedure was over only when users were served; `leaves`: regular expressions of what
    it states to be left changed, None where it says nothing of that."""

    drill: str
    settings: Judging
    feature: str = ""
    scenario: str = ""
    tags: list[str] = []
    severity: str = ""
    faults: list[PlannedFault] = []
    procedures: list[str] = []
    expected: str = "pass"
    control: bool = False
    runbook: str = ""
    limits: dict[str, Limit] = {}
    parts: dict[str, str] = {}
    lacks: list[str] = []
    restores: bool = False
    calibration: Calibration | None = None
    symptoms: list[Symptom] = []
    alerts: list[str] | None = None
    due: list[AlertDue] = []
    waits: bool = False
    leaves: list[str] | None = None
    schema: int = SCHEMA_VERSION


@_of("drill.not_applicable")
class DrillNotApplicable(Data, frozen=True):
    """The target lacks what the drill needs; the recording ends here."""

    what: str


@_of("health.gate")
class HealthGate(Data, frozen=True):
    """One look at the target before anything is broken."""

    healthy: bool
    observed: str = ""


@_of("load.started")
class LoadStarted(Data, frozen=True):
    """Users come. Slots are whole multiples of 1 / `requests_per_second` on the monotonic clock."""

    requests_per_second: float
    timeout_seconds: float
    stream: str = "requests.jsonl"


@_of("load.stopped")
class LoadStopped(Data, frozen=True):
    """The load's process has ended. `exit_status`: negative for a signal."""

    exit_status: int


@_of("load.trouble")
class LoadTrouble(Data, frozen=True):
    """The instrument failed, not the target: in [start, end) the load was stopped, starved or gone. Nothing
    of that stretch is a failure, a witness or an outage."""

    start: float
    end: float
    what: str


@_of("window.opened")
class WindowOpened(Data, frozen=True):
    """A stretch of the drill begins."""

    window: WindowName


@_of("window.closed")
class WindowClosed(Data, frozen=True):
    """A stretch of the drill ends."""

    window: WindowName


@_of("backup.made")
class BackupMade(Data, frozen=True):
    """A backup was made on the drill's word. What was acknowledged before `started` is in it."""

    name: str
    started: float
    finished: float


@_of("fault.announced")
class FaultAnnounced(Data, frozen=True):
    """Written by the experiment, durably, before anything is broken. `record`: what the undo needs."""

    fault: str
    record: dict[str, Any] = {}
    ledger: str = ""


@_of("fault.injected")
class FaultInjected(Data, frozen=True):
    """The event's moment is that of the injection itself, which took `seconds`; `detail`: what was hit."""

    fault: str
    seconds: float = 0.0
    detail: dict[str, Any] = {}


@_of("fault.witnessed")
class FaultWitnessed(Data, frozen=True):
    """The platform shows the fault and, unless it is latent, users feel it, `seconds` after the injection.
    `users`: what they felt, empty for a latent fault."""

    fault: str
    what: str
    seconds: float
    users: str = ""


@_of("fault.unnoticed")
class FaultUnnoticed(Data, frozen=True):
    """The fault took effect on the platform (`what`), and no user noticed within `watched_seconds`: a
    result.
    """

    fault: str
    what: str
    watched_seconds: float


@_of("fault.unwitnessed")
class FaultUnwitnessed(Data, frozen=True):
    """The platform does not show the fault: it hit nothing."""

    fault: str
    awaited: str = ""
    last_seen: str = ""


@_of("fault.failed")
class FaultFailed(Data, frozen=True):
    """Written by the experiment: it could not announce, inject or undo."""

    fault: str
    error: str
    message: str


@_of("fault.undone")
class FaultUndone(Data, frozen=True):
    """Written by the experiment once the undo was checked."""

    fault: str
    status: int = 0
    detail: str = ""


@_of("alert.staged")
class AlertStaged(Data, frozen=True):
    """The target's own monitoring brought an alert to this stage, `seconds` after the first injection. The
    event's moment is the alert's: the evaluation from which on it was pending, when it was seen firing, when
    it arrived."""

    alert: str
    stage: AlertStage
    seconds: float
    labels: dict[str, str] = {}


@_of("alert.missed")
class AlertMissed(Data, frozen=True):
    """An alert that the drill waited for was not received within `waited_seconds`: nobody was called."""

    alert: str
    waited_seconds: float
    last_seen: str = ""


@_of("status-page.told")
class StatusPageTold(Data, frozen=True):
    """Somebody asked the drill's own status page for an update of an incident. `status`, `text`: as they were
    given, empty where they were not; `answered`: the HTTP status, 200 where the page shows it now."""

    page: str
    incident: str
    status: str
    text: str
    answered: int


@_of("cloud.begun")
class CloudBegun(Data, frozen=True):
    """The operator's `aws` is answered by an emulator of the drill's own from here on. `emulator`, `client`:
    "moto 5.2.5", "awscli 1.46.3"; `trouble`: why there is neither, empty where there is."""

    emulator: str
    client: str
    trouble: str = ""


@_of("procedure.started")
class ProcedureStarted(Data, frozen=True):
    """The operator begins a block of the runbook. `line`: of its first command; `as_written`: of the text as
    first written."""

    procedure: str
    section: str = ""
    step: str = ""
    line: int = 0
    text: str = ""
    runbook: str = ""
    as_written: bool = False


class PipelinePart(Part, frozen=True):
    """One part of a pipeline; `status` is None where bash did not tell it."""

    line: int
    command: str
    status: int | None = None


@_of("command.finished")
class CommandFinished(Data, frozen=True):
    """One command has ended. `interrupted`: it streams by nature and was ended as by Ctrl-C; `hung`: it
    should have ended and did not, and was ended (also `interrupted`); `handled`: it failed, and the text
    deals with that (`a || b`, `if a`, `a && b`), so it is no failure of the procedure; `background`: it was
    left running; `output`: what it printed, or its end where `cut`."""

    line: int
    command: str
    status: int
    started: float
    finished: float
    interrupted: bool = False
    hung: bool = False
    handled: bool = False
    background: bool = False
    parts: list[PipelinePart] = []
    output: str = ""
    cut: bool = False


@_of("procedure.finished")
class ProcedureFinished(Data, frozen=True):
    """The block has ended with `status` (0 when every command did). `background`: commands that still run,
    and go on running until the drill is over."""

    procedure: str = ""
    status: int = 0
    missing_tools: list[str] = []
    background: list[str] = []


@_of("cluster.changed")
class ClusterChanged(Data, frozen=True):
    """The API server's audit log: the operator's identity changed something; the event's moment is that of
    the change. `verb`: create, update, patch, delete, deletecollection; or exec, for a command in a pod,
    which may have changed anything or nothing: `command` says which. `object`: "deployments/novel-engine", a
    subresource after it."""

    verb: str
    object: str
    code: int = 200
    command: str = ""


@_of("changes.read")
class ChangesRead(Data, frozen=True):
    """Whether the cluster's audit log could be read for this drill; `why` says why not. Without it a cause
    cannot be shown."""

    available: bool
    count: int = 0
    why: str = ""


class PodResources(Part, frozen=True):
    """One container's use. `cpu_seconds` is cumulative, as of `cpu_at`; a limit or measure that there is not
    is None. `container_id` tells a restarted container from the one before."""

    pod: str
    cpu_seconds: float | None = None
    cpu_at: float | None = None
    memory_bytes: float | None = None
    cpu_limit_cores: float | None = None
    memory_limit_bytes: float | None = None
    container_id: str = ""


@_of("sample.resources")
class ResourcesSampled(Data, frozen=True):
    """What the application's pods use. `expected`: all pods that ran at that moment, those without a measure
    too.
    """

    pods: list[PodResources]
    expected: list[str] = []


class PodDatabase(Part, frozen=True):
    """Since the process started: seconds spent in queries, and how many there were."""

    pod: str
    seconds: float
    queries: float


@_of("sample.database")
class DatabaseSampled(Data, frozen=True):
    """Query times by pod, both cumulative."""

    pods: list[PodDatabase]


class PodCache(Part, frozen=True):
    """Since the process started: lookups that the cache answered, and those that it did not."""

    pod: str
    hits: float
    misses: float


@_of("sample.cache")
class CacheSampled(Data, frozen=True):
    """Lookups by pod, cumulative. A pod that did not tell both numbers is left out."""

    pods: list[PodCache]


@_of("sample.machine")
class MachineSampled(Data, frozen=True):
    """The machine that the load runs on. `busy_share`: of all cores since the sample before, 0 to 1."""

    busy_share: float


@_of("sample.failed")
class SampleFailed(Data, frozen=True):
    """A sample could not be taken."""

    what: str
    error: str = ""


@_of("cluster.progress")
class ClusterProgress(Data, frozen=True):
    """Watching a service that is out: what in the cluster is still on its way (a rollout, a starting
    container, a pending pod). Empty: nothing will come any more by itself."""

    on_its_way: list[str]


@_of("cluster.event")
class ClusterEvent(Data, frozen=True):
    """One of Kubernetes' own events."""

    reason: str = ""
    object: str = ""
    message: str = ""
    wall: float = 0.0


class AlertKnown(Part, frozen=True):
    """A rule of the runbook. `limit_seconds`: the response time of its severity, None where the runbook
    states none; `response_seconds`: from the call until somebody begins, as drill.toml assumes, None where it
    does not; `link`: where it leads who is called; `section`: the runbook's title there, empty where there is
    none; `needs_seconds`: after so long a silent rule stays silent; `untold`: metrics that it asks for and
    that could not be scraped."""

    alert: str
    severity: str = ""
    limit_seconds: float | None = None
    response_seconds: float | None = None
    link: str = ""
    section: str = ""
    needs_seconds: float = 0.0
    untold: list[str] = []


class AlertSpell(Part, frozen=True):
    """Once that an alert was there in the replay: seconds since the injection (without a fault: since
    recording began); None where that did not happen before the end."""

    alert: str
    pending: float | None = None
    firing: float | None = None
    resolved: float | None = None
    labels: dict[str, str] = {}


class AlertCurve(Part, frozen=True):
    """What one comparison of an alert's expression looks at, in the replay. `expression`: the side that is
    compared; `sign`: as in `expression > threshold`; `values`: from `first_seconds` since the injection on,
    `every_seconds` apart, None where the expression gives nothing; of several series, the one that is nearest
    to firing."""

    alert: str
    expression: str
    sign: str
    threshold: float
    first_seconds: float
    every_seconds: float
    values: list[float | None] = []


@_of("alerts.replayed")
class AlertsReplayed(Data, frozen=True):
    """The series of the drill were replayed by Prometheus' rule engine. `why`: why they could not be, empty
    where they were. `held_seconds`: for how long the fault's last state was held on, 0 where it was too short
    to be known; `until_seconds`: the end of that, since the injection; `recovered`: True where what came
    after recovery was replayed too, for `resolve_seconds` more; `scrapes` so many, and `gap_seconds` the
    longest time without one; `curves`: for pictures, none where they could not be told."""

    why: str = ""
    rules: list[AlertKnown] = []
    spells: list[AlertSpell] = []
    evaluate_seconds: float = 0.0
    held_seconds: float = 0.0
    until_seconds: float = 0.0
    recovered: bool = False
    resolve_seconds: float = 0.0
    scrapes: int = 0
    gap_seconds: float = 0.0
    curves: list[AlertCurve] = []


class AbsentWrite(Part, frozen=True):
    """An acknowledged write that was not found."""

    id: str
    acknowledged_at: float


@_of("writes.audited")
class WritesAudited(Data, frozen=True):
    """The acknowledged writes were looked for. `newest_survivor_at`: when the newest write acknowledged
    before the fault that is still there was acknowledged; None where none of this drill's survived. `source`:
    what was asked, when it is the store itself (a part) and not the service."""

    acknowledged: int
    checked: int
    unchecked: int = 0
    absent: list[AbsentWrite] = []
    newest_survivor_at: float | None = None
    source: str = ""


@_of("data.forgotten")
class DataForgotten(Data, frozen=True):
    """Before users came, what earlier drills had left in a part was removed: so many `rows`, and so many
    files and folders `beside`. `size_bytes`: of the store afterwards, None where it is not known; `trouble`:
    why something is still there, empty where all is gone."""

    part: str
    rows: int = 0
    beside: int = 0
    size_bytes: int | None = None
    trouble: str = ""


@_of("rows.there")
class RowsThere(Data, frozen=True):
    """Before anything is broken a part was asked for its rows. `newest_wall`: when the newest was written, by
    the part's own clock; `overdue_wall`: the newest of those that were then older than a backup may be; None
    where there is none."""

    part: str
    newest_wall: float | None = None
    overdue_wall: float | None = None


@_of("rows.survived")
class RowsSurvived(Data, frozen=True):
    """After recovery the same part was asked again. `fault_wall`: the fault's moment by the part's own clock;
    `newest_wall`: when the newest row that is older than that was written, None where there is none."""

    part: str
    fault_wall: float
    newest_wall: float | None = None


@_of("target.compared")
class TargetCompared(Data, frozen=True):
    """The target when all was over, before the faults were undone: what differed from its state before the
    fault, a line each, but for replicas that an autoscaler may have chosen. `trouble`: why that is not known,
    empty where it is."""

    differences: list[str] = []
    trouble: str = ""


@_of("target.put_back")
class TargetPutBack(Data, frozen=True):
    """The target after the drill: what differed from its known state, and whether something had to be
    repaired.
    """

    differences: list[str] = []
    repaired: bool = False


@_of("drill.error")
class DrillError(Data, frozen=True):
    """The drill could not be carried out (`stage` "drill": the verdict is setup), or its target could not be
    put back (`stage` "put back": the verdict stands, the run is in trouble)."""

    error: str
    message: str
    stage: Literal["drill", "put back"] = "drill"


@_of("drill.finished")
class DrillFinished(Data, frozen=True):
    """Written last."""
