"""Reading files that people write. Whatever is wrong with one, the error names it: file, line, value, what would be
right; nothing else is raised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from drill.errors import InputError, UsageError

MOST_BYTES = 4 << 20
"""A file that people write is smaller; a larger one is a mistake, and would take long to refuse."""
DEEPEST = 50
"""No mapping or list lies deeper within others than this."""
LONGEST_NUMBER = 40
"""Digits: what is longer is not a number that anybody meant."""

Path_ = tuple[int | str, ...]


def read_text(path: Path, what: str) -> str:
    """The text of a file. `what` it is, in words, for the error: "a runbook". Raises UsageError where there is no such
    file, InputError where it is not UTF-8 text."""
    try:
        if path.is_dir():
            raise UsageError(f"{path}: a folder, and not {what}: name the file")
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file; it should be {what}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); it should be {what}") from error
    if data is None:
        raise InputError(path, None, f"more than {MOST_BYTES >> 20} MiB", f"{what} that somebody wrote")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(path, line, data[error.start : error.end], f"UTF-8 text ({error.reason})") from error


class Document(NamedTuple):
    """YAML as data. `line_of`: the line of the value at a path of keys and indexes, or of the nearest thing around
    it."""

    data: Any
    line_of: Callable[[Path_], int]
