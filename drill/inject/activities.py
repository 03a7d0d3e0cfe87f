"""What every experiment does: an entry in the ledger before anything is broken, the injection, a hold, the
undo; each is also an event of the recording.

The hold reads standard input until its end: closing the pipe, or the death of whoever holds it, lets the
rollbacks run. A drill names its recording in DRILL_RECORDING; then `inject` waits for the line "inject", so
that a process that started long before breaks the target at the chosen moment, and the undo leaves it to the
drill to wait until the target is as it was. An experiment that runs alone injects at once, and is its own
drill: it keeps the target's state before, and returns it to that.
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
from drill.errors import DrillError, FaultError, UsageError
from drill.faults.catalogue import as_data, from_data
from drill.inject.experiment import experiment_of, lacking, not_applicable
from drill.putback.ledger import FaultEntry, Ledger, process
from drill.putback.place import state_folder
from drill.putback.target import close_drill, open_drill
from drill.recording import Moment, Recorder
from drill.recording.events import Data, FaultAnnounced, FaultFailed, FaultInjected, FaultUndone
from drill.settings import Settings

TARGET = "DRILL_TARGET"
RECORDING = "DRILL_RECORDING"
ALLOW_CONTEXT = "DRILL_ALLOW_CONTEXT"
DRILL_PROCESS = "DRILL_PROCESS"
INJECT_LINE = b"inject\n"
STANDARD_INPUT = 0

Outcome = TypeVar("Outcome")

_log = logging.getLogger("chaostoolkit")


@functools.cache
def target() -> tuple[Settings, Cluster]:
    """Settings and cluster of the file that DRILL_TARGET names; the context is checked before anything is
    sent.
    """
    settings = target_settings.load(os.environ.get(TARGET) or target_settings.DEFAULT_FILE)
    return settings, connect(settings, os.environ.get(ALLOW_CONTEXT) or None)


@functools.cache
def _ledger() -> Ledger:
    return Ledger(state_folder(target()[1]))


@functools.cache
def _recorder() -> Recorder | None:
    path = os.environ.get(RECORDING)
    return Recorder(Path(path)) if path else None


def _alone() -> bool:
    return _recorder() is None


def _tell(data: Data, *, at: Moment | None = None, durable: bool = False) -> None:
    recorder = _recorder()
    if recorder is None:
        _log.info("%s %s", data.kind, data)
    else:
        recorder.record(data, at=at, durable=durable)


def announce(fault: str) -> str:
    """Write the ledger's entry, durably, with all that the undo needs; its id. Nothing is broken yet. Raises
    UsageError where the fault is not applicable."""
    return _or_told(fault, lambda: _announce(fault))


def _announce(fault: str) -> str:
    settings, cluster = target()
    experiment = experiment_of(settings, fault)
    missing = lacking(settings, fault)
    if missing:
        raise UsageError(not_applicable(fault, missing))
    if _alone():
        open_drill(settings, cluster)
    started_by = os.environ.get(DRILL_PROCESS)
    identity = f"{fault}-{os.getpid()}-{time.time_ns() // 1_000_000}"
    fault_record = experiment.prepare(cluster, settings, _ledger(), identity)
    entry = FaultEntry(
        id=identity,
        fault=fault,
        target=str(settings.file),
        context=cluster.context,
        namespace=cluster.namespace,
        record=as_data(fault_record),
        announced_wall=time.time(),
        experiment=process(os.getpid()),
        drill=process(int(started_by)) if started_by else None,
    )
    _ledger().open(entry)
    _tell(FaultAnnounced(fault, fault_record.shown(), identity), durable=True)
    return identity


def inject(fault: str) -> dict[str, Any]:
    """Break the target, once a drill says so, or at once when the experiment runs alone; what was hit."""
    return _or_told(fault, lambda: _inject(fault))


def _inject(fault: str) -> dict[str, Any]:
    _, cluster = target()
    entry = _open_entry(fault)
    if not _alone():
        _wait_for_line()
    injected = from_data(entry.record).inject(cluster)
    took = time.monotonic() - injected.at.monotonic
    _tell(FaultInjected(fault, took, injected.detail), at=injected.at)
    return injected.detail


def hold(fault: str) -> str:
    """Keep the fault in until standard input ends. Raises FaultError when nothing was injected that could be
    held.
    """
    _open_entry(fault)
    if sys.stdin is not None and sys.stdin.isatty():
        _log.info("%s is in: press Ctrl-D to undo it", fault)
    try:
        while os.read(STANDARD_INPUT, 4096):
            pass
    except OSError as error:
        return f"standard input cannot be read ({error.strerror}): undoing"
    return "standard input ended"


def undo(fault: str) -> str:
    """Put back what this process broke, and close the ledger's entry; what was done, in words."""
    return _or_told(fault, lambda: _undo(fault))


def _undo(fault: str) -> str:
    settings, cluster = target()
    entry = _ledger().of_process(fault, os.getpid())
    if entry is None:
        done = "nothing was announced: nothing to undo"
    else:
        done = from_data(entry.record).undo(cluster)
        _ledger().close(entry)
        _tell(FaultUndone(fault, 0, done))
    if _alone():
        differences = close_drill(settings, cluster)
        done += f"; also put back: {'; '.join(differences)}" if differences else ""
    return done


def _open_entry(fault: str) -> FaultEntry:
    entry = _ledger().of_process(fault, os.getpid())
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
        _tell(FaultFailed(fault, type(error).__name__, str(error)))
        raise
