"""Campaigns written out as text, in files beside the database. Flows in: a campaign. Flows out: its
manuscript, whole or not.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from uuid import uuid4

from novel_engine.app import database

STARTERS = 8
IDENTIFIER = re.compile(r"[A-Za-z0-9-]{1,64}")


def prepare(folder: Path, database_path: Path) -> None:
    """Write those of the first starter campaigns where there is no folder yet. Several processes may do so at
    once. OSError, sqlite3.Error.
    """
    if folder.exists():
        return
    for number in range(STARTERS):
        found = database.campaign(database_path, f"starter-{number:04d}")
        if found is not None:
            write(folder, found)


def write(folder: Path, campaign: database.Campaign) -> None:
    """Returns only once it is on disk. OSError where it cannot be kept."""
    folder.mkdir(exist_ok=True)
    partial = folder / f".{uuid4().hex}"
    cast = ", ".join(campaign["participants"])
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(f"# {campaign['name']}\n\nWith {cast}.\n\n{campaign['description']}\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / f"{campaign['campaign_id']}.md")
    finally:
        partial.unlink(missing_ok=True)


def read(folder: Path, campaign_id: str) -> bytes | None:
    """The manuscript, None where there is none. OSError where it cannot be read."""
    if not IDENTIFIER.fullmatch(campaign_id):
        return None
    try:
        return (folder / f"{campaign_id}.md").read_bytes()
    except FileNotFoundError:
        return None
