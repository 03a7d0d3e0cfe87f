"""Requests: one record per request of the load. Flows in: JSON lines from the load's process. Flows out:
columns for the judge.

A request counts from the moment it was planned (design decision 7), so `latency` is finished - planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from drill.errors import InputError

REQUESTS = "requests.jsonl"
"""The file in a drill's folder."""
CHUNK_BYTES = 4 << 20
NOT_SENT = "not sent: "
"""How the error of a request begins that the load could not send, or not in time: no failure of the
target.
"""
LOADS_OWN_ERRORS = (NOT_SENT, "interrupted")
"""How the errors begin that are the load's: it did not send, or broke off what it had sent."""
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
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

    planned, sent, finished, latency: float64 seconds; failed, answered, unsent: bool (answered: an HTTP
    status came, whichever; unsent: the load itself did not let it run its course, which says nothing of the
    target); name: int32 index into `names`. `unreadable`: the lines of the stream that are no requests, each
    by file and line.
    """

    def __init__(
        self,
        planned: NDArray[np.float64],
        finished: NDArray[np.float64],
        failed: NDArray[np.bool_],
        name: NDArray[np.int32],
        names: list[str],
        *,
        sent: NDArray[np.float64] | None = None,
        answered: NDArray[np.bool_] | None = None,
        unsent: NDArray[np.bool_] | None = None,
        unreadable: list[str] | None = None,
    ) -> None:
        """Rows in any order. Unless given, each was `sent` when planned, `answered` where it did not fail,
        and never `unsent`."""
        self.planned, self.finished, self.failed, self.name, self.names = (
            planned,
            finished,
            failed,
            name,
            names,
        )
        self.sent = planned if sent is None else sent
        self.answered = ~failed if answered is None else answered
        self.unsent = np.zeros(len(planned), np.bool_) if unsent is None else unsent
        self.unreadable = unreadable or []
        if bool((planned[1:] < planned[:-1]).any()):
            self._take(self, np.argsort(planned, kind="stable"))

    @property
    def latency(self) -> NDArray[np.float64]:
        """Seconds from planned to finished."""
        return self.finished - self.planned

    def __len__(self) -> int:
        return len(self.planned)

    def between(self, start: float, end: float) -> Requests:
        """Those planned in [start, end), monotonic seconds."""
        low, high = np.searchsorted(self.planned, [start, end])
        return self.where(slice(int(low), int(high)))

    def where(self, rows: NDArray[np.bool_] | slice) -> Requests:
        """The rows that a mask or a slice selects."""
        return Requests(
            self.planned[rows],
            self.finished[rows],
            self.failed[rows],
            self.name[rows],
            self.names,
            sent=self.sent[rows],
            answered=self.answered[rows],
            unsent=self.unsent[rows],
            unreadable=self.unreadable,
        )

    def _take(self, of: Requests, rows: NDArray[np.int64]) -> None:
        self.planned, self.sent, self.finished = of.planned[rows], of.sent[rows], of.finished[rows]
        self.failed, self.answered, self.unsent = of.failed[rows], of.answered[rows], of.unsent[rows]
        self.name = of.name[rows]


def stream_requests(path: Path) -> Iterator[list[Request]]:
    """The records of a stream, a chunk of some megabytes at a time, in the order written. A last line cut off
    by a kill is left out. Raises InputError for any other line that is no request."""
    return _stream(path, Request)


class _Row(msgspec.Struct, frozen=True, gc=False):
    """What the judge reads of a request: the rest is not even decoded."""

    planned: float
    sent: float
    finished: float
    name: str
    status: int = 0
    error: str = ""


def read_requests(path: Path) -> Requests:
    """The whole stream as columns. An absent file is no requests; a line that is no request is left out and
    named in `unreadable`."""
    chunks: list[tuple[NDArray[Any], ...]] = []
    index: dict[str, int] = {}
    unreadable: list[str] = []
    for rows in _stream(path, _Row, unreadable) if path.exists() else ():
        chunks.append(
            (
                np.array([row.planned for row in rows], np.float64),
                np.array([row.sent for row in rows], np.float64),
                np.array([row.finished for row in rows], np.float64),
                np.array([row.error != "" for row in rows], np.bool_),
                np.array([row.status > 0 for row in rows], np.bool_),
                np.array([row.error.startswith(LOADS_OWN_ERRORS) for row in rows], np.bool_),
                np.array([index.setdefault(row.name, len(index)) for row in rows], np.int32),
            )
        )
    kinds = (np.float64, np.float64, np.float64, np.bool_, np.bool_, np.bool_, np.int32)
    planned, sent, finished, failed, answered, unsent, name = (
        np.concatenate([np.empty(0, kind), *(chunk[column] for chunk in chunks)])
        for column, kind in enumerate(kinds)
    )
    return Requests(
        planned,
        finished,
        failed,
        name,
        list(index),
        sent=sent,
        answered=answered,
        unsent=unsent,
        unreadable=unreadable,
    )


def _stream(path: Path, kind: type[Row], unreadable: list[str] | None = None) -> Iterator[list[Row]]:
    """The rows, a chunk at a time. A bad line is entered into `unreadable` where that is given, else an
    InputError.
    """
    decoder = msgspec.json.Decoder(kind)
    rest, lines_before = b"", 0
    with path.open("rb") as file:
        while block := file.read(CHUNK_BYTES):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if not newline:
                continue
            try:
                yield decoder.decode_lines(whole)
            except UNREADABLE as error:
                named = (
                    path if unreadable is None else Path(path.name)
                )  # a verdict must not depend on where it lies
                rows, bad = _line_by_line(named, whole, lines_before, decoder)
                if unreadable is None:
                    raise bad[0] from error
                unreadable += [str(each) for each in bad]
                yield rows
            lines_before += whole.count(b"\n") + 1


def _line_by_line(
    path: Path, block: bytes, lines_before: int, decoder: msgspec.json.Decoder[Row]
) -> tuple[list[Row], list[InputError]]:
    """The good rows of a block, and the errors that name its bad lines."""
    rows, bad = [], []
    for number, line in enumerate(block.split(b"\n"), start=lines_before + 1):
        try:
            rows.append(decoder.decode(line))
        except UNREADABLE as error:
            shown = line[:80].decode(errors="replace")
            bad.append(InputError(path, number, shown, f"a request as JSON ({error})"))
    return rows, bad
