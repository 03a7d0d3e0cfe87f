"""Files that must survive a kill and a power cut. Flows in: a path and its whole content. Flows out: that
content, on disk.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that it is whole on disk, content and name, when this returns; a reader sees the old
    one or the new one. Only its owner may read it.

    Raises OSError that names the file, and then leaves what was there before.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "wb", opener=_owners_alone) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        error.filename = str(path)  # a disk that is full names no file
        raise
    sync_folder(path.parent)


def _owners_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
