"""A database in one SQLite file, asked from inside the container that opens it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from drill.cluster.access import Cluster, ClusterError
from drill.cluster.health import Health, running_pods
from drill.errors import InputError
from drill.parts.part import Dated, TargetPart
from drill.settings import Sqlite, Workload
from drill.settings.place import line_of

ASK_SECONDS = 30

INTEGRITY_SCRIPT = """
import json, sqlite3, sys, urllib.parse
seen = {"integrity": "", "tables": []}
tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
try:
    path = "file:" + urllib.parse.quote(sys.argv[1]) + "?mode=ro"
    connection = sqlite3.connect(path, uri=True, timeout=5)
    seen["tables"] = sorted(row[0] for row in connection.execute(tables))
    seen["integrity"] = "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check(3)"))
except sqlite3.Error as error:
    seen["integrity"] = f"{type(error).__name__}: {error}"
print(json.dumps(seen))
"""

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


class Integrity(msgspec.Struct, frozen=True):
    """What the database says of itself. `integrity`: "ok", or what is wrong; `tables`: its tables, sorted by
    name."""

    integrity: str
    tables: list[str]

    @property
    def sound(self) -> bool:
        """True when SQLite finds nothing wrong and there are tables at all."""
        return self.integrity == "ok" and bool(self.tables)


class _Dated(msgspec.Struct, frozen=True):
    """What ROW_TIMES_SCRIPT says; `error` is empty where all went well."""

    clock_wall: float
    newest_wall: list[float | None]
    error: str


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
            file = self.settings.file
            line = line_of(file.read_text(encoding="utf-8"), ("parts", self.name, "row_times"))
            expected = f"a query that gives when each row of {self.file.path} was written ({answer.error})"
            raise InputError(file, line, query, expected)
        return Dated(answer.clock_wall, answer.newest_wall)

    def _pod(self) -> str:
        workload = self.workload
        pods = running_pods(self.cluster, workload.name, workload.container, workload.kind)
        if not pods:
            raise ClusterError(f"no pod of {workload.name} runs: its database cannot be asked")
        return str(pods[0]["metadata"]["name"])


def integrity_in(cluster: Cluster, pod: str, container: str, path: str) -> Integrity:
    """Let the database at `path` check itself from inside this container."""
    said: Any = json.loads(
        cluster.exec(pod, container, ["python", "-c", INTEGRITY_SCRIPT, path], seconds=ASK_SECONDS)
    )
    return msgspec.convert(said, Integrity)
