"""The operator. Flows in: steps of the runbook and values for their placeholders. Flows out: procedure.* and
command.finished events, transcripts.

Each step is run by one bash process (traps.bash, keeper.py), word for word, and every command is recorded
with its line in the runbook. A command that streams is interrupted after a limit, as a person would press
Ctrl-C, and the step goes on with the next one; one that should end and does not is ended too, and has hung.
All times are of the monotonic clock.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import selectors
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import msgspec

from drill.errors import filling_disk
from drill.operate import keeper
from drill.operate.commands import Announcement, Commands, EndedCommand, read_announcement
from drill.operate.streaming import streams
from drill.operate.world import Home, World
from drill.recording import Moment, Recorder, now
from drill.recording.events import CommandFinished, PipelinePart, ProcedureFinished, ProcedureStarted
from drill.runbook import Step, bind
from drill.settings import Settings

TRAPS = Path(__file__).with_name("traps.bash")
KEEPER = Path(__file__).with_name("keeper.py")
TRANSCRIPTS = "transcripts"
KEPT_CHARACTERS = 4_000_000
"""Of what a command printed, its event keeps so much of the end, which is what is judged; the transcript has
all. On a cluster that is drilled all day `kubectl get events` prints a third of a million."""
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
    not; a stream that was interrupted, a failure that the text handles and a command left in the background
    do not count. `missing_tools`: programs that are not on this machine, by name; `background`: what still
    runs."""

    procedure: str
    status: int
    commands: tuple[EndedCommand, ...]
    missing_tools: tuple[str, ...]
    transcripts: tuple[Path, ...]
    background: tuple[str, ...] = ()


class Operator:
    """Follows the procedures of one drill in one world. What they leave in the background goes on until
    `close`, as in a person's shell, and keeps its working folder.
    """

    def __init__(
        self,
        settings: Settings,
        evidence: Path,
        recorder: Recorder,
        world: World,
        *,
        longest_command_seconds: float = LONGEST_COMMAND_SECONDS,
        longest_step_seconds: float = LONGEST_STEP_SECONDS,
    ) -> None:
        """`longest_command_seconds`: for commands that do not stream; `longest_step_seconds`: for all of a
        step.
        """
        self.settings, self.evidence, self.recorder, self.world = settings, evidence, recorder, world
        self.longest_command_seconds = longest_command_seconds
        self.longest_step_seconds = longest_step_seconds
        self._home: Home | None = None
        self._lingering: list[_StepRun] = []

    def check(self, steps: Sequence[Step] = (), bindings: Mapping[str, str] | None = None) -> list[str]:
        """Refuse now what `follow` would refuse: a placeholder without a value (InputError), a world that
        leads elsewhere (ForeignClusterError), a token that ends (SetupError). Returns which of the tools that
        the target's file names are not on this machine.
        """
        bind(steps, bindings or {})
        self.world.check(self.settings.target.context)
        return self.world.missing_tools(self.settings.operator.tools)

    def follow(
        self, procedure: str, steps: Sequence[Step], bindings: Mapping[str, str] | None = None
    ) -> ProcedureResult:
        """Run the steps, one after the other, and record them.

        Raises InputError for a placeholder without a value and ForeignClusterError for a world that leads
        elsewhere, both before anything runs.
        """
        bound = bind(steps, bindings or {})
        self.world.check(self.settings.target.context)
        with filling_disk(f"keep what the operator does in {self.evidence}"):
            return self._follow(procedure, bound)

    def _follow(self, procedure: str, steps: Sequence[Step]) -> ProcedureResult:
        if self._home is None:
            self._home = Home(self.world)
        self._home.bring_files(self.world)
        commands: list[EndedCommand] = []
        missing: list[str] = []
        background: list[str] = []
        transcripts: list[Path] = []
        for step in steps:
            run = _StepRun(self, self._home, procedure, step)
            self._lingering.append(run)
            run.run()
            commands += run.ended
            missing += [name for name in run.missing if name not in missing]
            background += run.background
            transcripts.append(run.transcript_path)
        return ProcedureResult(
            procedure,
            _first_failure(commands),
            tuple(commands),
            tuple(missing),
            tuple(transcripts),
            tuple(background),
        )

    def running(self) -> bool:
        """True while something that a procedure left in the background, and that ends by itself, still
        runs.
        """
        return any(run.works_on() for run in self._lingering)

    def close(self) -> None:
        """End what the procedures left in the background, and remove the working folder. May be called
        again.
        """
        for run in self._lingering:
            run.close()
        self._lingering.clear()
        if self._home is not None:
            self._home.remove()
            self._home = None

    def __enter__(self) -> Operator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _first_failure(commands: Sequence[EndedCommand]) -> int:
    return next((command.status or INTERRUPTED_STATUS for command in commands if command.failed), 0)


