"""A database in one SQLite file, asked from inside the container that opens it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from drill.cluster.access import ClusterError
from drill.cluster.health import Health, running_pods
from drill.errors import InputError
from drill.parts.database_copy import put_copy_back, take_copy
from drill.parts.database_file import DatabaseFile
from drill.parts.integrity import ASK_SECONDS, Integrity, integrity_in
from drill.parts.part import Dated, Forgotten, TargetPart
from drill.settings import Sqlite, Workload
from drill.settings.place import line_of

KEEP_MOST_BYTES = 16 * 2**20
"""What is larger is not kept: the container has it in its memory while it is copied."""
FORGET_SECONDS = 120
"""Afterwards it is given up, and undone."""

# Every value of every table is read once, and each text is looked up by hash: as a whole value, and, where it
# is long enough to be no accident, as a word within one.
HOLDS_SCRIPT = """
import json, re, sqlite3, sys, urllib.parse
wanted, found = set(json.load(sys.stdin)), set()
path = "file:" + urllib.parse.quote(sys.argv[1]) + "?mode=ro"
connection = sqlite3.connect(path, uri=True, timeout=10)
connection.text_factory = lambda data: data.decode(errors="replace")
tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
for table in tables:
    for row in connection.execute('SELECT * FROM "' + table.replace('"', '""') + '"'):
        for value in row:
            if isinstance(value, bytes):
                value = value.decode(errors="replace")
            elif value is None:
                continue
            text = str(value)
            if text in wanted:
                found.add(text)
            elif len(text) > 8:
                found.update(wanted.intersection(re.findall(r"[\\w-]{8,}", text)))
print(json.dumps(sorted(found)))
"""

# Every row's time is read once; the container's own clock, by which rows were written, says how old each is.
ROW_TIMES_SCRIPT = r"""
import datetime, json, re, sqlite3, sys, time, urllib.parse
UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e8, 1))
def wall(value):
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+([.][0-9]*)?", value):
        at = datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value.strip()))
        return (at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)).timestamp()
    number = float(value)
    for least, unit in UNITS:
        if number >= least:
            return number / unit
    raise ValueError("%r is no time since 1970" % value)
ages, clock = json.load(sys.stdin), time.time()
said = {"clock_wall": clock, "newest_wall": [None] * len(ages), "error": ""}
try:
    path = "file:" + urllib.parse.quote(sys.argv[1]) + "?mode=ro"
    connection = sqlite3.connect(path, uri=True, timeout=10)
    for row in connection.execute(sys.argv[2]):
        if row[0] is None:
            continue
        at = wall(row[0])
        for index, age in enumerate(ages):
            if at <= clock - age and (said["newest_wall"][index] or at) <= at:
                said["newest_wall"][index] = at
except (sqlite3.Error, sqlite3.Warning, ValueError, TypeError, OverflowError) as error:
    said["error"] = "%s: %s" % (type(error).__name__, error)
print(json.dumps(said))
"""

# All statements or none. SQLite gives up by itself when the time is over, so nothing goes on unseen. The file
# is made small again where more of it is free than used: that costs no more than what was removed.
FORGET_SCRIPT = r"""
import glob, json, os, shutil, sqlite3, sys, time, urllib.parse
path, asked = sys.argv[1], json.load(sys.stdin)
said = {"rows": 0, "beside": 0, "size_bytes": None, "trouble": "", "mistaken": None}
until = time.monotonic() + asked["seconds"]
def free(connection):
    return [connection.execute("PRAGMA " + each).fetchone()[0] for each in ("freelist_count", "page_count")]
at = None
try:
    if asked["statements"]:
        name = "file:" + urllib.parse.quote(path) + "?mode=rw"
        connection = sqlite3.connect(name, uri=True, timeout=5, isolation_level=None)
        connection.set_progress_handler(lambda: time.monotonic() > until, 10000)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute("BEGIN IMMEDIATE")
        rows = 0
        for at, statement in enumerate(asked["statements"]):
            rows += connection.execute(statement).rowcount
        connection.execute("COMMIT")
        said["rows"], at = rows, None
        unused, pages = free(connection)
        if unused * 2 > pages:
            connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        said["size_bytes"] = os.path.getsize(path)
    for pattern in asked["beside"]:
        for found in glob.glob(os.path.join(glob.escape(os.path.dirname(path)), pattern)):
            if os.path.isdir(found) and not os.path.islink(found):
                shutil.rmtree(found)
            else:
                os.remove(found)
            said["beside"] += 1
except (sqlite3.Error, sqlite3.Warning, OSError) as error:
    said["trouble"] = "%s: %s" % (type(error).__name__, error)
    wrong = isinstance(error, (sqlite3.Warning, sqlite3.ProgrammingError, sqlite3.IntegrityError))
    if at is not None and (wrong or getattr(error, "sqlite_errorcode", 0) == 1):
        said["mistaken"] = at
