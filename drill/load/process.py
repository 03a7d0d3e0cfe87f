"""The Locust process of a drill: started, watched, stopped.

Locust runs in its own process: its monkey-patching would break ours, and a busy drill would freeze it. It
ends when this process does, however that ends: it watches a pipe whose other end only we hold. A thread of
ours watches it: what it says of its own stalls, and whether it still lives, becomes LoadTrouble in the
recording.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from drill import wait
from drill.errors import DeadlineError, SetupError
from drill.load.plan import plan_of
from drill.load.stalls import SILENT_SECONDS, Stalls, last_beat
from drill.recording import REQUESTS, Recorder
from drill.recording.events import LoadStarted, LoadStopped, LoadTrouble
from drill.settings import Settings

LOADTESTS = Path(__file__).resolve().parents[2] / "loadtests"
LOCUSTFILE = LOADTESTS / "locustfile.py"
HEADLESS = LOADTESTS / "headless.py"
LOG = "load.log"
PLAN = "load-plan.json"
USERS = 20
SPAWNED_PER_SECOND = 100
"""As many as Locust takes without a warning: all users come at once."""
START_SECONDS = 60.0
STOP_SECONDS = 15.0
WATCH_EVERY_SECONDS = 0.1
LOG_TAIL_LINES = 15
TABLES = "Type     Name "  # Locust ends with its tables; what went wrong stands before them
NICENESS = -10


class Load:
    """The load on one target. A context manager: started on entering, stopped on leaving.

    `requests_per_second` replaces the one of drill.toml. Files in `folder`: requests.jsonl (the stream),
    load-stalls.jsonl, load-beat.txt, load.log, load-plan.json.
    """

    def __init__(
        self, settings: Settings, folder: Path, recorder: Recorder, requests_per_second: float | None = None
    ) -> None:
        plan = plan_of(settings)
        if requests_per_second is not None:
            plan = msgspec.structs.replace(plan, requests_per_second=requests_per_second)
        self.plan = plan
        self.stream = folder / REQUESTS
        self.log = folder / LOG
        self._folder = folder
        self._recorder = recorder
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        self._watcher: _Watcher | None = None

    def start(self) -> None:
        """Begin, and wait until users have arrived."""
        self.begin()
        self.wait_until_arrived()

    def begin(self) -> None:
        """Start Locust, and do not wait for it: users come about a second later. Raises SetupError where it
        cannot.
        """
        if not LOCUSTFILE.exists():
            raise SetupError(
                f"{LOCUSTFILE}: no such file; the load is part of the repository: run drill from a checkout"
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        plan = (self._folder / PLAN).resolve()
        plan.write_bytes(msgspec.json.format(msgspec.json.encode(self.plan)))
        users = max(1, min(USERS, int(self.plan.requests_per_second)))
        read_end, self._pipe = os.pipe()
        environment = {
            **os.environ,
            "DRILL_TARGET": str(plan),
            "DRILL_REQUESTS": str(self.stream.resolve()),
            "DRILL_PARENT_PIPE": str(read_end),
        }
        command = [sys.executable, str(HEADLESS), "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
        command += ["--users", str(users), "--spawn-rate", str(SPAWNED_PER_SECOND)]
        command += ["--exit-code-on-error", "0", "--host", self.plan.address]
        try:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    command,
                    cwd=self._folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[read_end],
                    # Ctrl-C on the terminal is the drill's to handle; the load runs on until it is told
                    start_new_session=True,
                )
        finally:
            os.close(read_end)
        self._go_first(self._process.pid)

    def wait_until_arrived(self) -> None:
        """Wait until the first requests are recorded. Raises SetupError when none come."""
        try:
            wait.until(
                "the first recorded request of the load",
                self._has_records,
                seconds=START_SECONDS,
                every_seconds=0.02,
            )
        except DeadlineError as error:
            self._end()
            raise SetupError(
                f"the load recorded nothing within {START_SECONDS:.0f} s; {self._log_tail()}"
            ) from error
        except SetupError:
            self._end()
            raise
        self._recorder.record(
            LoadStarted(
                requests_per_second=self.plan.requests_per_second,
                timeout_seconds=self.plan.timeout_seconds,
                stream=self.stream.name,
            )
        )
        assert self._process is not None
        self._watcher = _Watcher(self._process, self.stream, self._recorder)
        self._watcher.start()

    def stop(self) -> None:
        """Let the requests that are under way finish, end the process, record its last trouble and
        LoadStopped. Stopping twice does nothing."""
        if self._process is None:
            return
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
        exit_status = self._end()
        if watcher is not None:
            watcher.record()
            self._recorder.record(LoadStopped(exit_status))

    def check(self) -> None:
        """Raises SetupError, with the end of its log, when the load ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise SetupError(
                f"the load ended by itself with exit status {self._process.returncode}; {self._log_tail()}"
            )

    def trouble(self) -> str:
        """What is wrong with the load at this moment, for the live line: empty where nothing is."""
        beat = last_beat(self.stream)
        silent = 0.0 if beat is None else time.monotonic() - beat
        return f"the load has stood still for {silent:.1f} s" if silent > SILENT_SECONDS else ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _has_records(self) -> bool:
        self.check()
        return self.stream.exists() and self.stream.stat().st_size > 0

    def _end(self) -> int:
        """Close the pipe, which lets Locust finish; if it does not, interrupt it; if that does not help, kill
        it. Returns its exit status. A stopped process is let go on first: what it missed it then writes
        itself.
        """
        process, self._process = self._process, None
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        if process is None:
            return 0
        process.send_signal(signal.SIGCONT)
        for more_force in (signal.SIGINT, signal.SIGKILL):
            try:
                return process.wait(self.plan.timeout_seconds + STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(more_force)
        return process.wait()

    @staticmethod
    def _go_first(pid: int) -> None:
        """Where we may: an instrument that waits for the processor while the target works would measure
        itself.

        Where sessions share the processor as groups (sched_autogroup), the niceness of a process counts
        within its session only."""
        try:
            os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
            autogroup = Path(f"/proc/{pid}/autogroup")
            if autogroup.exists():
                autogroup.write_text(str(NICENESS), encoding="ascii")
        except PermissionError:
            return

    def _log_tail(self) -> str:
        lines = (
            self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        )
        said = list(takewhile(lambda line: not line.startswith(TABLES), lines))
        return f"the end of {self.log}:\n" + "\n".join(said[-LOG_TAIL_LINES:])


class _Watcher:
    """Turns what goes wrong with a running load into LoadTrouble, within a second."""

    def __init__(self, process: subprocess.Popen[bytes], stream: Path, recorder: Recorder) -> None:
        self._process, self._stream, self._recorder = process, stream, recorder
        self._stalls = Stalls(stream)
        self._gone_since: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch the load", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer: from now on the load may end."""
        self._stopping.set()
        self._thread.join()

    def record(self) -> None:
        """Write down what went wrong since the last call."""
        for stall in self._stalls.poll():
            self._recorder.record(LoadTrouble(stall.start, stall.end, stall.what))
        if self._gone_since is not None:
            what = f"the load ended by itself with exit status {self._process.returncode}"
            present = time.monotonic()
            self._recorder.record(LoadTrouble(self._gone_since, present, what))
            self._gone_since = present

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_EVERY_SECONDS) and self._gone_since is None:
            if self._process.poll() is not None:
                self._gone_since = last_beat(self._stream) or time.monotonic()
            self.record()
