"""A database in one SQLite file, asked from inside the container that opens it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import msgspec

from drill.cluster.access import Cluster, ClusterError
from drill.cluster.health import Health, running_pods
from drill.parts.part import TargetPart
from drill.settings import Sqlite, Workload

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


class Integrity(msgspec.Struct, frozen=True):
    """What the database says of itself. `integrity`: "ok", or what is wrong; `tables`: its tables, sorted by
    name."""

    integrity: str
    tables: list[str]

    @property
    def sound(self) -> bool:
        """True when SQLite finds nothing wrong and there are tables at all."""
        return self.integrity == "ok" and bool(self.tables)


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
