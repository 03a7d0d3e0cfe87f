"""What a SQLite database says of itself: in a container, or in a file on this machine."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from drill.cluster.access import Cluster

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


class Integrity(msgspec.Struct, frozen=True):
    """What the database says of itself. `integrity`: "ok", or what is wrong; `tables`: its tables, sorted by
    name."""

    integrity: str
    tables: list[str]

    @property
    def sound(self) -> bool:
        """True when SQLite finds nothing wrong and there are tables at all."""
        return self.integrity == "ok" and bool(self.tables)


def integrity_in(cluster: Cluster, pod: str, container: str, path: str) -> Integrity:
    """Let the database at `path` check itself from inside this container."""
    said: Any = json.loads(
        cluster.exec(pod, container, ["python", "-c", INTEGRITY_SCRIPT, path], seconds=ASK_SECONDS)
    )
    return msgspec.convert(said, Integrity)


def integrity_of(copy: Path) -> Integrity:
    """Whether a file on this machine is a sound database."""
    try:
        connection = sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            tables = sorted(
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            )
            checked = "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check(3)"))
            return Integrity(checked, tables)
        finally:
            connection.close()
    except sqlite3.Error as error:
        return Integrity(f"{type(error).__name__}: {error}", [])
