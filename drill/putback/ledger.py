"""The ledger: what a drill has changed, or is about to change, in a target, and how it is put back. One file
for each open fault, each open drill and each workload whose image a gate alternates, on disk before anything
is changed, gone once all was seen put back.

It outlives a kill of every process of a drill: `drill.putback.put_back` reads what is left here. Its files
may hold secrets of the target and are readable by their owner alone.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from drill.durable import sync_folder, write_durably
from drill.errors import FaultError, InputError, SetupError

SUFFIX = ".json"
PRIVATE = 0o700


class Process(msgspec.Struct, frozen=True):
    """A process of this machine. `started`: clock ticks since boot, which tells it from a later one of the
    same number.
    """

    pid: int
    started: int

    def alive(self) -> bool:
        """True while this very process runs (a zombie does not)."""
        seen = _stat(self.pid)
        return seen is not None and seen == self.started

    def commands_left(self) -> list[int]:
        """Processes that this one, which has ended, left in the session that it led: a command that was under
        way may still act.
        """
        if _stat(self.pid) is not None:
            return []
        return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _session(folder) == self.pid]


class FaultEntry(msgspec.Struct, frozen=True, tag="fault", tag_field="entry"):
    """One open fault. `target`: the drill.toml; `record`: the fault as data, all that the undo needs;
    `announced_wall`: seconds since the epoch; `experiment`: the process that injects and undoes; `drill`: the
    one that started it, none when the experiment runs alone."""

    id: str
    fault: str
    target: str
    context: str
    namespace: str
    record: dict[str, Any]
    announced_wall: float
    experiment: Process
    drill: Process | None = None


class DrillEntry(msgspec.Struct, frozen=True, tag="drill", tag_field="entry"):
    """One open drill. `known`: the target's state as it was before the drill changed anything, as JSON;
    `process`: the drill's own."""

    id: str
    target: str
    context: str
    namespace: str
    known: msgspec.Raw
    opened_wall: float
    process: Process


class ImageEntry(msgspec.Struct, frozen=True, tag="image", tag_field="entry"):
    """A workload whose image a release gate alternates. `workload`, `kind`, `container`: whose; `found`: the
    image that ran before; `alternated`: those that the gate sets; `replicas`: so many were asked for;
    `known`: the target's state of before, as JSON; `process`: the gate's."""

    id: str
    target: str
    context: str
    namespace: str
    workload: str
    kind: Literal["Deployment", "StatefulSet"]
    container: str
    found: str
    alternated: tuple[str, ...]
    replicas: int
    known: msgspec.Raw
    opened_wall: float
    process: Process

    @property
    def place(self) -> str:
        """Of which workload, such as Deployment/web."""
        return f"{self.kind}/{self.workload}"


Entry = FaultEntry | DrillEntry | ImageEntry


def process(pid: int) -> Process:
    """The process that runs now under `pid`. Raises FaultError when there is none."""
    started = _stat(pid)
    if started is None:
        raise FaultError(f"process {pid}: expected it to run, it does not")
    return Process(pid, started)


def lineage() -> list[Process]:
    """This process, the one that started it, and so on."""
    found, pid = [], os.getpid()
    while pid > 1 and (started := _stat(pid)) is not None:
        found.append(Process(pid, started))
        pid = _parent(pid)
    return found


def _parent(pid: int) -> int:
    """0 where there is none, or none that is seen."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(text.rpartition(")")[2].split()[1])


def _stat(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def _session(folder: Path) -> int | None:
    try:
        fields = (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[3])


def fault_of(file: Path) -> str:
    """The name in the name of an entry's file: the file may be gone by now."""
    return re.sub(r"-\d+-\d+$", "", file.stem)


class Ledger:
    """The open faults and drills of one target, in the folder `ledger` of its state folder."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "ledger"

    def open(self, entry: Entry) -> Path:
        """Write an entry durably: when this returns, file and folder are on disk. Raises FaultError when they
        cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
            write_durably(self._file(entry.id), msgspec.json.format(msgspec.json.encode(entry)))
        except OSError as error:
            raise FaultError(
                f"{self._file(entry.id)}: the ledger could not be written ({error.strerror}); nothing was "
                "broken. Make room there and run again"
            ) from error
        return self._file(entry.id)

    def close(self, entry: Entry) -> None:
        """All of it is put back, and that was seen: forget it and what was kept beside it."""
        self._file(entry.id).unlink(missing_ok=True)
        for beside in self.folder.glob(f"{entry.id}.*"):
            beside.unlink()
        sync_folder(self.folder)

    def beside(self, identity: str, suffix: str) -> Path:
        """Where an entry keeps something of its own, such as a copy of a database; removed when the entry is
        closed.
        """
        return self.folder / f"{identity}.{suffix}"

    def files(self) -> list[Path]:
        """The files of all open entries, damaged ones included, oldest first. An experiment may close its
        own at any moment, also while they are listed."""
        found = []
        for file in self.folder.glob(f"*{SUFFIX}"):
            with suppress(FileNotFoundError):
                found.append((file.stat().st_mtime_ns, file))
        return [file for _, file in sorted(found)]

    def read(self, file: Path) -> Entry:
        """One entry. Raises InputError naming the file when it is damaged, which stays where it is, and
        FileNotFoundError when it was closed meanwhile."""
        data = file.read_bytes()
        try:
            return msgspec.json.decode(data, type=FaultEntry | DrillEntry | ImageEntry)
        except msgspec.DecodeError as error:
            raise InputError(
                file,
                None,
                data[:80].decode(errors="replace"),
                f"a whole ledger entry ({error}). The fault that its name tells may still be in: put that "
                "back by hand, or run `drill down` and "
                "`drill up`, then delete the file",
            ) from error

    def entries(self) -> list[Entry]:
        """All open entries, oldest first. Raises InputError for the first damaged one."""
        found = []
        for file in self.files():
            with suppress(FileNotFoundError):
                found.append(self.read(file))
        return found

    def faults(self) -> list[FaultEntry]:
        """All open faults, oldest first."""
        return [entry for entry in self.entries() if isinstance(entry, FaultEntry)]

    def drills(self) -> list[DrillEntry]:
        """All open drills, oldest first."""
        return [entry for entry in self.entries() if isinstance(entry, DrillEntry)]

    def of_process(self, fault: str, pid: int) -> FaultEntry | None:
        """The open entry that process `pid` made for `fault`, if any."""
        for file in self.files():
            if re.fullmatch(rf"{re.escape(fault)}-{pid}-\d+", file.stem):
                entry = self.read(file)
                return entry if isinstance(entry, FaultEntry) else None
        return None

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the ledger's lock: two that put back at the same time wait for each other. It is a lock on
        the folder itself, which takes no room: a full disk does not keep a fault in. Raises SetupError where
        there is no folder and none can be made."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
            lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise SetupError(
                f"{self.folder}: where open drills are kept cannot be opened ({error.strerror}); make room "
                "or leave to read and write there"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _file(self, identity: str) -> Path:
        return self.folder / f"{identity}{SUFFIX}"
