"""Campaigns and characters in SQLite. Flows in: queries. Flows out: dictionaries, or sqlite3.Error as it was
raised.

Every visit opens a connection of its own: no page cache outlives a request, so users see the file as it is on
disk. Every query is bounded by an index and a limit: none slows down as the table grows.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from novel_engine.app.metrics import DATABASE_CONNECTIONS, DATABASE_SECONDS, LOCK_WAIT_SECONDS

BUSY_SECONDS = 5.0
SCHEMA_VERSION = 1
PREPARE_ATTEMPTS = 25
PREPARE_PAUSE_SECONDS = 0.2
STARTER_CAMPAIGNS = 240

SCHEMA = (
    """CREATE TABLE campaigns (
        number INTEGER PRIMARY KEY,
        campaign_id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        participants TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at TEXT NOT NULL
    )""",
    "CREATE INDEX campaigns_by_created_at ON campaigns (created_at)",
    """CREATE TABLE characters (
        character_id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        biography TEXT NOT NULL
    )""",
)
CHARACTERS = (
    ("aria", "Aria", "navigator", "Aria charts the drowned stars and trusts no map that she has not drawn."),
    ("bram", "Bram", "smith", "Bram mends what others abandon, engines and promises alike."),
    ("cass", "Cass", "archivist", "Cass keeps the last library of the outer ring, and most of its secrets."),
    ("dara", "Dara", "envoy", "Dara has ended two wars with a dinner and started one with a toast."),
    ("edda", "Edda", "singer", "Edda's songs are remembered long after the cities in them."),
    ("finn", "Finn", "scout", "Finn walks ahead, comes back late, and is seldom wrong."),
    ("greta", "Greta", "physician", "Greta heals first and asks for names afterwards."),
    ("hale", "Hale", "warden", "Hale guards a gate that nobody has asked to pass in forty years."),
)
COLUMNS = "campaign_id, name, description, participants, status, created_at"
CHARACTER_COLUMNS = "character_id, name, role, biography"
Campaign = dict[str, Any]
Character = dict[str, str]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


@contextmanager
def visit(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one visit, timed from open to close. sqlite3.OperationalError where there is no
    file.
    """
    started = time.perf_counter()
    try:
        connection = sqlite3.connect(
            f"file:{path}?mode=rw", timeout=BUSY_SECONDS, isolation_level=None, uri=True
        )
        DATABASE_CONNECTIONS.inc()
        try:
            yield connection
        finally:
            connection.close()
            DATABASE_CONNECTIONS.dec()
    finally:
        DATABASE_SECONDS.observe(time.perf_counter() - started)


def prepare(path: Path) -> None:
    """Make the file, its tables and its starter library where they are missing; WAL mode on.

    Several processes may do so at once. sqlite3.DatabaseError where the file is damaged,
    sqlite3.OperationalError where it stays locked for five seconds.
    """
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < SCHEMA_VERSION:
            for statement in SCHEMA:
                connection.execute(statement)
            connection.executemany("INSERT INTO characters VALUES (?, ?, ?, ?)", CHARACTERS)
            connection.executemany(
                f"INSERT INTO campaigns ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", _starter_campaigns()
            )
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    finally:
        connection.close()


def _write_ahead(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for locks when it changes the journal mode: pods that start together must take
    # turns here.
    for attempt in range(PREPARE_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == PREPARE_ATTEMPTS - 1:
                raise
            time.sleep(PREPARE_PAUSE_SECONDS)
        else:
            return


def _starter_campaigns() -> Iterator[tuple[str, ...]]:
    identifiers = [character[0] for character in CHARACTERS]
    places = (
        "the glass harbour",
        "a library under snow",
        "the last light",
        "an orchard of clocks",
        "the quiet moon",
    )
    for number in range(STARTER_CAMPAIGNS):
        first, second = identifiers[number % 8], identifiers[(number // 8 + number + 1) % 8]
        place = places[number % len(places)]
        opening = f"{first.title()} and {second.title()} set out from {place}. "
        yield (
            f"starter-{number:04d}",
            f"Starter campaign {number}",
            opening * (1200 // len(opening)),
            json.dumps([first, second]),
            "ready",
            f"2024-08-18T{number // 60:02d}:{number % 60:02d}:00.000000+00:00",
        )


def check(path: Path) -> None:
    """Read the newest, the oldest and one campaign in between, whole rows. sqlite3.Error where that cannot be
    done.
    """
    with visit(path) as connection:
        newest = connection.execute("SELECT * FROM campaigns ORDER BY created_at DESC LIMIT 1").fetchone()
        connection.execute("SELECT * FROM campaigns ORDER BY created_at LIMIT 1").fetchone()
        if newest is not None:
            between = random.randint(1, newest[0])
            query = "SELECT * FROM campaigns WHERE number >= ? ORDER BY number LIMIT 1"
            connection.execute(query, (between,)).fetchone()


def add_campaign(path: Path, name: str, description: str, participants: list[str]) -> Campaign:
    """Store a campaign. Returns only once it is on disk: write-ahead log synced at the commit."""
    campaign_id, created_at = uuid4().hex, now()
    with visit(path) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        with LOCK_WAIT_SECONDS.time():
            connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            f"INSERT INTO campaigns ({COLUMNS}) VALUES (?, ?, ?, ?, 'active', ?)",
            (campaign_id, name, description, json.dumps(participants), created_at),
        )
        connection.execute("COMMIT")
    return {"campaign_id": campaign_id, "name": name, "status": "active", "created_at": created_at}


def campaigns(path: Path, limit: int) -> list[Campaign]:
    """The newest `limit` campaigns, newest first."""
    with visit(path) as connection:
        query = f"SELECT {COLUMNS} FROM campaigns ORDER BY created_at DESC LIMIT ?"
        rows = connection.execute(query, (limit,)).fetchall()
    return [_campaign(row) for row in rows]


def campaign(path: Path, campaign_id: str) -> Campaign | None:
    with visit(path) as connection:
        row = connection.execute(
            f"SELECT {COLUMNS} FROM campaigns WHERE campaign_id = ?", (campaign_id,)
        ).fetchone()
    return None if row is None else _campaign(row)


def _campaign(row: tuple[str, ...]) -> Campaign:
    campaign_id, name, description, participants, status, created_at = row
    return {
        "campaign_id": campaign_id,
        "name": name,
        "description": description,
        "participants": json.loads(participants),
        "status": status,
        "created_at": created_at,
    }


def characters(path: Path) -> list[Character]:
    with visit(path) as connection:
        query = f"SELECT {CHARACTER_COLUMNS} FROM characters ORDER BY character_id LIMIT 100"
        return [_character(row) for row in connection.execute(query).fetchall()]


def characters_by_id(path: Path, character_ids: Iterable[str]) -> dict[str, Character]:
    """Those of the characters that exist, by id."""
    wanted = list(character_ids)
    marks = ", ".join("?" * len(wanted))
    with visit(path) as connection:
        query = f"SELECT {CHARACTER_COLUMNS} FROM characters WHERE character_id IN ({marks})"
        rows = connection.execute(query, wanted).fetchall()
    return {row[0]: _character(row) for row in rows}


def _character(row: tuple[str, ...]) -> Character:
    return dict(zip(CHARACTER_COLUMNS.split(", "), row, strict=True))
