"""A consistent backup of the live database. Flows in: its file. Flows out: DATE/novel-engine-backup.db, whole
or not.

python -m novel_engine.app.backup DATABASE FOLDER; where no good backup was made: status 1 and one line that
says why. SQLite's backup API reads under its locks, write-ahead log included. A copy that fails its integrity
check never gets the name.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

FILE_NAME = "novel-engine-backup.db"
DAYS_KEPT = 14
BUSY_SECONDS = 30.0
PAGES_PER_STEP = 2000


class BackupError(Exception):
    """No backup was made. Says what was expected and what was found; earlier backups are untouched."""


def make(database: Path, folder: Path, day: str) -> Path:
    """Back `database` up to `folder`/`day`/novel-engine-backup.db, the path returned. BackupError: no good
    copy.
    """
    target = folder / day / FILE_NAME
    partial = target.with_suffix(f".partial-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(database, partial)
        _verify(partial)
        _to_disk(partial)
        partial.replace(target)
        _to_disk(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"no backup of {database}: {type(error).__name__}: {error}") from error
    finally:
        for leftover in target.parent.glob(f"{partial.name}*"):
            leftover.unlink(missing_ok=True)
    return target


def _copy(database: Path, partial: Path) -> None:
    source = sqlite3.connect(f"file:{database}?mode=rw", timeout=BUSY_SECONDS, uri=True)
    try:
        copy = sqlite3.connect(partial, isolation_level=None)
        try:
            source.backup(copy, pages=PAGES_PER_STEP)
            # One file without a write-ahead log of its own: it can be checked and copied by itself.
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
    finally:
        source.close()


def _verify(partial: Path) -> None:
    # Not mode=ro: through a read-only connection SQLite 3.40 says ok to rows that break a constraint.
    copy = sqlite3.connect(partial)
    try:
        found = [str(row[0]) for row in copy.execute("PRAGMA integrity_check")]
        copy.execute("SELECT * FROM campaigns LIMIT 1").fetchone()
    finally:
        copy.close()
    if found != ["ok"]:
        raise BackupError(
            f"the copy's integrity_check should say ok, it says: {found[0]} ({len(found)} lines)"
        )


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prune(folder: Path, days: int) -> list[Path]:
    """Remove all but the newest `days` dated folders; returns those removed. Other names are left alone."""
    dated = sorted(path for path in folder.iterdir() if re.fullmatch(r"\d{4}-\d{2}-\d{2}", path.name))
    surplus = dated[:-days]
    for path in surplus:
        shutil.rmtree(path)
    return surplus


def main() -> int:
    database, folder = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        target = make(database, folder, datetime.now(UTC).strftime("%Y-%m-%d"))
    except BackupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    prune(folder, DAYS_KEPT)
    print(f"backup made: {target} ({target.stat().st_size} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
