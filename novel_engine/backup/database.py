"""A consistent copy of the live database. Flows in: its file. Flows out: one file without a log of its own.

SQLite's backup API reads under its locks, write-ahead log included. It begins anew at each write between two
steps, and would never end under load; so all is read in one step, which holds up no writer of a database with
a write-ahead log.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

from novel_engine.backup.store import BackupError, Contents

BUSY_SECONDS = 30.0
ALL_PAGES = -1


def write(database: Path, partial: Path) -> Contents:
    """Copy `database` to `partial`; the rows in the copy, which are no fewer than the database had before."""
    try:
        source = sqlite3.connect(f"file:{database}?mode=rw", timeout=BUSY_SECONDS, uri=True)
        try:
            before = _rows(source)
            copy = sqlite3.connect(partial, isolation_level=None)
            try:
                source.backup(copy, pages=ALL_PAGES)
                # One file without a write-ahead log of its own: it can be checked and copied by itself.
                copy.execute("PRAGMA journal_mode=DELETE")
                after = _rows(copy)
            finally:
                copy.close()
        finally:
            source.close()
    except sqlite3.Error as error:
        raise BackupError(f"no backup of {database}: {type(error).__name__}: {error}") from error
    if lacking := lacking_rows(before, after):
        raise BackupError(f"the copy of {database} lacks rows: {lacking}")
    return {"rows": after}


def lacking_rows(before: dict[str, int], after: dict[str, int]) -> str:
    """The tables with fewer rows after than before, and how many of how many are there; empty where none is.

    >>> lacking_rows({"campaigns": 3, "characters": 8}, {"campaigns": 2, "characters": 9})
    'campaigns: 2 of 3'
    """
    return ", ".join(
        f"{table}: {after.get(table, 0)} of {rows}"
        for table, rows in before.items()
        if after.get(table, -1) < rows
    )


def inspect(path: Path) -> Contents:
    """The rows of each table of a sound database that campaigns can be read from."""
    # A copy of it, since backups may lie where nobody can write, and through a read-only connection SQLite
    # 3.40 says ok to rows that break a constraint.
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "database"
        shutil.copyfile(path, copied)
        try:
            connection = sqlite3.connect(copied)
            try:
                found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
                if found != ["ok"]:
                    raise BackupError(
                        f"integrity_check should say ok, it says: {found[0]} ({len(found)} lines)"
                    )
                connection.execute("SELECT * FROM campaigns LIMIT 1").fetchone()
                return {"rows": _rows(connection)}
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise BackupError(f"{type(error).__name__}: {error}") from error


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    names = [row[0] for row in connection.execute(tables).fetchall()]
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
