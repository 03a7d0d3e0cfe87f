"""Commands of a step. Flows in: what bash announced, one announcement after the other, and what was printed
meanwhile. Flows out: commands.

traps.bash tells what an announcement is. A command is told finished when bash announces the next one; a
pipeline is one command, with its parts. A `for`, `select` or `case` line runs nothing itself and is no
command.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from drill.recording import Moment, now

OWN_ERROR_TRAP = re.compile(r"trap\s.*\bERR\b")
"""From there on the step has a trap of its own in that place, and failures cannot be told apart any more."""
LEAVING = ("exit", "exec ")
HEADERS = ("for ", "select ", "case ", "trap '__drill_")
"""What a line that runs nothing itself starts with; the last is what bash announces where the EXIT trap is
all that ran.
"""


@dataclass(frozen=True)
class Announcement:
    """One command that is about to start, and what the shell knew then. `at`: when it was read, which is when
    it was made, since the shell waits; `line`: of the step's file.

    `background`: the last process of the last job in the background, empty where there is no such job;
    `group`: the process's group; `pipes`: those that the shell holds open at least one end of; `new_pipes`:
    those that it holds both ends of, so the command writes to one; `unhandled`: what ran before it failed,
    and the text does not deal with that.
    """

    status: int
    statuses: tuple[int, ...]
    background: str
    at: Moment
    process: int
    line: int
    depth: int
    source: str
    text: str
    pipes: frozenset[str] = frozenset()
    new_pipes: frozenset[str] = frozenset()
    group: int = 0
    unhandled: bool = False


@dataclass(frozen=True)
class PipelineStage:
    """One part of a pipeline. `status`: None where bash did not tell it."""

    line: int
    text: str
    status: int | None


@dataclass(frozen=True)
class EndedCommand:
    """A command that ended, or was left in the background. `line`: of the runbook; `interrupted`: it was
    ended as by Ctrl-C; `hung`: although it should have ended by itself; `handled`: it failed, and the text
    deals with that; `output`: both streams; `parts`: of a pipeline, in order; empty for a command alone."""

    line: int
    text: str
    status: int
    started: Moment
    finished: Moment
    background: bool
    interrupted: bool
    output: str
    parts: tuple[PipelineStage, ...] = ()
    hung: bool = False
    handled: bool = False

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return self.finished.monotonic - self.started.monotonic

    @property
    def failed(self) -> bool:
        """Whether it counts against its procedure: a stream that was interrupted does not, nor a failure that
        the text handles."""
        return self.hung or (self.status != 0 and not self.interrupted and not self.handled)


def read_announcement(record: bytes) -> Announcement | None:
    """One record that traps.bash wrote for a command, or None for one of its other kinds. The process waits
    while this looks at it.
    """
    fields = record.decode("utf-8", errors="replace").split("\x1f", 9)
    if fields[0] != "command" or len(fields) != 10:
        return None
    _, status, statuses, unhandled, jobs, process, line, depth, source, text = fields
    count, _, background = jobs.partition(" ")
    pipes, new_pipes = open_pipes(int(process))
    return Announcement(
        status=int(status),
        statuses=tuple(int(number) for number in re.findall(r"\d+", statuses)),
        background=background if count != "0" else "",
        at=now(),
        process=int(process),
        line=int(line),
        depth=int(depth or 0),
        source=source,
        text=text,
        pipes=pipes,
        new_pipes=new_pipes,
        group=_group(int(process)),
        unhandled=bool(unhandled),
    )


def _group(process: int) -> int:
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return 0


def open_pipes(process: int) -> tuple[frozenset[str], frozenset[str]]:
    """The pipes that a process holds an end of, and those that it holds both ends of. None where it has
    ended.
    """
    modes: dict[str, set[int]] = {}
    try:
        descriptors = os.listdir(f"/proc/{process}/fd")
    except (FileNotFoundError, ProcessLookupError):
        return frozenset(), frozenset()
    for descriptor in descriptors:
        # bash may still be closing the copy of a descriptor that its redirections made
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            place = os.readlink(f"/proc/{process}/fd/{descriptor}")
            if place.startswith("pipe:"):
                with open(f"/proc/{process}/fdinfo/{descriptor}", encoding="ascii") as file:
                    flags = next(line for line in file if line.startswith("flags:"))
                modes.setdefault(place, set()).add(int(flags.split()[1], 8) & os.O_ACCMODE)
    return frozenset(modes), frozenset(
        place for place, kinds in modes.items() if kinds >= {os.O_RDONLY, os.O_WRONLY}
    )


@dataclass
class Group:
    """Announcements that make one command: one, or the parts of a pipeline."""

    announced: list[Announcement]
    output: list[str] = field(default_factory=list)
    interrupted: bool = False
    hung: bool = False
    unhandled: bool = False

    @property
    def started(self) -> Moment:
        """When the first of them began."""
        return self.announced[0].at


class Commands:
    """Follows one bash process, and the subshells it runs in the foreground. `finished` is called with each
    command as it ends.
    """

    def __init__(
        self,
        step_file: str,
        first_line: int,
        finished: Callable[[EndedCommand], None],
        process: int,
        inherited: frozenset[str],
    ) -> None:
        """`process`: the shell's; `inherited`: the pipes that it was started with."""
        self._inherited = inherited
        self._step_file, self._first_line, self._finished = step_file, first_line, finished
        self._text = Path(step_file).read_text(encoding="utf-8").split("\n")
        self.process = process
        self.current: Group | None = None
        self.nested: list[Announcement] = []
        """What runs inside the current command: command substitutions, loops at the end of a pipeline."""
        self.background: set[int] = set()
        """Process groups in the background: what they announce comes at any time and ends nothing."""
        self._callers: list[Group] = []
        self._subshell: int | None = None
        self._ended: Announcement | None = None
        self._printed: list[str] = []
        self._tells_failures = True
        self._doubtful: tuple[Group, Announcement] | None = None
        """A command that seems to begin again, at line 1: so bash announces its EXIT trap too."""
        self.jobs: dict[int, str] = {}
        """What was put into the background: its last process, and the command's text."""
        self.within: dict[int, str] = {}
        """Process groups in the background that are shells themselves: what they announced last."""

    def print(self, text: str) -> None:
        """Something was printed; it belongs to the command that runs now."""
        (self.current.output if self.current else self._printed).append(text)

    def announce(self, announcement: Announcement) -> bool:
        """A command is about to start. False for what is no command of the step: a loop's header, the entry
        of a function, inner work.
        """
        self._resolve()
        if announcement.source != self._step_file:
            return self._elsewhere(announcement)
        if announcement.process == self.process and announcement.background:
            self.background.add(_group(int(announcement.background)))
        if announcement.process != self.process and announcement.group in self.background:
            self.within[announcement.group] = announcement.text
            return False
        if OWN_ERROR_TRAP.match(announcement.text):
            self._tells_failures = False
        if announcement.process not in {self.process, self._subshell}:
            if self.current is not None and self._is_inside(announcement):
                self.nested.append(announcement)
                return False
            self._settle(announcement)
            self._subshell = announcement.process
        else:
            self._settle(announcement)
            if announcement.process == self.process:
                self._subshell = None
        if announcement.text.startswith(HEADERS):
            return False
        entered = self._callers[-1].announced[-1] if self._callers else None
        if (
            entered
            and self.current is None
            and announcement.depth > entered.depth
            and announcement.text == entered.text
        ):
            return False
        if self.current is None:
            self.current = Group([announcement], self._printed)
            self._printed = []
        else:
            self.current.announced.append(announcement)
        return True

    def _elsewhere(self, announcement: Announcement) -> bool:
        """A file that the step sources: its lines are not the runbook's."""
        if self.current is not None:
            self.nested.append(announcement)
        return False

    def withdraw(self) -> None:
        """The latest announcement was not of a command but of a trap's own work, so the one before it was the
        shell's last."""
        if self._doubtful is not None:
            last = self._doubtful[0]
            last.unhandled |= not self._in_list(last.announced[-1])
            self._resolve()
        if self.current is not None and len(self.current.announced) == 1:
            self._printed, self.current = self.current.output, None

    def _resolve(self) -> None:
        """End the command that was announced once more: as one that ran again, or by the shell's end."""
        if self._doubtful is not None:
            (group, later), self._doubtful = self._doubtful, None
            self._end(group, later.status, later.statuses, later.at)

    def cut_off(self) -> None:
        """What runs now is ended, and did not by itself."""
        for group in (*([self.current] if self.current else []), *self._callers):
            group.interrupted = group.hung = True

    def _is_inside(self, later: Announcement) -> bool:
        """Whether another process announced something that the current command runs, rather than a subshell
        that comes after it.
        """
        assert self.current is not None
        first, last = self.current.announced[0], self.current.announced[-1]
        return later.group != later.process or later.depth > last.depth or self._reads_on(first)

    def _reads_on(self, announcement: Announcement) -> bool:
        """Whether the command's input comes from a pipe: it is not the first part of its pipeline."""
        return bool(announcement.pipes - announcement.new_pipes - self._inherited)

    def _writes_on(self, announcement: Announcement) -> bool:
        """Whether the command's output goes into a pipe, to a compound that is not announced (`... | while
        read`).
        """
        # from the second part on, bash also holds both ends of a pipe by which it orders process groups
        return len(announcement.new_pipes) > (1 if self._reads_on(announcement) else 0)

    def _settle(self, later: Announcement) -> None:
        if self.current is not None:
            last = self.current.announced[-1]
            if later.process == last.process and later.pipes & last.new_pipes:
                return
            self.current.unhandled |= later.unhandled
            if later.process == last.process and later.background not in {"", last.background}:
                self._end(self.current, 0, (), later.at, job=int(later.background))
            elif later.process == last.process and later.depth > last.depth:
                self._callers.append(self.current)
                self.current, self.nested = None, []
                return
            elif later.line == 1 and later.text == last.text:
                self._doubtful = (self.current, later)
            else:
                told = self._told_by(later)
                self._end(self.current, told.status, told.statuses, later.at)
            self.current, self.nested = None, []
        while (
            self._callers
            and self._callers[-1].announced[-1].depth >= later.depth
            and later.process == self.process
        ):
            caller = self._callers.pop()
            caller.unhandled |= later.unhandled
            self._end(caller, later.status, later.statuses, later.at)

    def _told_by(self, later: Announcement) -> Announcement:
        """Which announcement tells how the current command ended: the next one. But bash runs the words of
        `for each in $(...)` before it announces that line; then the first of theirs does."""
        if later.unhandled and later.status == 0:
            return next((each for each in self.nested if each.status != 0), later)
        return later

    def end(self, status: int, at: Moment) -> None:
        """The shell has ended with `status`."""
        self._resolve()
        last = self.current.announced[-1] if self.current else None
        if last and self._ended and last.text == self._ended.text and last.line < self._ended.line:
            self.withdraw()  # the step's own EXIT trap: bash announces it as the command before it, at line 1
        groups = [*([self.current] if self.current else []), *reversed(self._callers)]
        self.current, self._callers, self.nested = None, [], []
        for group in groups:
            # bash tells nothing of what ends the shell itself, such as a variable that is not set; a
            # condition that happens to be the last command is told by its line
            group.unhandled |= not self._in_list(group.announced[-1])
            self._end(group, status, (), at)

    def _in_list(self, announcement: Announcement) -> bool:
        """Whether a command that was the last is a condition of a list. bash tells nothing of what ended the
        shell by itself, such as a variable that is not set, so what fails last counts unless its line says
        so."""
        lines = self._text[announcement.line - 1 : announcement.line]
        return any("&&" in line for line in lines) and not announcement.text.startswith(LEAVING)

    def _end(
        self,
        group: Group,
        status: int,
        statuses: tuple[int, ...],
        at: Moment,
        *,
        job: int | None = None,
    ) -> None:
        """`job`: the last process of a command that was left in the background."""
        announced = group.announced
        self._ended = announced[-1]
        parts: tuple[PipelineStage, ...] = ()
        if len(announced) > 1:
            known: list[int | None] = (
                [*statuses] if len(statuses) == len(announced) else [None] * len(announced)
            )
            parts = tuple(
                PipelineStage(self._line(one), one.text, part)
                for one, part in zip(announced, known, strict=True)
            )
        text = " | ".join(one.text for one in announced)
        if self._writes_on(announced[-1]):
            text += " | ..."
        if job is not None:
            text += " &"
            self.jobs[job] = text
        handled = self._tells_failures and not group.unhandled and not text.startswith(LEAVING)
        self._finished(
            EndedCommand(
                line=self._line(announced[0]),
                text=text,
                status=status,
                started=group.started,
                finished=at,
                background=job is not None,
                interrupted=group.interrupted,
                output="".join(group.output),
                parts=parts,
                hung=group.hung,
                handled=status != 0 and handled and not group.interrupted,
            )
        )

    def _line(self, announcement: Announcement) -> int:
        return self._first_line + announcement.line - 1
