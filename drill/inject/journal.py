"""The journal of a Chaos Toolkit experiment, the only thing that tells whether it did what it says; its exit
code does not.

Flows in: journal.json. Flows out: a Journal, and a FaultError for one that looks green although something in
it went wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from drill.errors import FaultError, InputError

COMPLETED = "completed"
SUCCEEDED = "succeeded"


class Activity(msgspec.Struct, frozen=True):
    """The name of an activity."""

    name: str


class ActivityRun(msgspec.Struct, frozen=True):
    """One activity that was run. `exception`: lines of a traceback; `output`: what it returned.

    One that a signal interrupted has no status in the journal.
    """

    activity: Activity
    status: str = "interrupted"
    output: Any = None
    exception: list[str] | None = None

    @property
    def why(self) -> str:
        """The last line of its exception, or what it returned."""
        lines = [line.strip() for line in self.exception or [] if line.strip()]
        return lines[-1] if lines else f"it returned {self.output!r}"


class SteadyState(msgspec.Struct, frozen=True):
    """A look at the steady state; absent parts stand for a look that did not happen."""

    steady_state_met: bool | None = None
    probes: list[ActivityRun] = []


class SteadyStates(msgspec.Struct, frozen=True):
    before: SteadyState | None = None


class Journal(msgspec.Struct, frozen=True):
    """What is read of journal.json."""

    status: str
    deviated: bool
    steady_states: SteadyStates
    run: list[ActivityRun]
    rollbacks: list[ActivityRun]


def read_journal(path: Path) -> Journal:
    """Read a journal. Raises FaultError when there is none (the experiment's process was killed), InputError
    when it is not one.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Journal)
    except FileNotFoundError as error:
        raise FaultError(
            f"{path}: the experiment left no journal, so its process was killed or never ran; `drill "
            "put-back` undoes what it left"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            path, None, path.read_bytes()[:80].decode(errors="replace"), f"a Chaos Toolkit journal ({error})"
        ) from error


def complaints(journal: Journal, *, activities: int, rollbacks: int) -> list[str]:
    """All that went wrong in an experiment that declares so many activities and rollbacks; none for a good
    one.
    """
    before = journal.steady_states.before
    found = []
    if before is None or before.steady_state_met is not True:
        seen = (
            "; ".join(f"{probe.activity.name}: {probe.why}" for probe in before.probes)
            if before
            else "it was not looked at"
        )
        found.append(f"the target was not healthy before the injection ({seen})")
    found += [
        f"{each.activity.name}: {each.status}, {each.why}"
        for each in [*journal.run, *journal.rollbacks]
        if each.status != SUCCEEDED
    ]
    if len(journal.run) != activities:
        found.append(f"expected {activities} activities, {len(journal.run)} were run")
    if len(journal.rollbacks) != rollbacks:
        found.append(f"expected {rollbacks} rollbacks, {len(journal.rollbacks)} were run")
    if journal.deviated:
        found.append("the steady state deviated")
    if journal.status != COMPLETED:
        found.append(f"the experiment ended as {journal.status!r}")
    return found
