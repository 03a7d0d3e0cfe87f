"""Scripts of the runbook that need no cluster, run by the operator with real tools: as first written, and as
corrected.

The folder /backups of the texts is replaced by one of the test's, and `date` tells one day, in UTC, since
midnight may come between the backup and its verification; nothing else is changed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drill.operate import ProcedureResult, World
from drill.runbook import parse

ROOT = Path(__file__).parents[3]
AS_FIRST_WRITTEN = ROOT / "runbook" / "as-first-written.md"
CORRECTED = ROOT / "runbook" / "operations-runbook.md"
DAY = "2024-02-29"
DATE = f"""#!/bin/sh
exec /bin/date --date="{DAY} 12:00" "$@"
"""


def make_backup(folder: Path) -> Path:
    """A database of some pages, where the backup of that day lies."""
    path = folder / DAY / "novel-engine-backup.db"
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE campaigns (id TEXT PRIMARY KEY, name TEXT)")
        database.executemany(
            "INSERT INTO campaigns VALUES (?, ?)", [(f"id-{number}", "name" * 20) for number in range(500)]
        )
    database.close()
    return path


def damage(path: Path) -> None:
    """Alter one key where it stands first, in the table or in its index: the two no longer agree."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b"id-250", b"id-2x0", 1))


def verify(place: Any, runbook: Path, folder: Path) -> ProcedureResult:
    step = parse(runbook).step("Backup Verification")
    moved = replace(step, text=step.text.replace("/backups/", f"{folder}/"))
    tools = place.folder / "tools"
    tools.mkdir()
    (tools / "date").write_text(DATE, encoding="utf-8")
    (tools / "date").chmod(0o755)
    world = World(place.kubeconfig, tools=(tools,), variables={"TZ": "UTC"})
    result: ProcedureResult = place.operator(world).follow("Backup Verification", [moved])
    return result


def printed(result: ProcedureResult) -> str:
    return "".join(command.output for command in result.commands)


def test_as_first_written_a_damaged_backup_is_called_verified(place: Any, tmp_path: Path) -> None:
    damage(make_backup(tmp_path / "backups"))
    result = verify(place, AS_FIRST_WRITTEN, tmp_path / "backups")
    check = next(command for command in result.commands if command.line == 252)
    assert check.status == 0
    assert check.output.strip() != "ok"
    assert "Backup verified" in printed(result)


@pytest.mark.parametrize("runbook", [AS_FIRST_WRITTEN, CORRECTED], ids=["as first written", "corrected"])
def test_a_sound_backup_is_verified(place: Any, tmp_path: Path, runbook: Path) -> None:
    make_backup(tmp_path / "backups")
    assert "Backup verified" in printed(verify(place, runbook, tmp_path / "backups"))


def test_as_corrected_a_damaged_backup_is_found(place: Any, tmp_path: Path) -> None:
    damage(make_backup(tmp_path / "backups"))
    result = verify(place, CORRECTED, tmp_path / "backups")
    assert "❌ Backup corrupted" in printed(result)
    assert result.commands[-1].status == 1


def test_as_corrected_a_missing_backup_is_found(place: Any, tmp_path: Path) -> None:
    result = verify(place, CORRECTED, tmp_path / "backups")
    assert "❌ Backup missing" in printed(result)
    assert result.commands[-1].status == 1


def test_as_corrected_an_old_backup_is_found(place: Any, tmp_path: Path) -> None:
    path = make_backup(tmp_path / "backups")
    long_ago = time.time() - 8 * 3600
    os.utime(path, (long_ago, long_ago))
    result = verify(place, CORRECTED, tmp_path / "backups")
    assert "❌ Backup older than 7 hours" in printed(result)
    assert result.commands[-1].status == 1
