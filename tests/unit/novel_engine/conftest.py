"""A database as the service prepares it, and a folder for backups."""

from __future__ import annotations

from pathlib import Path

import pytest

from novel_engine.app import database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The database file, alone in the data folder."""
    path = tmp_path / "data" / "novel-engine.db"
    path.parent.mkdir()
    database.prepare(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"
