"""The command: make a backup, or verify those that are there. Flows out: one line for each, and status 1
where no good backup was made or one is refused.

    python -m novel_engine.backup make KIND [--source PATH] [--folder FOLDER]
    python -m novel_engine.backup verify [KIND] [--file PATH] [--folder FOLDER] [--at-most-hours HOURS]
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from novel_engine.backup import configuration, data, database, infrastructure
from novel_engine.backup.kinds import KINDS
from novel_engine.backup.store import DAYS_KEPT, BackupError, RefusedError, keep, prune, verify

FOLDER = Path("/backups")
SOURCES = {
    "database": Path("/app/data/novel-engine.db"),
    "data": Path("/app/data"),
    "infrastructure": Path("/infrastructure/tfstate"),
}
WRITERS = {"database": database.write, "data": data.write, "infrastructure": infrastructure.write}


def main() -> int:
    parser = argparse.ArgumentParser(prog="novel_engine.backup")
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make")
    make.add_argument("kind", choices=KINDS)
    make.add_argument("--source", type=Path)
    check = commands.add_parser("verify")
    check.add_argument("kind", choices=KINDS, nargs="?")
    check.add_argument("--file", type=Path)
    check.add_argument("--at-most-hours", type=float)
    for each in (make, check):
        each.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args()
    if chosen.command == "make":
        if chosen.kind == "configuration" and chosen.source:
            parser.error("configuration comes from the API server; leave --source out")
        return _make(chosen.kind, chosen.source, chosen.folder)
    if chosen.file and not chosen.kind:
        parser.error("--file needs the kind that it is of")
    names = [chosen.kind] if chosen.kind else list(KINDS)
    return max(_verify(name, chosen.file, chosen.folder, chosen.at_most_hours) for name in names)


def _make(name: str, source: Path | None, folder: Path) -> int:
    try:
        if name == "configuration":
            write = partial(configuration.write, configuration.api_server_of_pod())
        else:
            write = partial(WRITERS[name], source or SOURCES[name])
        target = keep(KINDS[name], write, folder, datetime.now(UTC))
    except BackupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    prune(folder, DAYS_KEPT)
    print(f"backup made: {target} ({target.stat().st_size} bytes)")
    return 0


def _verify(name: str, file: Path | None, folder: Path, at_most_hours: float | None) -> int:
    kind = KINDS[name]
    # Where there is none at all, the one that should be there is missing.
    path = file or kind.newest_in(folder) or kind.file_in(folder, datetime.now(UTC))
    limit = kind.at_most_hours if at_most_hours is None else at_most_hours
    try:
        described = verify(kind, path, datetime.now(UTC), limit)
    except (RefusedError, OSError) as error:
        print(f"refused: {path}: {error}", file=sys.stderr)
        return 1
    print(f"verified: {path}: {name}, made {described['made_at']}, {described['bytes']} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