class _StepRun:
    """One step, from bash's start until nothing of it is left: `run` returns when bash has ended, and `close`
    ends what it left in the background, whose output is kept meanwhile."""

    def __init__(self, operator: Operator, home: Home, procedure: str, step: Step) -> None:
        self.operator, self.home, self.procedure, self.step = operator, home, procedure, step
        self.ended: list[EndedCommand] = []
        self.missing: list[str] = []
        self.background: list[str] = []
        folder = operator.evidence / TRANSCRIPTS
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.glob("*.txt"))) + 1
        name = re.sub(r"[^a-z0-9]+", "-", step.name.lower()).strip("-")
        self.transcript_path = folder / f"{number:02}-{name}.txt"
        self.script = home.folder / f"step-{number:02}.bash"
        self.script.write_text(step.text, encoding="utf-8")
        self.status: int | None = None
        self.over = self.late = False
        self.interrupted_at: float | None = None
        self.idle_since: float | None = None
        self.unconfirmed: tuple[Moment, str] | None = None
        self.rest = {"announcements": b"", "status": b""}
        self.decoders = {
            name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._draining: threading.Thread | None = None
        self._closed = False

    def run(self) -> None:
        """Run the step until its shell has ended, and record it."""
        step = self.step
        self.operator.recorder.record(
            ProcedureStarted(
                procedure=self.procedure,
                section=step.section.title,
                step=step.name,
                line=step.line,
                text=step.text,
                runbook=self._runbook(),
                as_written=self._as_written(),
            )
        )
        self.transcript = self.transcript_path.open("w", encoding="utf-8")
        self.stream = self.transcript_path.with_suffix(".jsonl").open("wb")
        self.transcript.write(f"{step.name}\n{step.runbook}:{step.line}\n")
        self.selector = selectors.DefaultSelector()
        try:
            self._start_bash()
            self._watch()
            self.background = [self._name(process) for process in self._left()]
        except BaseException:
            self.close()
            raise
        self.operator.recorder.record(
            ProcedureFinished(
                procedure=self.procedure,
                status=_first_failure(self.ended),
                missing_tools=self.missing,
                background=self.background,
            )
        )
        if self.background:
            for name in self.background:
                self._note(now(), f"still running: {name}")
            self._draining = threading.Thread(target=self._drain, daemon=True)
            self._draining.start()
        else:
            self.close()

    def _runbook(self) -> str:
        """From the folder of the target's file on, where it lies below it."""
        path, root = Path(self.step.runbook).resolve(), self.operator.settings.root.resolve()
        return str(path.relative_to(root) if path.is_relative_to(root) else path)

    def _as_written(self) -> bool:
        target = self.operator.settings.target
        written = target.runbook_as_written
        root = self.operator.settings.root
        return written is not None and (root / self.step.runbook).resolve() == (root / written).resolve()

    def works_on(self) -> bool:
        """Whether a process of the step that ends by itself still runs."""
        if self._closed or self._process is None:
            return False
        groups: dict[int, list[bool]] = {}
        for process in keeper.descendants(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                groups.setdefault(os.getpgid(process), []).append(streams(_command_line(process)))
        return any(not any(streaming) for streaming in groups.values())

    def close(self) -> None:
        """End every process of the step, and keep what they said last."""
        if self._closed:
            return
        self._closed = True
        if self._process is not None:
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            if self._draining is not None:
                self._draining.join()
            else:
                self._drain()
            self._process.wait()
            for descriptor in self._descriptors:
                os.close(descriptor)
            for pipe in (self._process.stdout, self._process.stderr):
                assert pipe is not None
                pipe.close()
        self.selector.close()
        self.transcript.close()
        self.stream.close()

    def _drain(self) -> None:
        """Keep what the background says until nothing of it is left."""
        while self.selector.get_map():
            self._read_what_is_there()

    def _left(self) -> list[int]:
        """The processes that the step left, but for those that others of them started."""
        assert self._process is not None
        return keeper.children().get(self._process.pid, [])

    def _name(self, process: int) -> str:
        """A process in the background as the step's text puts it, as far as that is known."""
        if process in self.commands.jobs:
            return self.commands.jobs[process]
        command = _command_line(process)
        if str(self.script) in command:
            return f"( ... {self.commands.within.get(process, '')} ... ) &"
        return command

    def _start_bash(self) -> None:
        announced, announcements = os.pipe()
        go, self.go = os.pipe()
        told, tell = os.pipe()
        self._descriptors = (announced, told, self.go)
        command = [sys.executable, "-I", "-S", str(KEEPER), str(self.script), str(TRAPS)]
        process = subprocess.Popen(
            [*command, str(announcements), str(go), str(tell)],
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
        self._process = process
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
        for name, descriptor in self.pipes.items():
            os.set_blocking(descriptor, False)
            self.selector.register(descriptor, selectors.EVENT_READ, name)

    def _watch(self) -> None:
        """Until bash has ended, by itself or by the step's limit."""
        deadline = time.monotonic() + self.operator.longest_step_seconds
        while not self.over:
            self._read_what_is_there()
            if self.status is not None:
                self._finish(self.status)
            elif time.monotonic() > deadline:
                self._end_late_step()
            else:
                self._interrupt_what_is_late()

    def _end_late_step(self) -> None:
        limit = self.operator.longest_step_seconds
        self._print("stderr", f"drill: the step took longer than {limit:g} s and was ended\n")
        foreground = [self.commands.process, *self._foreground()]
        self.late = True
        self._finish(INTERRUPTED_STATUS)
        _send(foreground, signal.SIGKILL)

    def _read_what_is_there(self) -> None:
        ready = {key.data for key, _ in self.selector.select(LOOK_EVERY_SECONDS)}
        for name in ("announcements", "stdout", "stderr", "status"):
            if name in ready:
                self._read(name)

    def _finish(self, status: int) -> None:
        for name in ("stdout", "stderr", "announcements"):
            self._read(name)
        if self.late:
            self.commands.cut_off()
        self.commands.end(status, now())
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
            self.unconfirmed = (announcement.at, f"line {line}: {announcement.text}")
        with contextlib.suppress(OSError):
            os.write(self.go, b".")

    def _other(self, fields: Sequence[str]) -> None:
        if fields[0] == "missing" and fields[1] not in self.missing:
            self.missing.append(fields[1])
        if fields[0] == "not-a-command" and int(fields[1]) == self.commands.process:
            self.commands.withdraw()
            self.unconfirmed = None

    def _command_ended(self, command: EndedCommand) -> None:
        self.ended.append(command)
        self.operator.recorder.record(
            CommandFinished(
                line=command.line,
                command=command.text,
                status=command.status,
                started=command.started.monotonic,
                finished=command.finished.monotonic,
                interrupted=command.interrupted,
                hung=command.hung,
                handled=command.handled,
                background=command.background,
                parts=[PipelinePart(part.line, part.text, part.status) for part in command.parts],
                output=command.output[-KEPT_CHARACTERS:],
                cut=len(command.output) > KEPT_CHARACTERS,
            ),
            at=command.finished,
        )
        self._confirm()
        if command.background:
            how = "left in the background"
        else:
            marks = {"hung": command.hung, "interrupted": command.interrupted, "handled": command.handled}
            how = ", ".join([f"status {command.status}", *(mark for mark, is_so in marks.items() if is_so)])
        self._note(command.finished, f"line {command.line}: {how} after {command.seconds:.3f} s")

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
            (at, text), self.unconfirmed = self.unconfirmed, None
            self._note(at, text)

    def _note(self, at: Moment, text: str) -> None:
        clock = time.strftime("%H:%M:%S", time.gmtime(at.wall)) + f".{int(at.wall % 1 * 1000):03}"
        self.transcript.write(f"[{clock}] {text}\n")
        self.stream.write(
            msgspec.json.encode({"monotonic": at.monotonic, "stream": "drill", "text": text}) + b"\n"
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
        moment = time.monotonic()
        if moment - group.started.monotonic < limit:
            return
        foreground = self._foreground()
        if self.interrupted_at is None:
            if foreground:
                self.idle_since = None
            elif self.idle_since is None:
                self.idle_since = moment
            if not foreground and self.idle_since is not None and moment - self.idle_since < IDLE_SECONDS:
                return  # the command may just have ended
            self.interrupted_at = moment
            group.interrupted, group.hung = True, not streaming
            self._confirm()
            self._note(now(), f"Ctrl-C after {limit:g} s")
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


def _command_line(process: int) -> str:
    """The words of a process, empty where it has ended."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return shlex.join(word.decode(errors="replace") for word in words if word)
