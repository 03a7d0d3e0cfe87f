"""Where backups lie. Flows in: a file's maker, or a file to be judged. Flows out: FOLDER/DATE/FILE with its
manifest, whole or not; or a refusal.

The manifest is written last, from what was read back out of the finished file: a backup without one, or with
one that it does not match, is not a backup. A file that fails a check never gets the name.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DAYS_KEPT = 14
FUTURE_SECONDS = 300
"""How far ahead of this machine's clock the one of the maker may have been."""

Contents = dict[str, Any]


class BackupError(Exception):
    """No backup was made. Says what was expected and what was found; earlier backups are untouched."""


class RefusedError(Exception):
    """A backup that must not be restored: missing, incomplete, damaged or stale, and why."""


@dataclass(frozen=True)
class Kind:
    """One kind of backup. `pattern` is the file's name, for strftime; `inspect` reads a whole file and tells
    what is in it, or raises BackupError.
    """

    name: str
    pattern: str
    at_most_hours: float
    inspect: Callable[[Path], Contents]

    def file_in(self, folder: Path, now: datetime) -> Path:
        return folder / now.strftime("%Y-%m-%d") / now.strftime(self.pattern)

    def newest_in(self, folder: Path) -> Path | None:
        """The last by the name of its day."""
        found = sorted(folder.glob(f"????-??-??/{re.sub('(%[a-zA-Z])+', '*', self.pattern)}"))
        return found[-1] if found else None


def manifest_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.manifest.json")


def keep(kind: Kind, write: Callable[[Path], Contents], folder: Path, now: datetime) -> Path:
    """Have `write` make the file and say what must be in it; keep it only if that is in it. BackupError:
    nothing was kept.
    """
    target = kind.file_in(folder, now)
    # in a container every process is 1, so the host's name tells two backups apart that are made at once
    partial = target.with_name(f"{target.name}.partial-{socket.gethostname()}-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        expected = write(partial)
        found = kind.inspect(partial)
        if found != expected:
            raise BackupError(f"{target.name}: expected {_short(expected)}, the file holds {_short(found)}")
        described = {
            "kind": kind.name,
            "file": target.name,
            "made_at": now.isoformat(timespec="seconds"),
            "bytes": partial.stat().st_size,
            "sha256": sha256(partial),
            "contents": found,
        }
        _to_disk(partial)
        partial.replace(target)
        partial.write_text(json.dumps(described, indent=1) + "\n")
        _to_disk(partial)
        partial.replace(manifest_of(target))
        _to_disk(target.parent)
    except OSError as error:
        raise BackupError(f"no {kind.name} backup: {type(error).__name__}: {error}") from error
    finally:
        for leftover in target.parent.glob(f"{partial.name}*"):
            leftover.unlink(missing_ok=True)
    return target


def verify(kind: Kind, path: Path, now: datetime, at_most_hours: float) -> dict[str, Any]:
    """The manifest of the backup at `path`, once the file was found to be whole, sound and young enough.
    RefusedError otherwise.
    """
    if not path.is_file():
        raise RefusedError("missing: there is no such file")
    described = _manifest(kind, path)
    size = path.stat().st_size
    if size != described["bytes"]:
        raise RefusedError(f"damaged: {described['bytes']} bytes were written, it has {size}")
    if (digest := sha256(path)) != described["sha256"]:
        raise RefusedError(f"damaged: its SHA-256 was {described['sha256'][:16]}..., it is {digest[:16]}...")
    try:
        found = kind.inspect(path)
    except BackupError as error:
        raise RefusedError(f"damaged: {error}") from error
    if found != described["contents"]:
        raise RefusedError(
            f"incomplete: {_short(described['contents'])} were written, it holds {_short(found)}"
        )
    _young_enough(path, datetime.fromisoformat(described["made_at"]), now, at_most_hours)
    return described


def _manifest(kind: Kind, path: Path) -> dict[str, Any]:
    try:
        described = json.loads(manifest_of(path).read_text())
        facts = [described[key] for key in ("kind", "made_at", "bytes", "sha256", "contents")]
        datetime.fromisoformat(described["made_at"]).astimezone(UTC)
    except FileNotFoundError as error:
        raise RefusedError(
            f"incomplete: its manifest {manifest_of(path).name} is missing: it was never finished"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError(f"damaged: its manifest cannot be read: {error!r}") from error
    if facts[0] != kind.name:
        raise RefusedError(f"damaged: expected a {kind.name} backup, its manifest says {facts[0]!r}")
    return dict(described)


def _young_enough(path: Path, made_at: datetime, now: datetime, at_most_hours: float) -> None:
    ages = [now.timestamp() - moment for moment in (made_at.timestamp(), path.stat().st_mtime)]
    if max(ages) > at_most_hours * 3600:
        raise RefusedError(f"stale: {max(ages) / 3600:.1f} hours old, at most {at_most_hours:g} are allowed")
    if min(ages) < -FUTURE_SECONDS:
        raise RefusedError(f"stale: it was made {-min(ages) / 3600:.1f} hours from now: a clock is wrong")


def prune(folder: Path, days: int) -> list[Path]:
    """Remove all but the newest `days` dated folders; returns those removed. Other names are left alone."""
    dated = sorted(path for path in folder.iterdir() if re.fullmatch(r"\d{4}-\d{2}-\d{2}", path.name))
    surplus = dated[:-days]
    for path in surplus:
        # Two jobs may prune at once: gone already is gone.
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)
    return surplus


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(contents: Contents) -> str:
    text = json.dumps(contents)
    return text if len(text) <= 300 else f"{text[:300]}..."


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
