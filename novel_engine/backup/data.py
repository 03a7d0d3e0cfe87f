"""The application's data beside and with its database. Flows in: /app/data. Flows out: a tar of the folder
backup-data/, ready to be copied back.

The live database, its logs and what a recovery has set aside stay out; a consistent copy of the database goes
in.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from novel_engine.backup import database
from novel_engine.backup.store import BackupError, Contents

ROOT = "backup-data"
DATABASE = "novel-engine.db"


def write(source: Path, partial: Path) -> Contents:
    """Archive `source`; each file's SHA-256 as it was read there."""
    files: dict[str, str] = {}
    try:
        with tempfile.TemporaryDirectory() as folder, tarfile.open(partial, "w:gz") as archive:
            copied = Path(folder) / DATABASE
            rows = database.write(source / DATABASE, copied)
            for path in [copied, *_files(source)]:
                name = DATABASE if path is copied else path.relative_to(source).as_posix()
                files[name] = _add(archive, path, name)
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"no archive of {source}: {type(error).__name__}: {error}") from error
    return rows | {"files": files}


def _files(source: Path) -> list[Path]:
    return [
        path
        for path in sorted(source.rglob("*"))
        if path.is_file() and not path.is_symlink() and not _left_out(path.relative_to(source))
    ]


def _left_out(path: Path) -> bool:
    return path.parts[0].startswith((DATABASE, "damaged-"))


def _add(archive: tarfile.TarFile, path: Path, name: str) -> str:
    with path.open("rb") as file:
        member = archive.gettarinfo(arcname=f"{ROOT}/{name}", fileobj=file)
        reader = _HashingReader(file)
        archive.addfile(member, reader)
        return reader.digest.hexdigest()


class _HashingReader:
    """Hashes what tarfile reads, so that the digest is of the very bytes that were archived."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


def inspect(path: Path) -> Contents:
    """Each file's SHA-256 as it is in the archive, and the rows of the database in it."""
    files: dict[str, str] = {}
    rows: Contents = {}
    try:
        with tarfile.open(path, "r:gz") as archive, tempfile.TemporaryDirectory() as folder:
            for member in archive:
                name = member.name.removeprefix(f"{ROOT}/")
                file = archive.extractfile(member)
                if file is None or name == member.name:
                    raise BackupError(f"expected files of {ROOT}/ only, found {member.name}")
                copied = Path(folder) / "member"
                with copied.open("wb") as copy:
                    digest = hashlib.sha256()
                    while data := file.read(1 << 20):
                        digest.update(data)
                        copy.write(data)
                files[name] = digest.hexdigest()
                if name == DATABASE:
                    rows = database.inspect(copied)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise BackupError(f"the archive cannot be read: {type(error).__name__}: {error}") from error
    if not rows:
        raise BackupError(f"the archive lacks {ROOT}/{DATABASE}")
    return rows | {"files": files}
