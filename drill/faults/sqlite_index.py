"""Every index that somebody made gone from a live SQLite file: answers stay right, and take longer the more
rows there are. What made them is kept beside the ledger before anything is broken.
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

# those of PRIMARY KEY and UNIQUE have no statement of their own
FIND_SCRIPT = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=10)
made = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
print(json.dumps(dict(connection.execute(made).fetchall())))
"""

# the indexes on standard input, by name; with "drop" they go, with "make" those that are not there come back
CHANGE_SCRIPT = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
for name, statement in json.load(sys.stdin).items():
    if sys.argv[2] == "drop" and name in there:
        connection.execute('DROP INDEX "' + name.replace('"', '""') + '"')
    if sys.argv[2] == "make" and name not in there:
        connection.execute(statement)
connection.execute("COMMIT")
"""


@kind("sqlite-index")
class SqliteIndex(Fault, frozen=True):
    """`kept`: the file on this machine with the statements that made the indexes."""

    file: DatabaseFile
    kept: str

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> SqliteIndex:
        return cls(site.database_file, str(site.beside("indexes")))

    def inject(self, cluster: Cluster) -> Injected:
        found = self._there(cluster)
        if not found:
            raise FaultError(f"{self.file.path}: nobody made an index in it; nothing was broken")
        write_durably(Path(self.kept), json.dumps(found).encode())
        before = now()
        self._change(cluster, "drop", found)
        return Injected(before, {"indexes": list(found)})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        there = self._there(cluster)
        return Sight(not there, f"indexes: {', '.join(there) or 'none'}")

    def undo(self, cluster: Cluster) -> str:
        kept = Path(self.kept)
        if not kept.exists():
            return "no index was dropped: nothing was left to undo"
        missing = msgspec.json.decode(kept.read_bytes(), type=dict[str, str])
        missing = {name: made for name, made in missing.items() if name not in self._there(cluster)}
        if not missing:
            return "all indexes are there: nothing was left to undo"
        self._change(cluster, "make", missing)
        return f"made {', '.join(missing)} again"

    def _there(self, cluster: Cluster) -> dict[str, str]:
        with self.file.reached(cluster) as (pod, container):
            said = cluster.exec(pod, container, ["python", "-c", FIND_SCRIPT, self.file.path])
        return msgspec.json.decode(said, type=dict[str, str])

    def _change(self, cluster: Cluster, how: str, indexes: dict[str, str]) -> None:
        with self.file.reached(cluster) as (pod, container):
            command = ["python", "-c", CHANGE_SCRIPT, self.file.path, how]
            cluster.exec(pod, container, command, stdin=json.dumps(indexes).encode())
