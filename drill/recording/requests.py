"""Requests: one record per request of the load. Flows in: JSON lines from the load's process. Flows out:
columns for the judge.

A request counts from the moment it was planned (design decision 7), so `latency` is finished - planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from drill.errors import InputError

CHUNK_BYTES = 4 << 20
NOT_SENT = "not sent: "
"""How the error of a request begins that the load could not send, or not in time: no failure of the target."""
Row = TypeVar("Row", bound=msgspec.Struct)


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request. planned, sent, finished: monotonic seconds; name: as in drill.toml; status: HTTP status, 0
    when none came; error: why it failed, empty when it did not; write: the id given to a write; acknowledged:
    the write was confirmed; read_back: path that returns it; contains: what the answer there must hold."""

    planned: float
    sent: float
    finished: float
    name: str
    status: int = 0
    error: str = ""
    write: str = ""
    acknowledged: bool = False
    read_back: str = ""
    contains: str = ""


class Requests:
    """Requests as columns, in order of their planned time. All arrays have shape (n,).

    planned, finished, latency: float64 seconds; failed, answered: bool (answered: an HTTP status came,
    whichever); name: int32 index into `names`.
    """

    def __init__(
        self,
        planned: NDArray[np.float64],
        finished: NDArray[np.float64],
        failed: NDArray[np.bool_],
        name: NDArray[np.int32],
        names: list[str],
        *,
        answered: NDArray[np.bool_] | None = None,
    ) -> None:
        """Rows in any order. `answered`, unless given, is where a request did not fail."""
        answered = ~failed if answered is None else answered
        if bool((planned[1:] < planned[:-1]).any()):
            order = np.argsort(planned, kind="stable")
            planned, finished, failed = planned[order], finished[order], failed[order]
            answered, name = answered[order], name[order]
        self.planned, self.finished, self.failed, self.answered, self.name = (
            planned,
            finished,
            failed,
            answered,
            name,
        )
        self.names = names

    @property
    def latency(self) -> NDArray[np.float64]:
        """Seconds from planned to finished."""
        return self.finished - self.planned

    def __len__(self) -> int:
        return len(self.planned)

    def between(self, start: float, end: float) -> Requests:
        """Those planned in [start, end), monotonic seconds."""
        low, high = np.searchsorted(self.planned, [start, end])
        return Requests(
            self.planned[low:high],
            self.finished[low:high],
            self.failed[low:high],
            self.name[low:high],
            self.names,
            answered=self.answered[low:high],
        )


def stream_requests(path: Path) -> Iterator[list[Request]]:
    """The records of a stream, a chunk of some megabytes at a time, in the order written. A last line cut off
    by a kill is left out. Raises InputError for any other line that is no request."""
    return _stream(path, Request)


class _Row(msgspec.Struct, frozen=True, gc=False):
    """What the judge reads of a request: the rest is not even decoded."""

    planned: float
    finished: float
    name: str
    status: int = 0
    error: str = ""


def read_requests(path: Path) -> Requests:
    """The whole stream as columns. An absent file is no requests. Raises InputError for a line that is no
    request.
    """
    planned: list[NDArray[np.float64]] = []
    finished: list[NDArray[np.float64]] = []
    failed: list[NDArray[np.bool_]] = []
    answered: list[NDArray[np.bool_]] = []
    name: list[NDArray[np.int32]] = []
    index: dict[str, int] = {}
    for chunk in _stream(path, _Row) if path.exists() else ():
        planned.append(np.array([row.planned for row in chunk], np.float64))
        finished.append(np.array([row.finished for row in chunk], np.float64))
        failed.append(np.array([row.error != "" for row in chunk], np.bool_))
        answered.append(np.array([row.status for row in chunk], np.int32) > 0)
        name.append(np.array([index.setdefault(row.name, len(index)) for row in chunk], np.int32))
    return Requests(
        np.concatenate([np.empty(0), *planned]),
        np.concatenate([np.empty(0), *finished]),
        np.concatenate([np.empty(0, np.bool_), *failed]),
        np.concatenate([np.empty(0, np.int32), *name]),
        list(index),
        answered=np.concatenate([np.empty(0, np.bool_), *answered]),
    )


def _stream(path: Path, kind: type[Row]) -> Iterator[list[Row]]:
    decoder = msgspec.json.Decoder(kind)
    rest, lines_before = b"", 0
    with path.open("rb") as file:
        while block := file.read(CHUNK_BYTES):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if not newline:
                continue
            try:
                chunk = decoder.decode_lines(whole)
            except msgspec.DecodeError as error:
                raise _bad_line(path, whole, lines_before, decoder) from error
            yield chunk
            lines_before += whole.count(b"\n") + 1


def _bad_line(path: Path, block: bytes, lines_before: int, decoder: msgspec.json.Decoder[Row]) -> InputError:
    """The error that names the first bad line of the block."""
    for number, line in enumerate(block.split(b"\n"), start=lines_before + 1):
        try:
            decoder.decode(line)
        except msgspec.DecodeError as error:
            return InputError(
                path, number, line[:80].decode(errors="replace"), f"a request as JSON ({error})"
            )
    return InputError(
        path, lines_before + 1, block[:80].decode(errors="replace"), "one request as JSON on each line"
    )
