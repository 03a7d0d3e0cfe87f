"""Backups of the service's database: consistent while it is written to, never a bad one under the good one's
name.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from novel_engine.app import backup, database

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "novel-engine.db"
    database.prepare(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


def names(path: Path) -> set[str]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = {row[0] for row in connection.execute("SELECT name FROM campaigns")}
    connection.close()
    return found


def test_backup_holds_what_is_still_in_the_write_ahead_log(path, folder):
    reader = sqlite3.connect(path)  # keeps the write-ahead log from being folded into the file
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM campaigns LIMIT 1").fetchone()
    database.add_campaign(path, "only in the log", "", ["aria"])
    assert b"only in the log" not in path.read_bytes()
    made = backup.make(path, folder, "2026-01-02")
    reader.close()
    assert made == folder / "2026-01-02" / "novel-engine-backup.db"
    assert "only in the log" in names(made)
    assert [leftover.name for leftover in made.parent.iterdir()] == [made.name]


def test_backup_is_one_file_that_can_be_checked_read_only(path, folder):
    made = backup.make(path, folder, "2026-01-02")
    connection = sqlite3.connect(f"file:{made}?mode=ro", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_a_restored_backup_serves_in_wal_mode_again(path, folder):
    made = backup.make(path, folder, "2026-01-02")
    restored = folder / "restored.db"
    restored.write_bytes(made.read_bytes())
    database.prepare(restored)
    assert database.add_campaign(restored, "after", "", ["aria"])["name"] == "after"
    connection = sqlite3.connect(restored)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def overwrite_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xa5" * 4096 * 8)


def break_a_constraint(path: Path) -> None:
    """Every page stays readable; only integrity_check's text, not an error of SQLite, tells."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, 'status TEXT NOT NULL', 'status TEXT CHECK (0)')"
    )
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (overwrite_pages, "malformed|integrity_check should say ok"),
        (break_a_constraint, "integrity_check should say ok"),
    ],
)
def test_damaged_database_gives_no_backup_and_leaves_the_earlier_one(path, folder, damage, told):
    earlier = backup.make(path, folder, "2026-01-02")
    good = earlier.read_bytes()
    damage(path)
    with pytest.raises(backup.BackupError, match=told):
        backup.make(path, folder, "2026-01-02")
    assert earlier.read_bytes() == good
    assert [leftover.name for leftover in earlier.parent.iterdir()] == [earlier.name]


def test_database_without_campaigns_is_not_backed_up(tmp_path, folder):
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).execute("CREATE TABLE other (x)").connection.close()
    with pytest.raises(backup.BackupError, match="no such table: campaigns"):
        backup.make(empty, folder, "2026-01-02")


@pytest.mark.parametrize(("good", "status"), [(True, 0), (False, 1)])
def test_command_ends_with_a_status_that_tells(path, folder, good, status):
    if not good:
        path.write_bytes(b"not a database" * 1000)
    command = [sys.executable, "-m", "novel_engine.app.backup", str(path), str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == status, ended.stderr
    assert len(list(folder.glob("*/novel-engine-backup.db"))) == 1 - status
    assert ("error" in ended.stderr) is not good
    assert "Traceback" not in ended.stderr


def test_only_the_newest_days_are_kept(folder):
    for day in range(1, 6):
        (folder / f"2026-01-{day:02d}").mkdir()
    (folder / "by-hand").mkdir()
    removed = backup.prune(folder, 3)
    assert [path.name for path in removed] == ["2026-01-01", "2026-01-02"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "2026-01-03",
        "2026-01-04",
        "2026-01-05",
        "by-hand",
    ]
    assert backup.prune(folder, 3) == []
