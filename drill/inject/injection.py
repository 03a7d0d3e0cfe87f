"""One fault in one drill. Flows in: the fault's name, the drill's recording, what users see. Flows out:
events, and the order kept: announce, inject, wait until effective, undo, wait until undone.

The experiment runs in a process group of its own and holds on the pipe that this object owns: when the drill
dies, however it dies, the pipe closes and the experiment undoes. It is started at `announce`, long before the
injection, so that its start costs no time then.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import IO, Protocol

import msgspec

from drill import wait
from drill.cluster.access import Cluster, ClusterError
from drill.errors import DeadlineError, FaultError, UsageError
from drill.faults.catalogue import fault_named, lacking, not_applicable
from drill.faults.fault import Sight
from drill.inject.activities import ALLOW_CONTEXT, DRILL_PROCESS, INJECT_LINE, RECORDING
from drill.inject.experiment import experiment_of
from drill.inject.journal import complaints, read_journal
from drill.putback.ledger import Entry, Ledger
from drill.recording import Event, Recorder, Request
from drill.settings import Settings

ANNOUNCE_SECONDS = 60
INJECT_SECONDS = 60
UNDO_SECONDS = 240
LOOK_EVERY_SECONDS = 0.02


class Users(Protocol):
    """What users see while a drill runs; drill.load's RequestTail is one."""

    def poll(self) -> object:
        """Take in what was recorded since the last call."""

    def failed_since(self, monotonic: float, names: Collection[str] | None = None) -> list[Request]:
        """Failed requests planned at or after `monotonic`, of these names when given."""


