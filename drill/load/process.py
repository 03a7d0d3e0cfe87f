"""The Locust process of a drill. Flows in: settings and an evidence folder. Flows out: requests.jsonl,
load.log, load.started and load.stopped.

Locust runs in its own process: its monkey-patching would break ours, and a busy drill would freeze it. It
ends when this process does, however that ends: it watches a pipe whose other end only we hold.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Self

from drill import wait
from drill.errors import DeadlineError, SetupError
from drill.recording.events import Recorder
from drill.settings import Settings

LOCUSTFILE = Path(__file__).resolve().parents[2] / "loadtests" / "locustfile.py"
STREAM = "requests.jsonl"
LOG = "load.log"
SETTINGS = "load-settings.json"
USERS = 20
START_SECONDS = 60.0
STOP_SECONDS = 15.0
LOG_TAIL_LINES = 15
TABLES = "Type     Name "  # Locust ends with its tables; what went wrong stands before them
NICENESS = -10


class Load:
    """The load on one target. A context manager: started on entering, stopped on leaving.

    `requests_per_second` replaces the one of drill.toml. Files in `folder`: requests.jsonl (the stream),
    load.log, load-settings.json.
    """

    def __init__(
        self, settings: Settings, folder: Path, recorder: Recorder, requests_per_second: float | None = None
    ) -> None:
        if requests_per_second is not None:
            load = settings.load.model_copy(update={"requests_per_second": requests_per_second})
            settings = settings.model_copy(update={"load": load})
        self.settings = settings
        self.stream = folder / STREAM
        self.log = folder / LOG
        self._folder = folder
        self._recorder = recorder
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1

    def start(self) -> None:
        """Start Locust and wait until its first requests are recorded. Raises SetupError when none come."""
        if not LOCUSTFILE.exists():
            raise SetupError(
                f"{LOCUSTFILE}: no such file; the load is part of the repository: run drill from a checkout"
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        target = (self._folder / SETTINGS).resolve()
        target.write_text(self.settings.model_dump_json(indent=2), encoding="utf-8")
        load = self.settings.load
        users = max(1, min(USERS, int(load.requests_per_second)))
        read_end, self._pipe = os.pipe()
        environment = {
            **os.environ,
            "DRILL_TARGET": str(target),
            "DRILL_REQUESTS": str(self.stream.resolve()),
            "DRILL_PARENT_PIPE": str(read_end),
        }
        command = [
            sys.executable,
            "-m",
            "locust",
            "-f",
            str(LOCUSTFILE),
            "--headless",
            "--only-summary",
            "--users",
            str(users),
        ]
        command += [
            "--spawn-rate",
            str(users),
            "--exit-code-on-error",
            "0",
            "--host",
            self.settings.target.address,
        ]
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
                    start_new_session=True,  # Ctrl-C on the terminal is the drill's to handle; the load runs on until it is told
                )
        finally:
            os.close(read_end)
        self._go_first(self._process.pid)
        try:
            wait.until(
                "the first recorded request of the load",
                self._has_records,
                seconds=START_SECONDS,
                every_seconds=0.05,
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
            "load.started",
            requests_per_second=load.requests_per_second,
            timeout_seconds=load.timeout_seconds,
            stream=self.stream.name,
        )

    def stop(self) -> None:
        """Let the requests that are under way finish, end the process, record load.stopped. Stopping twice
        does nothing.
        """
        if self._process is None:
            return
        exit_status = self._end()
        self._recorder.record("load.stopped", exit_status=exit_status)

    def check(self) -> None:
        """Raises SetupError, with the end of its log, when the load ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise SetupError(
                f"the load ended by itself with exit status {self._process.returncode}; {self._log_tail()}"
            )

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
        it. Returns its exit status.
        """
        process, self._process = self._process, None
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        if process is None:
            return 0
        for more_force in (signal.SIGINT, signal.SIGKILL):
            try:
                return process.wait(self.settings.load.timeout_seconds + STOP_SECONDS)
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
