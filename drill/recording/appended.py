"""A file to which another process appends lines: what is new since the last look."""

from __future__ import annotations

from pathlib import Path


class AppendedLines:
    """The lines of the file at `path`, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path, self._read_bytes = path, 0

    def skip(self) -> None:
        """Leave out all that is there now."""
        self._read_bytes = self._path.stat().st_size

    def new(self) -> bytes:
        """The whole lines since the last call, without the last one's end; a line that is not whole yet
        comes with a later call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read_bytes)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return b""
        # half a line is read again: who could not write the rest of it takes it back
        self._read_bytes += len(whole) + len(newline)
        return whole
