"""What experiments/*.yaml name as their Python provider. Flows in: the fault's name and the target's file,
from the experiment. Flows out: an entry in the ledger before anything is broken, the injection, a hold, the
undo; each also an event.

The hold reads standard input until its end: closing the pipe, or the death of whoever holds it, lets the
rollbacks run. A drill names its recording in DRILL_RECORDING; then `inject` waits for the line "inject", so
that a process that started long before breaks the target at the chosen moment. An experiment that runs alone
injects at once.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from drill import settings as target_settings
from drill.cluster.access import Cluster, connect
from drill.cluster.health import wait_until_healthy
from drill.errors import DeadlineError, DrillError, FaultError, UsageError
from drill.faults.catalogue import fault_named, lacking, not_applicable
from drill.faults.fault import Fault
from drill.putback import known_state
from drill.putback.ledger import Entry, Ledger, process
from drill.recording import Moment, Recorder
from drill.settings import Settings

RECORDING = "DRILL_RECORDING"
ALLOW_CONTEXT = "DRILL_ALLOW_CONTEXT"
DRILL_PROCESS = "DRILL_PROCESS"
INJECT_LINE = b"inject\n"
STANDARD_INPUT = 0
WELL_BY_ITSELF_SECONDS = 45

Outcome = TypeVar("Outcome")

_log = logging.getLogger("chaostoolkit")


@functools.cache
def target_of(target: str) -> tuple[Settings, Cluster]:
    """Settings and cluster of a target's file; the context is checked before anything is sent."""
    settings = target_settings.load(target)
    return settings, connect(settings, os.environ.get(ALLOW_CONTEXT) or None)


@functools.cache
def _recorder() -> Recorder | None:
    path = os.environ.get(RECORDING)
    return Recorder(Path(path)) if path else None


def _tell(kind: str, *, at: Moment | None = None, **data: Any) -> None:
    recorder = _recorder()
    if recorder is None:
        _log.info("%s %s", kind, data)
    else:
        recorder.record(kind, at=at, durable=kind == "fault.announced", **data)


def announce(fault: str, target: str) -> str:
    """Write the ledger's entry, durably, with all that the undo needs; its id. Nothing is broken yet. Raises
    UsageError where not applicable.
    """
    return _or_told(fault, lambda: _announce(fault_named(fault), target))


def _announce(fault: Fault, target: str) -> str:
    settings, cluster = target_of(target)
    missing = lacking(settings, fault.name)
    if missing:
        raise UsageError(not_applicable(fault.name, missing))
    started_by = os.environ.get(DRILL_PROCESS)
    identity = f"{fault.name}-{os.getpid()}-{time.time_ns() // 1_000_000}"
    entry = Entry(
        id=identity,
        fault=fault.name,
        target=str(Path(target).resolve()),
        context=cluster.context,
        namespace=cluster.namespace,
        arguments=fault.prepare(cluster, settings, identity),
        announced_wall=time.time(),
        experiment=process(os.getpid()),
        drill=process(int(started_by)) if started_by else None,
    )
    Ledger(settings.root).open(entry)
    _tell("fault.announced", fault=fault.name, arguments=entry.arguments, ledger=identity)
    return identity


def inject(fault: str, target: str) -> dict[str, Any]:
    """Break the target, once a drill says so, or at once when the experiment runs alone; what was hit."""
    return _or_told(fault, lambda: _inject(fault_named(fault), target))


def _inject(fault: Fault, target: str) -> dict[str, Any]:
    settings, cluster = target_of(target)
    entry = _open_entry(fault.name, settings)
    if _recorder() is not None:
        _wait_for_line()
    injected = fault.inject(cluster, settings, entry.arguments)
    _tell(
        "fault.injected",
        at=injected.at,
        fault=fault.name,
        seconds=time.monotonic() - injected.at.monotonic,
        detail=injected.detail,
    )
    return injected.detail


def hold(fault: str, target: str) -> str:
    """Keep the fault in until standard input ends; raises FaultError when nothing was injected that could be
    held.
    """
    settings, _ = target_of(target)
    _open_entry(fault, settings)
    if sys.stdin is not None and sys.stdin.isatty():
        _log.info("%s is in: press Ctrl-D to undo it", fault)
    try:
        while os.read(STANDARD_INPUT, 4096):
            pass
    except OSError as error:
        return f"standard input cannot be read ({error.strerror}): undoing"
    return "standard input ended"


def undo(fault: str, target: str) -> str:
    """Put back what this process broke, check that the target is well, and close the ledger's entry; what was
    done, in words.
    """
    return _or_told(fault, lambda: _undo(fault, target))


def _undo(fault: str, target: str) -> str:
    settings, cluster = target_of(target)
    entry = Ledger(settings.root).of_process(fault, os.getpid())
    if entry is None:
        return "nothing was announced: nothing to undo"
    done = fault_named(fault).undo(cluster, settings, entry.arguments)
    done += _see_well(settings, cluster)
    Ledger(settings.root).close(entry)
    _tell("fault.undone", fault=fault, status=0, detail=done)
    return done


def _see_well(settings: Settings, cluster: Cluster) -> str:
    """Wait until the target is well. What a procedure did on top of the fault may be what ails it: then the
    known state is put back too.
    """
    try:
        wait_until_healthy(cluster, settings, seconds=WELL_BY_ITSELF_SECONDS)
    except DeadlineError:
        known = known_state.recorded(cluster, settings)
        if known is None:
            raise
        return f"; also put back: {'; '.join(known_state.repair(cluster, settings, known)) or 'nothing'}"
    return ""


def _open_entry(fault: str, settings: Settings) -> Entry:
    entry = Ledger(settings.root).of_process(fault, os.getpid())
    if entry is None:
        raise FaultError(
            f"{fault} was not announced in the ledger by this process: nothing is injected without that"
        )
    return entry


def _wait_for_line() -> None:
    """Wait for the drill's word. Raises FaultError when standard input ends before it: the drill is gone."""
    read = b""
    while not read.endswith(INJECT_LINE):
        byte = os.read(STANDARD_INPUT, 1)
        if not byte:
            raise FaultError("the drill ended before it asked for the injection; nothing was broken")
        read += byte


def _or_told(fault: str, act: Callable[[], Outcome]) -> Outcome:
    """Run one act; what goes wrong in it is an event as well, so that the drill need not wait for the
    journal.
    """
    try:
        return act()
    except DrillError as error:
        _tell("fault.failed", fault=fault, error=type(error).__name__, message=str(error))
        raise
