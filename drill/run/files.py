"""Files of a run's folder. What cannot be written is one SetupError that names the file: a full disk is never
the target's failure."""

from __future__ import annotations

import os
from pathlib import Path

from drill.errors import SetupError, UsageError

LATEST = "latest"


def write_file(path: Path, content: bytes) -> None:
    """All or nothing: who reads it meanwhile sees the one before. Raises SetupError."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        _discard(part)
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> SetupError:
    """The one error for what could not be written."""
    return SetupError(
        f"{path}: could not be written ({error.strerror or error}). Make room or leave to write there; "
        "what was recorded before stays as it is"
    )


def point_latest(run_folder: Path) -> Path:
    """Make `latest`, beside the run's folder, lead to it, in one step: a reader finds the old run or the new
    one, never none. Raises UsageError where something that is not a link is called so, SetupError where it
    cannot be made."""
    link = run_folder.parent / LATEST
    if link.exists() and not link.is_symlink():
        raise UsageError(
            f"{link}: expected a link to the last run, found a file or folder of that name. Move it away"
        )
    fresh = run_folder.parent / f".{LATEST}.{os.getpid()}"
    try:
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(run_folder.name, target_is_directory=True)
        fresh.replace(link)
    except OSError as error:
        _discard(fresh)
        raise unwritable(link, error) from error
    return link


def _discard(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return  # the folder cannot be written at all: the error that is raised says so