class Witness(msgspec.Struct, frozen=True):
    """That a fault took effect: `what` was seen, `seconds` after the injection by the last of the
    witnesses.
    """

    what: str
    seconds: float


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
        users: Users | None = None,
        allow_context: str | None = None,
    ) -> None:
        """`folder`: the drill's evidence; `users`: without them only the platform is asked for its witness
        (no load runs).

        Raises UsageError for a fault that does not exist or is not applicable, InputError for a malformed
        experiment.
        """
        self.fault = fault_named(fault)
        missing = lacking(settings, fault)
        if missing:
            raise UsageError(not_applicable(fault, missing))
        self.experiment = experiment_of(settings, fault)
        self._settings, self._cluster, self._recorder, self._users = settings, cluster, recorder, users
        self._folder, self._allow_context = folder, allow_context
        self._tail = _Tail(recorder.path)
        self._process: subprocess.Popen[bytes] | None = None
        self._entry: Entry | None = None
        self._injected: Event | None = None
        self._undone = False

    @property
    def journal_path(self) -> Path:
        """Where the experiment leaves its journal."""
        return self._folder / "journal.json"

    @property
    def log_path(self) -> Path:
        """Where the experiment's output goes."""
        return self._folder / "experiment.log"

    @property
    def experiment_pid(self) -> int | None:
        """The experiment's process and group, once announced."""
        return self._process.pid if self._process else None

    def announce(self) -> None:
        """Start the experiment: it checks the target's health, writes the ledger and stands ready. Raises
        FaultError.
        """
        if self._process is not None:
            raise UsageError(f"{self.fault.name} was announced already")
        self._folder.mkdir(parents=True, exist_ok=True)
        self.journal_path.unlink(missing_ok=True)
        self._tail.skip()
        command = [
            sys.executable,
            "-m",
            "chaostoolkit",
            "--no-version-check",
            "--no-log-file",
            "run",
            "--rollback-strategy",
            "always",
        ]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--journal-path", str(self.journal_path.resolve()), str(self.experiment.path)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._settings.root,
                env=self._environment(),
                start_new_session=True,
            )
        event = self._await_event("fault.announced", ANNOUNCE_SECONDS)
        ledger = Ledger(self._settings.root)
        self._entry = ledger.of_process(self.fault.name, self._process.pid)
        if self._entry is None:
            raise FaultError(
                f"{self.fault.name}: announced as {event.data.get('ledger')!r}, but {ledger.folder} has no "
                "such entry"
            )

    def inject(self) -> Event:
        """Break the target now; the event fault.injected, whose moment is that of the injection itself.
        Raises FaultError.
        """
        process, _ = self._announced()
        if self._injected is not None:
            raise UsageError(f"{self.fault.name} was injected already")
        try:
            stdin = _stdin(process)
            stdin.write(INJECT_LINE)
            stdin.flush()
        except BrokenPipeError as error:
            raise self._failed("its process ended before the injection") from error
        self._injected = self._await_event("fault.injected", INJECT_SECONDS)
        return self._injected

    def wait_until_effective(self) -> Witness:
        """Wait until the platform shows the fault and users feel it. Raises FaultError naming the fault when
        the deadline passes.
        """
        if self._injected is None or self._entry is None:
            raise UsageError(f"{self.fault.name}: nothing to witness, it is not injected")
        start, deadline = self._injected.monotonic, self._settings.judge.witness_seconds
        names = affected_requests(self._settings, self.fault.needs)
        seen = _Seen(
            platform=None,
            users=None if self._users else "no users were on it",
            last_sight="",
            moments=[start],
        )

        def look() -> _Seen:
            if self._users is not None and seen.users is None:
                self._users.poll()
                failed = self._users.failed_since(start, names)
                if failed:
                    first = min(failed, key=lambda request: request.finished)
                    seen.users = f"failed request {first.name}: {first.error}"
                    seen.moments.append(first.finished)
            if seen.platform is None:
                sight = self._look()
                seen.last_sight = sight.observed
                if sight.shows:
                    seen.platform = sight.observed
                    seen.moments.append(time.monotonic())
            return seen

        try:
            wait.until(
                f"the effect of {self.fault.name}",
                look,
                lambda so_far: so_far.platform is not None and so_far.users is not None,
                seconds=max(0.0, start + deadline - time.monotonic()),
                every_seconds=LOOK_EVERY_SECONDS,
            )
        except DeadlineError as error:
            missing = [] if seen.platform else [self.fault.witness]
            missing += [] if seen.users else [f"a failed request of {', '.join(names)}"]
            last = f"{seen.last_sight}; {seen.users or 'no request of these failed'}"
            self._recorder.record(
                "fault.unwitnessed", fault=self.fault.name, awaited=" and ".join(missing), last_seen=last
            )
            raise FaultError(
                f"{self.fault.name} was injected but not witnessed within {deadline:.0f} s: expected "
                f"{' and '.join(missing)}; last seen: {last}. "
                f"The experiment's log is {self.log_path}"
            ) from error
        witness = Witness(f"{seen.platform}; {seen.users}", max(seen.moments) - start)
        self._recorder.record(
            "fault.witnessed", fault=self.fault.name, what=witness.what, seconds=witness.seconds
        )
        return witness

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
            raise UsageError(f"{self.fault.name}: waiting for an undo that nobody asked for")
        try:
            process.wait(UNDO_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"its undo did not end within {UNDO_SECONDS} s") from error
        journal = read_journal(self.journal_path)
        wrong = complaints(
            journal, activities=self.experiment.activities, rollbacks=self.experiment.rollbacks
        )
        if Ledger(self._settings.root).of_process(self.fault.name, process.pid) is not None:
            wrong.append("its entry in the ledger is still open")
        if wrong:
            raise self._failed("; ".join(wrong))

    def _look(self) -> Sight:
        _, entry = self._announced()
        detail = self._injected.data["detail"] if self._injected else {}
        try:
            return self.fault.look(self._cluster, self._settings, entry.arguments, detail)
        except (ClusterError, FaultError) as error:
            return Sight(False, str(error))

    def _announced(self) -> tuple[subprocess.Popen[bytes], Entry]:
        if self._process is None or self._entry is None:
            raise UsageError(f"{self.fault.name} is not announced")
        return self._process, self._entry

    def _environment(self) -> dict[str, str]:
        environment = {
            **os.environ,
            "DRILL_TARGET": str(self._settings.file),
            RECORDING: str(self._recorder.path.resolve()),
            DRILL_PROCESS: str(os.getpid()),
            "DRILL_KUBECONFIG": str(self._cluster.kubeconfig),
            "PYTHONUNBUFFERED": "1",
        }
        if self._allow_context:
            environment[ALLOW_CONTEXT] = self._allow_context
        return environment

    def _await_event(self, kind: str, seconds: float) -> Event:
        process = self._process
        if process is None:
            raise UsageError(f"{self.fault.name} is not announced")

        def look() -> Event | None:
            ended = process.poll() is not None
            for event in self._tail.new_events():
                if event.data.get("fault") != self.fault.name:
                    continue
                if event.kind == "fault.failed":
                    raise self._failed(str(event.data["message"]))
                if event.kind == kind:
                    return event
            if ended:
                raise self._failed(f"its process ended with no {kind}: {self._why_ended()}")
            return None

        try:
            event = wait.until(
                f"{kind} of {self.fault.name}",
                look,
                lambda seen: seen is not None,
                seconds=seconds,
                every_seconds=0.005,
            )
        except DeadlineError as error:
            raise self._failed(str(error)) from error
        if event is None:
            raise self._failed(f"no {kind}")
        return event

    def _why_ended(self) -> str:
        try:
            journal = read_journal(self.journal_path)
        except FaultError as error:
            return str(error)
        return "; ".join(
            complaints(journal, activities=self.experiment.activities, rollbacks=self.experiment.rollbacks)
        )

    def _failed(self, why: str) -> FaultError:
        return FaultError(f"{self.fault.name}: {why}. The experiment's log is {self.log_path}")


class _Seen:
    """What has been witnessed so far; moments are monotonic seconds."""

    def __init__(
        self, platform: str | None, users: str | None, last_sight: str, moments: list[float]
    ) -> None:
        self.platform, self.users, self.last_sight, self.moments = platform, users, last_sight, moments

    def __repr__(self) -> str:
        return f"platform: {self.platform or self.last_sight}; users: {self.users}"


class _Tail:
    """New events of a recording that other processes append to."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def skip(self) -> None:
        """Leave out all that is there now."""
        self._offset = self._path.stat().st_size

    def new_events(self) -> list[Event]:
        """Whole lines since the last call."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        return msgspec.json.Decoder(Event).decode_lines(whole)


def affected_requests(settings: Settings, parts: Collection[str]) -> list[str]:
    """Names of the requests whose failures witness a fault of these parts: those that need one, or all where
    none says so.
    """
    needing = [request.name for request in settings.load.requests if set(request.needs) & set(parts)]
    return needing or [request.name for request in settings.load.requests]


def _stdin(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdin is None or process.stdin.closed:
        raise BrokenPipeError
    return process.stdin
