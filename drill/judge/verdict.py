"""The verdict on a drill, as data. The judge makes it from a recording; reports, summaries and the credit
only read it.

Times are seconds; phases count from the moment of the injection. `verdict` speaks of the procedure, never of
what was expected.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["pass", "fail", "inconclusive", "not applicable"]
Overall = Literal["pass", "fail", "inconclusive", "setup", "not applicable"]
Credit = Literal["runbook", "platform", "nobody", "too close to tell", "not measured"]


class Criterion(msgspec.Struct, frozen=True):
    """One question to the recording and its answer. `value`, `limit` and `interval` are in `unit`; `interval`
    is the confidence interval at 95 %, None where the value has no spread that was seen; `source`: the
    runbook line of the limit; `why`: one sentence. A limit is not to be reached; one of a count (commands,
    writes) is not to be exceeded."""

    name: str
    verdict: Outcome
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    interval: tuple[float, float] | None = None
    samples: int = 0
    source: str = ""
    why: str = ""


class Phase(msgspec.Struct, frozen=True):
    """A moment of the drill that came: injected, witnessed, first failed request, procedure started,
    procedure done, restored. `seconds` since the injection. A moment that never came has no phase."""

    name: str
    seconds: float


class Witness(msgspec.Struct, frozen=True):
    """What proved that the fault took effect, and how many seconds after the injection."""

    what: str
    seconds: float


class Writes(msgspec.Struct, frozen=True):
    """Acknowledged writes and what became of them. `lost` are all that are absent afterwards, `allowed_lost`
    those of them that a restored backup may lose; `data_age_seconds`: from the earliest lost write to the
    fault (0 when none is lost), None where no backup was restored."""

    acknowledged: int
    lost: int
    allowed_lost: int
    data_age_seconds: float | None = None


class RequestCount(msgspec.Struct, frozen=True):
    """Requests of the whole drill. `planned`: those the load set out to send; `completed`: those that got an
    answer of any kind; `failed`."""

    planned: int = 0
    completed: int = 0
    failed: int = 0


class CommandRun(msgspec.Struct, frozen=True):
    """One command that the operator ran. `line`: of the runbook; `interrupted`: it streams, and was ended as
    by Ctrl-C."""

    line: int
    command: str
    status: int
    seconds: float
    interrupted: bool = False


class DrillVerdict(msgspec.Struct, frozen=True):
    """What is said of one drill. `control`: nobody acted; `evidence`: the folder it was judged from;
    `watched_seconds`: from the injection to the last request planned; `procedure_started_seconds` and
    `restored_seconds`: since the injection, None where that never came."""

    drill: str
    feature: str
    scenario: str
    tags: list[str]
    severity: str
    fault: str
    procedure: str
    expected: str
    verdict: Overall
    why: str
    control: bool
    criteria: list[Criterion]
    phases: list[Phase]
    witness: Witness | None
    credit: Credit
    writes: Writes | None
    requests: RequestCount
    commands: list[CommandRun]
    evidence: str
    watched_seconds: float = 0.0
    procedure_started_seconds: float | None = None
    restored_seconds: float | None = None
