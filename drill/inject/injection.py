"""One fault in one drill, in the one order there is: start, wait until announced, inject, wait until
effective, undo, wait until undone. A drill may have several, each with a process, a ledger entry and a
journal of its own.

The experiment runs in a process group of its own and holds on the pipe that this object owns: when the drill
dies, however it dies, the pipe closes and the experiment undoes. It is started long before the injection, so
that its start costs no time then.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import msgspec

from drill import wait
from drill.cluster.access import Cluster, ClusterError
from drill.errors import DeadlineError, FaultError, UsageError
from drill.faults.catalogue import from_data
from drill.faults.fault import Sight
from drill.inject.activities import ALLOW_CONTEXT, DRILL_PROCESS, INJECT_LINE, RECORDING, TARGET
from drill.inject.experiment import (
    ACTIVITIES,
    ROLLBACKS,
    Experiment,
    experiment_of,
    lacking,
    not_applicable,
)
from drill.inject.journal import complaints, read_journal
from drill.inject.witness import Seen, UsersSeen, affected_requests, watch
from drill.putback.ledger import FaultEntry, Ledger
from drill.putback.place import state_folder
from drill.recording import Event, Recorder, decode_event
from drill.recording.appended import AppendedLines
from drill.recording.events import (
    Data,
    FaultAnnounced,
    FaultFailed,
    FaultInjected,
    FaultUnnoticed,
    FaultUnwitnessed,
    FaultWitnessed,
)
from drill.settings import Settings

ANNOUNCE_SECONDS = 60
INJECT_SECONDS = 60
UNDO_SECONDS = 240
SLOW_SECONDS = 0.5


class Witness(msgspec.Struct, frozen=True):
    """That a fault took effect: `what` the platform showed, `seconds` after the injection by the last of the
    witnesses; `users`: what they felt, empty where the fault is latent, where there were none, and where none
    noticed."""

    what: str
    seconds: float
    users: str = ""


class Injection:
    """A fault from its announcement to its undo. Methods are called in the order in which they stand here,
    else UsageError.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        fault: str,
        folder: Path,
        recorder: Recorder,
        *,
        users: UsersSeen | None = None,
        slow_seconds: float = SLOW_SECONDS,
        allow_context: str | None = None,
    ) -> None:
        """`folder`: the drill's evidence; `users`: without them only the platform is asked for its witness
        (no load runs); `slow_seconds`: longer is slow, such as the limit of the runbook.

        Raises as `check`.
        """
        self.experiment = self.check(settings, fault)
        self.fault = fault
        self._settings, self._cluster, self._recorder, self._users = settings, cluster, recorder, users
        self._folder, self._allow_context, self._slow_seconds = folder, allow_context, slow_seconds
        self._lines = AppendedLines(recorder.path)
        self._process: subprocess.Popen[bytes] | None = None
        self._entry: FaultEntry | None = None
        self._injected: Event | None = None
        self._undone = False

    @staticmethod
    def check(settings: Settings, fault: str) -> Experiment:
        """All that can be refused of a fault without a cluster. Raises UsageError for a fault that does not
        exist or is not applicable, InputError for a malformed experiment."""
        experiment = experiment_of(settings, fault)
        missing = lacking(settings, fault)
        if missing:
            raise UsageError(not_applicable(fault, missing))
        return experiment

    @property
    def _witness_seconds(self) -> float:
        return max(self._settings.judge.witness_seconds, self.experiment.witness_seconds)

    @property
    def journal_path(self) -> Path:
        """Where the experiment leaves its journal."""
        return self._folder / f"journal-{self.fault}.json"

    @property
    def log_path(self) -> Path:
        """Where the experiment's output goes."""
        return self._folder / f"experiment-{self.fault}.log"

    def start(self) -> None:
        """Start the experiment, without waiting for it: it checks the target's health, writes the ledger and
        stands ready."""
        if self._process is not None:
            raise UsageError(f"{self.fault} was started already")
        self._folder.mkdir(parents=True, exist_ok=True)
        self.journal_path.unlink(missing_ok=True)
        self._lines.skip()
        command = [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "run"]
        journal = ["--rollback-strategy", "always", "--journal-path", str(self.journal_path.resolve())]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *journal, str(self.experiment.path)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._settings.root,
                env=self._environment(),
                start_new_session=True,
            )

    def wait_until_announced(self) -> None:
        """Wait until the experiment stands ready, with its entry in the ledger. Raises FaultError."""
        if self._process is None:
            raise UsageError(f"{self.fault} is not started")
        if self._entry is not None:
            return
        announced = self._await(FaultAnnounced, ANNOUNCE_SECONDS).data
        ledger = Ledger(state_folder(self._cluster))
        self._entry = ledger.of_process(self.fault, self._process.pid)
        if self._entry is None:
            identity = announced.ledger if isinstance(announced, FaultAnnounced) else ""
            raise FaultError(
                f"{self.fault}: announced as {identity!r}, but {ledger.folder} has no such entry"
            )

    def inject(self) -> Event:
        """Break the target now; the event fault.injected, whose moment is that of the injection itself.
        Raises FaultError.
        """
        process, _ = self._announced()
        if self._injected is not None:
            raise UsageError(f"{self.fault} was injected already")
        try:
            stdin = _stdin(process)
            stdin.write(INJECT_LINE)
            stdin.flush()
        except BrokenPipeError as error:
            raise self._failed("its process ended before the injection") from error
        self._injected = self._await(FaultInjected, INJECT_SECONDS)
        return self._injected

    def wait_until_effective(self) -> Witness:
        """Wait until the platform shows the fault and users feel it as the experiment says. A fault that took
        effect and that nobody noticed is a result (fault.unnoticed). Raises FaultError when the platform does
        not show it."""
        if self._injected is None or self._entry is None:
            raise UsageError(f"{self.fault}: nothing to witness, it is not injected")
        start, seconds = self._injected.monotonic, self._witness_seconds
        part = self._settings.part_name(self.experiment.part) if self.experiment.part else ""
        names = affected_requests(self._settings, part)
        seen = watch(
            self._look,
            self._users,
            felt=self.experiment.felt,
            start=start,
            seconds=seconds,
            names=names,
            slow_seconds=self._slow_seconds,
        )
        if seen.platform is None:
            raise self._unwitnessed(seen)
        if seen.users is None:
            self._recorder.record(FaultUnnoticed(self.fault, seen.platform, seconds))
            return Witness(seen.platform, max(seen.moments) - start)
        witness = Witness(seen.platform, max(seen.moments) - start, seen.users)
        self._recorder.record(FaultWitnessed(self.fault, witness.what, witness.seconds, witness.users))
        return witness

    def _unwitnessed(self, seen: Seen) -> FaultError:
        awaited, seconds = self.experiment.witness, self._witness_seconds
        self._recorder.record(FaultUnwitnessed(self.fault, awaited, seen.last_sight))
        users = f"; users felt: {seen.users}" if seen.users else ""
        return FaultError(
            f"{self.fault} was injected but not witnessed within {seconds:.0f} s: expected {awaited}; last "
            f"seen: {seen.last_sight}{users}. The experiment's log is {self.log_path}"
        )

    def undo(self) -> None:
        """Let the experiment go: its rollbacks start. Does nothing when it was never announced; may be called
        again.
        """
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.closed:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                self._undone = (
                    False  # its process is gone: the wait says so and the ledger knows what it left
                )
        self._undone = True

    def wait_until_undone(self) -> None:
        """Wait for the experiment's end and check its journal and the ledger. Raises FaultError with all that
        went wrong.
        """
        process = self._process
        if process is None:
            return
        if not self._undone:
            raise UsageError(f"{self.fault}: waiting for an undo that nobody asked for")
        try:
            process.wait(UNDO_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"its undo did not end within {UNDO_SECONDS} s") from error
        wrong = []
        if self._injected is not None:
            # else it was let go before anything was broken, and its journal says so
            wrong = complaints(read_journal(self.journal_path), activities=ACTIVITIES, rollbacks=ROLLBACKS)
        if Ledger(state_folder(self._cluster)).of_process(self.fault, process.pid) is not None:
            wrong.append("its entry in the ledger is still open")
        if wrong:
            raise self._failed("; ".join(wrong))

    def _look(self) -> Sight:
        _, entry = self._announced()
        injected = self._injected.data if self._injected else None
        detail = injected.detail if isinstance(injected, FaultInjected) else {}
        try:
            return from_data(entry.record).look(self._cluster, detail)
        except (ClusterError, FaultError) as error:
            return Sight(False, str(error))

    def _announced(self) -> tuple[subprocess.Popen[bytes], FaultEntry]:
        if self._process is None or self._entry is None:
            raise UsageError(f"{self.fault} is not announced")
        return self._process, self._entry

    def _environment(self) -> dict[str, str]:
        environment = {
            **os.environ,
            TARGET: str(self._settings.file),
            RECORDING: str(self._recorder.path.resolve()),
            DRILL_PROCESS: str(os.getpid()),
            "DRILL_KUBECONFIG": str(self._cluster.kubeconfig),
            "PYTHONUNBUFFERED": "1",
        }
        if self._allow_context:
            environment[ALLOW_CONTEXT] = self._allow_context
        return environment

    def _await(self, kind: type[Data], seconds: float) -> Event:
        process = self._process
        if process is None:
            raise UsageError(f"{self.fault} is not started")

        def look() -> Event | None:
            ended = process.poll() is not None
            for line in self._lines.new().splitlines():
                event = decode_event(line)
                if getattr(event.data, "fault", None) != self.fault:
                    continue
                if isinstance(event.data, FaultFailed):
                    raise self._failed(event.data.message)
                if isinstance(event.data, kind):
                    return event
            if ended:
                raise self._failed(f"its process ended with no {kind.kind}: {self._why_ended()}")
            return None

        try:
            event = wait.until(
                f"{kind.kind} of {self.fault}",
                look,
                lambda seen: seen is not None,
                seconds=seconds,
                every_seconds=0.005,
            )
        except DeadlineError as error:
            raise self._failed(str(error)) from error
        if event is None:
            raise self._failed(f"no {kind.kind}")
        return event

    def _why_ended(self) -> str:
        try:
            journal = read_journal(self.journal_path)
        except FaultError as error:
            return str(error)
        return "; ".join(complaints(journal, activities=ACTIVITIES, rollbacks=ROLLBACKS))

    def _failed(self, why: str) -> FaultError:
        return FaultError(f"{self.fault}: {why}. The experiment's log is {self.log_path}")


def _stdin(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdin is None or process.stdin.closed:
        raise BrokenPipeError
    return process.stdin