print(json.dumps(said))
"""


class _Dated(msgspec.Struct, frozen=True):
    """What ROW_TIMES_SCRIPT says; `error` is empty where all went well."""

    clock_wall: float
    newest_wall: list[float | None]
    error: str


class _Forgotten(Forgotten, frozen=True):
    """What FORGET_SCRIPT says. `mistaken`: which statement no database of these tables carries out."""

    mistaken: int | None = None


class Part(TargetPart):
    """The database file of a target."""

    @property
    def file(self) -> Sqlite:
        """What drill.toml says of it."""
        return self.described_as(Sqlite)

    @property
    def workload(self) -> Workload:
        return self.settings.workload(self.file.workload)

    def health(self) -> Health:
        seen = self.integrity()
        return Health(seen.sound, f"{self.name} {seen.integrity}, tables {', '.join(seen.tables)}")

    def integrity(self) -> Integrity:
        """Let the database check itself. Raises ClusterError when no pod can be asked."""
        return integrity_in(self.cluster, self._pod(), self.workload.container, self.file.path)

    def holds(self, texts: Collection[str]) -> set[str]:
        """Which of these texts stand in any column of any table: as the whole value, or, from 8 characters
        on, between characters that are neither letters, digits, '_' nor '-'. Raises ClusterError, also when
        the file cannot be read."""
        said = self.cluster.exec(
            self._pod(),
            self.workload.container,
            ["python", "-c", HOLDS_SCRIPT, self.file.path],
            stdin=json.dumps(sorted(texts)).encode(),
            seconds=ASK_SECONDS,
        )
        return set(msgspec.json.decode(said, type=list[str]))

    @property
    def dated(self) -> bool:
        return self.file.row_times is not None

    def newest_rows(self, ages_seconds: Sequence[float]) -> Dated:
        """By `row_times`, in the container that opens the file. Raises InputError where that query cannot be
        carried out, or gives what is no time."""
        query = self.file.row_times
        if query is None:
            return super().newest_rows(ages_seconds)
        said = self.cluster.exec(
            self._pod(),
            self.workload.container,
            ["python", "-c", ROW_TIMES_SCRIPT, self.file.path, query],
            stdin=json.dumps(list(ages_seconds)).encode(),
            seconds=ASK_SECONDS,
        )
        answer = msgspec.json.decode(said, type=_Dated)
        if answer.error:
            expected = f"a query that gives when each row of {self.file.path} was written ({answer.error})"
            raise self._mistaken("row_times", query, expected)
        return Dated(answer.clock_wall, answer.newest_wall)

    @property
    def forgets(self) -> bool:
        return bool(self.file.forget or self.file.forget_beside)

    def forget(self) -> Forgotten:
        """By `forget` and `forget_beside`, in the container that opens the file. What is in the way for now
        (a lock, a volume that cannot be written) is the answer's trouble; raises InputError for a statement
        that cannot be carried out at all."""
        file = self.file
        if not self.forgets:
            return super().forget()
        asked = {"statements": file.forget, "beside": file.forget_beside, "seconds": FORGET_SECONDS}
        said = self.cluster.exec(
            self._pod(),
            self.workload.container,
            ["python", "-c", FORGET_SCRIPT, file.path],
            stdin=json.dumps(asked).encode(),
            seconds=FORGET_SECONDS + ASK_SECONDS,
        )
        answer = msgspec.json.decode(said, type=_Forgotten)
        if answer.mistaken is not None:
            expected = f"a statement that removes drills' rows from {file.path} ({answer.trouble})"
            raise self._mistaken("forget", file.forget[answer.mistaken], expected)
        return Forgotten(answer.rows, answer.beside, answer.size_bytes, answer.trouble)

    @property
    def keeps(self) -> bool:
        return True

    def keep(self, copy: Path) -> bool:
        """In the container that opens the file, and no more than KEEP_MOST_BYTES."""
        pod, container = self._pod(), self.workload.container
        return take_copy(self.cluster, pod, container, self.file.path, copy, most_bytes=KEEP_MOST_BYTES)

    def return_kept(self, copy: Path) -> bool:
        """Broken is a file that fails its integrity check, or lacks a table that the copy has. The
        application is stopped meanwhile."""
        workload = self.workload
        spec = self.cluster.workload(workload.name, workload.kind)["spec"]
        file = DatabaseFile.of(self.file, workload, spec["template"]["spec"])
        return put_copy_back(self.cluster, file, copy, spec.get("replicas", 1))

    def _mistaken(self, key: str, value: str, expected: str) -> InputError:
        """What drill.toml says there, and cannot be done."""
        file = self.settings.file
        line = line_of(file.read_text(encoding="utf-8"), ("parts", self.name, key))
        return InputError(file, line, value, expected)

    def _pod(self) -> str:
        workload = self.workload
        pods = running_pods(self.cluster, workload.name, workload.container, workload.kind)
        if not pods:
            raise ClusterError(f"no pod of {workload.name} runs: its database cannot be asked")
        return str(pods[0]["metadata"]["name"])
