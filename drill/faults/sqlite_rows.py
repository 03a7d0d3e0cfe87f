"""Texts in the newest rows of a live SQLite file changed, by whoever may write: pages parse, nothing is
missing, and what users read is not what they wrote.

What was there is kept beside the ledger before anything is changed. Keys and what looks like a time, a number
or JSON stay as they are, so that the service goes on to answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from drill.cluster.access import Cluster
from drill.durable import write_durably
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Sight, Site, kind
from drill.parts.database_file import DatabaseFile
from drill.recording import now

ROWS = 20
"""So many of each table, the newest ones."""

CHOOSE_SCRIPT = r"""
import codecs, json, re, sqlite3, sys
path, count = sys.argv[1], int(sys.argv[2])
connection = sqlite3.connect(path, timeout=10)
quoted = lambda name: '"' + name.replace('"', '""') + '"'
words = re.compile(r"(?!\d{4}-\d)(?=.*[A-Za-z])[\w][\w .,:;'!?-]*")
changes = []
tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
for (table,) in connection.execute(tables).fetchall():
    name = quoted(table)
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})") if not row[5]]
    for index in connection.execute(f"PRAGMA index_list({name})").fetchall():
        if index[2]:
            keys = {row[2] for row in connection.execute(f"PRAGMA index_info({quoted(index[1])})")}
            columns = [each for each in columns if each not in keys]
    for column in columns:
        newest = f"SELECT rowid, {quoted(column)} FROM {name} ORDER BY rowid DESC LIMIT ?"
        try:
            rows = connection.execute(newest, (count,)).fetchall()
        except sqlite3.OperationalError:
            break  # a table without row numbers
        for row, value in rows:
            if isinstance(value, str) and words.fullmatch(value):
                changes.append([name, quoted(column), row, value, codecs.encode(value, "rot13")])
print(json.dumps(changes))
"""

# [table, column, row, from, to] on standard input; only a value that is still `from` is changed
CHANGE_SCRIPT = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
changed = 0
for table, column, row, old, new in json.load(sys.stdin):
    change = f"UPDATE {table} SET {column} = ? WHERE rowid = ? AND {column} = ?"
    changed += connection.execute(change, (new, row, old)).rowcount
connection.execute("COMMIT")
print(changed)
"""

COUNT_SCRIPT = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=10)
changes = json.load(sys.stdin)
count = 0
for table, column, row, old, new in changes:
    found = f"SELECT count(*) FROM {table} WHERE rowid = ? AND {column} = ?"
    count += connection.execute(found, (row, new)).fetchone()[0]
print(count)
"""

Change = tuple[str, str, int, str, str]


@kind("sqlite-rows")
class SqliteRows(Fault, frozen=True):
    """`kept`: the file on this machine with what was there."""

    file: DatabaseFile
    kept: str

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> SqliteRows:
        return cls(site.database_file, str(site.beside("rows")))

    def inject(self, cluster: Cluster) -> Injected:
        with self.file.reached(cluster) as (pod, container):
            choose = ["python", "-c", CHOOSE_SCRIPT, self.file.path, str(ROWS)]
            chosen = cluster.exec(pod, container, choose)
            changes = msgspec.json.decode(chosen, type=list[Change])
            if not changes:
                raise FaultError(
                    f"{self.file.path}: no row has a text that could be changed; nothing was broken"
                )
            write_durably(Path(self.kept), chosen)
            before = now()
            changed = self._run(cluster, pod, container, CHANGE_SCRIPT, changes)
        return Injected(before, {"values": len(changes), "changed": changed})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        changes = self._changes()
        with self.file.reached(cluster) as (pod, container):
            count = self._run(cluster, pod, container, COUNT_SCRIPT, changes)
        return Sight(count > 0, f"{count} of {len(changes)} values are not what was written")

    def undo(self, cluster: Cluster) -> str:
        changes = self._changes()
        if not changes:
            return "nothing was changed: nothing was left to undo"
        back = [(table, column, row, new, old) for table, column, row, old, new in changes]
        with self.file.reached(cluster) as (pod, container):
            count = self._run(cluster, pod, container, CHANGE_SCRIPT, back)
        return (
            f"put {count} of {len(changes)} values back"
            if count
            else "all is as written: nothing was left to undo"
        )

    def _changes(self) -> list[Change]:
        kept = Path(self.kept)
        return msgspec.json.decode(kept.read_bytes(), type=list[Change]) if kept.exists() else []

    def _run(self, cluster: Cluster, pod: str, container: str, script: str, changes: list[Change]) -> int:
        command = ["python", "-c", script, self.file.path]
        return int(cluster.exec(pod, container, command, stdin=json.dumps(changes).encode()))
