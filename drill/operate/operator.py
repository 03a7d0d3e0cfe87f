"""The operator. Flows in: steps of the runbook and values for their placeholders. Flows out: procedure.* and
command.finished events, transcripts.

Each step is run by one bash process (traps.bash, keeper.py), word for word, and every command is recorded
with its line in the runbook. A command that streams is interrupted after a limit, as a person would press
Ctrl-C, and the step goes on with the next one.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from drill.operate import keeper
from drill.operate.commands import Announcement, Command, Commands, read_announcement
from drill.operate.streaming import streams
from drill.operate.world import Home, World
from drill.recording import Moment, Recorder, monotonic_of, now
from drill.runbook import Step, bind
from drill.settings import Settings

TRAPS = Path(__file__).with_name("traps.bash")
KEEPER = Path(__file__).with_name("keeper.py")
TRANSCRIPTS = "transcripts"
TAIL_CHARACTERS = 2000
LONGEST_COMMAND_SECONDS = 120.0
LONGEST_STEP_SECONDS = 900.0
PATIENCE_AFTER_INTERRUPT_SECONDS = 3.0
IDLE_SECONDS = 0.5
"""For how long the shell must have run nothing before Ctrl-C goes to the shell itself, as for `wait` and
`read`.
"""
INTERRUPTED_STATUS = 130
LOOK_EVERY_SECONDS = 0.05
READ_BYTES = 1 << 16


@dataclass(frozen=True)
class ProcedureResult:
    """What came of following a procedure. `status`: 0 when every command ended 0, else the first that did
    not; a stream that was interrupted and a command left in the background do not count. `missing_tools`:
    programs that are not on this machine, by name."""

    procedure: str
    status: int
    commands: tuple[Command, ...]
    missing_tools: tuple[str, ...]
    transcripts: tuple[Path, ...]


@dataclass(frozen=True)
class Operator:
    """Follows procedures in one world. `longest_command_seconds`: for commands that do not stream;
    `longest_step_seconds`: for all of a step.
    """

    settings: Settings
    evidence: Path
    recorder: Recorder
    world: World
    longest_command_seconds: float = LONGEST_COMMAND_SECONDS
    longest_step_seconds: float = LONGEST_STEP_SECONDS

    def follow(
        self, procedure: str, steps: Sequence[Step], bindings: Mapping[str, str] | None = None
    ) -> ProcedureResult:
        """Run the steps, one after the other, and record them.

        Raises InputError for a placeholder without a value and ForeignClusterError for a world that leads
        elsewhere, both before anything runs.
        """
        bound = bind(steps, bindings or {})
        self.world.check(self.settings.target.context)
        commands: list[Command] = []
        missing: list[str] = []
        transcripts: list[Path] = []
        with Home(self.world) as home:
            for step in bound:
                run = _StepRun(self, home, procedure, step)
                run.run()
                commands += run.ended
                missing += [name for name in run.missing if name not in missing]
                transcripts.append(run.transcript_path)
        return ProcedureResult(
            procedure, _first_failure(commands), tuple(commands), tuple(missing), tuple(transcripts)
        )


def _first_failure(commands: Sequence[Command]) -> int:
    counted = (
        command
        for command in commands
        if not (command.interrupted and streams(command.text.removesuffix(" &")))
    )
    return next((command.status for command in counted if command.status != 0), 0)


class _StepRun:
    """One step, from bash's start until nothing of it is left."""

    def __init__(self, operator: Operator, home: Home, procedure: str, step: Step) -> None:
        self.operator, self.home, self.procedure, self.step = operator, home, procedure, step
        self.ended: list[Command] = []
        self.missing: list[str] = []
        folder = operator.evidence / TRANSCRIPTS
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.glob("*.txt"))) + 1
        name = re.sub(r"[^a-z0-9]+", "-", step.name.lower()).strip("-")
        self.transcript_path = folder / f"{number:02}-{name}.txt"
        self.script = home.folder / f"step-{number:02}.bash"
        self.script.write_text(step.text, encoding="utf-8")
        self.reference = now()
        self.status: int | None = None
        self.over = False
        self.interrupted_at: float | None = None
        self.idle_since: float | None = None
        self.unconfirmed: tuple[float, str] | None = None
        self.rest = {"announcements": b"", "status": b""}
        self.decoders = {
            name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")
        }

    def run(self) -> None:
        step = self.step
        self.operator.recorder.record(
            "procedure.started",
            procedure=self.procedure,
            section=step.section.title,
            step=step.name,
            line=step.line,
            text=step.text,
        )
        with (
            self.transcript_path.open("w", encoding="utf-8") as self.transcript,
            self.transcript_path.with_suffix(".jsonl").open("wb") as self.stream,
        ):
            self.transcript.write(f"{step.name}\n{step.runbook}:{step.line}\n")
            self._run_bash()
        self.operator.recorder.record(
            "procedure.finished",
            procedure=self.procedure,
            status=_first_failure(self.ended),
            missing_tools=self.missing,
            exit_status=self.status,
        )

    def _run_bash(self) -> None:
        announced, announcements = os.pipe()
        go, self.go = os.pipe()
        told, tell = os.pipe()
        process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                str(KEEPER),
                str(self.script),
                str(TRAPS),
                str(announcements),
                str(go),
                str(tell),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.home.environment,
            cwd=self.home.work,
            pass_fds=(announcements, go, tell),
            start_new_session=True,
        )
        for descriptor in (announcements, go, tell):
            os.close(descriptor)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.pipes: dict[str, int] = {
            "stdout": process.stdout.fileno(),
            "stderr": process.stderr.fileno(),
            "announcements": announced,
            "status": told,
        }
        inherited = frozenset(
            os.readlink(f"/proc/self/fd/{descriptor}") for descriptor in (*self.pipes.values(), self.go)
        )
        with os.fdopen(os.dup(told), "rb", buffering=0) as beginning:
            shell = int(beginning.readline().removeprefix(b"started "))
        self.commands = Commands(str(self.script), self.step.line, self._command_ended, shell, inherited)
        try:
            with selectors.DefaultSelector() as self.selector:
                for name, descriptor in self.pipes.items():
                    os.set_blocking(descriptor, False)
                    self.selector.register(descriptor, selectors.EVENT_READ, name)
                self._watch(process.stdin)
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait()
            for descriptor in (announced, told, self.go):
                os.close(descriptor)
            process.stdout.close()
            process.stderr.close()

    def _watch(self, keep: IO[bytes]) -> None:
        deadline = time.monotonic() + self.operator.longest_step_seconds
        while self.selector.get_map():
            ready = {key.data for key, _ in self.selector.select(LOOK_EVERY_SECONDS)}
            for name in ("announcements", "stdout", "stderr", "status"):
                if name in ready:
                    self._read(name)
            if self.status is not None and not keep.closed:
                self._finish(self.status)
                keep.close()
            elif time.monotonic() > deadline and not keep.closed:
                self._print(
                    "stderr",
                    f"drill: the step took longer than {self.operator.longest_step_seconds:g} s and was "
                    "ended\n",
                )
                if self.commands.current:
                    self.commands.current.interrupted = True
                self._finish(INTERRUPTED_STATUS)
                keep.close()
            elif not keep.closed:
                self._interrupt_what_is_late()

    def _finish(self, status: int) -> None:
        for name in ("stdout", "stderr", "announcements"):
            self._read(name)
        self.commands.end(status, now().wall)
        self.status, self.over = status, True

    def _read(self, name: str) -> None:
        descriptor = self.pipes[name]
        if descriptor not in self.selector.get_map():
            return
        while True:
            try:
                data = os.read(descriptor, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self.selector.unregister(descriptor)
                return
            if name in self.decoders:
                self._print(name, self.decoders[name].decode(data))
            elif name == "status":
                self._told(data)
            else:
                self._announced(data)

    def _told(self, data: bytes) -> None:
        *lines, self.rest["status"] = (self.rest["status"] + data).split(b"\n")
        for line in lines:
            word, _, number = line.partition(b" ")
            if word == b"ended":
                self.status = int(number)

    def _announced(self, data: bytes) -> None:
        *records, self.rest["announcements"] = (self.rest["announcements"] + data).split(b"\0")
        for record in records:
            # bash waits after each announcement, so all that was printed before it is in the pipes now
            self._read("stdout")
            self._read("stderr")
            announcement = read_announcement(record)
            if announcement is not None:
                self._start(announcement)
            else:
                self._other(record.decode("utf-8", errors="replace").split("\x1f"))

    def _start(self, announcement: Announcement) -> None:
        before = self.commands.current
        self._confirm()
        if not self.over and self.commands.announce(announcement):
            if self.commands.current is not before:
                self.interrupted_at = self.idle_since = None
            line = self.step.line + announcement.line - 1
            self.unconfirmed = (announcement.wall, f"line {line}: {announcement.text}")
        with contextlib.suppress(OSError):
            os.write(self.go, b".")

    def _other(self, fields: Sequence[str]) -> None:
        if fields[0] == "missing" and fields[1] not in self.missing:
            self.missing.append(fields[1])
        if fields[0] == "not-a-command" and int(fields[1]) == self.commands.process:
            self.commands.withdraw()
            self.unconfirmed = None

    def _command_ended(self, command: Command) -> None:
        self.ended.append(command)
        reference = self.reference
        more: dict[str, Any] = {}
        if command.background:
            more["background"] = True
        if command.parts:
            more["parts"] = [
                {"line": part.line, "command": part.text, "status": part.status} for part in command.parts
            ]
        self.operator.recorder.record(
            "command.finished",
            at=Moment(wall=command.finished, monotonic=monotonic_of(command.finished, reference)),
            line=command.line,
            command=command.text,
            status=command.status,
            started=monotonic_of(command.started, reference),
            finished=monotonic_of(command.finished, reference),
            interrupted=command.interrupted,
            output=command.output[-TAIL_CHARACTERS:],
            **more,
        )
        self._confirm()
        how = (
            "left in the background"
            if command.background
            else f"status {command.status}" + (", interrupted" if command.interrupted else "")
        )
        self._note(
            command.finished, f"line {command.line}: {how} after {command.finished - command.started:.3f} s"
        )

    def _print(self, stream: str, text: str) -> None:
        if text:
            self._confirm()
            self.commands.print(text)
            self.transcript.write(text)
            self.stream.write(
                msgspec.json.encode({"monotonic": now().monotonic, "stream": stream, "text": text}) + b"\n"
            )

    def _confirm(self) -> None:
        """Write down the latest announcement; until something follows from it, it may be withdrawn."""
        if self.unconfirmed is not None:
            (wall, text), self.unconfirmed = self.unconfirmed, None
            self._note(wall, text)

    def _note(self, wall: float, text: str) -> None:
        clock = time.strftime("%H:%M:%S", time.gmtime(wall)) + f".{int(wall % 1 * 1000):03}"
        self.transcript.write(f"[{clock}] {text}\n")
        self.stream.write(
            msgspec.json.encode(
                {"monotonic": monotonic_of(wall, self.reference), "stream": "drill", "text": text}
            )
            + b"\n"
        )

    def _interrupt_what_is_late(self) -> None:
        group = self.commands.current
        if group is None:
            return
        running = [*group.announced, *self.commands.nested]
        streaming = any(streams(announcement.text) for announcement in running)
        limit = (
            self.operator.settings.judge.command_seconds
            if streaming
            else self.operator.longest_command_seconds
        )
        if now().wall - group.started < limit:
            return
        foreground = self._foreground()
        moment = time.monotonic()
        if self.interrupted_at is None:
            if foreground:
                self.idle_since = None
            elif self.idle_since is None:
                self.idle_since = moment
            if not foreground and self.idle_since is not None and moment - self.idle_since < IDLE_SECONDS:
                return  # the command may just have ended
            self.interrupted_at = moment
            group.interrupted = True
            self._confirm()
            self._note(now().wall, f"Ctrl-C after {limit:g} s")
            _send(foreground or [self.commands.process], signal.SIGINT)
        elif moment - self.interrupted_at > PATIENCE_AFTER_INTERRUPT_SECONDS:
            _send(foreground, signal.SIGKILL)

    def _foreground(self) -> list[int]:
        """What the shell runs and waits for; empty where it does something itself."""
        children = keeper.children().get(self.commands.process, [])
        return [
            process
            for child in children
            if not self._is_background(child)
            for process in (child, *keeper.descendants(child))
        ]

    def _is_background(self, process: int) -> bool:
        try:
            return os.getpgid(process) in self.commands.background
        except ProcessLookupError:
            return True


def _send(processes: Sequence[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
