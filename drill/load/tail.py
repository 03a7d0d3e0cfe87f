"""The request stream while it is being written. Flows in: requests.jsonl. Flows out: the live line, the
witness's failed requests, "recovered".

What it says steers the drill; verdicts are the judge's, from the same file afterwards and by the same rule
for "recovered".
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Collection
from pathlib import Path

import msgspec
import numpy as np

from drill.judge.outages import Standard, recovered_since
from drill.recording.requests import LOADS_OWN_ERRORS, Request, Requests

STREAM_LAG_SECONDS = 0.25


class Summary(msgspec.Struct, frozen=True):
    """The last second of finished requests. `p95_seconds` is None when there were none; `error_share`: failed
    / finished, 0 to 1.
    """

    requests_per_second: float
    p95_seconds: float | None
    error_share: float


class RequestTail:
    """Follows the stream at `path`, which need not exist yet. `timeout_seconds`: how long after its planned
    time a request may still be unknown.
    """

    def __init__(self, path: Path, timeout_seconds: float, requests_per_second: float) -> None:
        self.path = path
        self._timeout_seconds = timeout_seconds
        self._requests_per_second = requests_per_second
        self._decoder = msgspec.json.Decoder(Request)
        self._offset = 0
        self._rest = b""
        self._planned: list[float] = []
        self._requests: list[Request] = []

    def poll(self) -> list[Request]:
        """Read what was written since the last call; returns it in the order written."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                block = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(block)
        whole, _, self._rest = (self._rest + block).rpartition(b"\n")
        new: list[Request] = self._decoder.decode_lines(whole)
        self._requests.extend(new)
        self._requests.sort(key=_planned)  # nearly sorted already: linear
        self._planned = [request.planned for request in self._requests]
        return new

    def summary(self, now: float | None = None) -> Summary:
        """The last second before `now` (monotonic seconds; the present, unless given), by the time of
        finishing.
        """
        end = time.monotonic() if now is None else now
        recent = self._requests[bisect_left(self._planned, end - 1 - self._timeout_seconds) :]
        finished = [request for request in recent if end - 1 <= request.finished < end]
        if not finished:
            return Summary(0.0, None, 0.0)
        latencies = [request.finished - request.planned for request in finished]
        return Summary(
            requests_per_second=float(len(finished)),
            p95_seconds=float(np.quantile(latencies, 0.95)),
            error_share=sum(bool(request.error) for request in finished) / len(finished),
        )

    def failed_since(self, monotonic: float, names: Collection[str] | None = None) -> list[Request]:
        """Failed requests planned at or after `monotonic`, in order of planning; only of these `names` when
        given.
        """
        later = self._requests[bisect_left(self._planned, monotonic) :]
        return [request for request in later if request.error and (names is None or request.name in names)]

    def failed_of(self, start: float, end: float) -> tuple[int, int]:
        """How many requests planned in [start, end) have failed, and how many there are, monotonic
        seconds.
        """
        there = self._requests[bisect_left(self._planned, start) : bisect_left(self._planned, end)]
        return sum(bool(request.error) for request in there), len(there)

    def acknowledged_since(self, monotonic: float) -> int:
        """How many writes planned at or after `monotonic` have been acknowledged."""
        return sum(
            request.acknowledged for request in self._requests[bisect_left(self._planned, monotonic) :]
        )

    def recovered_since(
        self, monotonic: float, standard: Standard, *, now: float | None = None
    ) -> float | None:
        """When the service was recovered after a fault injected at `monotonic`, by the judge's own rule; None while
        it is not: the moment from which on requests have been good for a whole hold.

        A request counts once everything planned before it is known, which is a timeout after its moment. Where no
        outage is seen since `monotonic`, the hold may begin at once: ask after the fault was witnessed. Times are
        monotonic seconds, `now` the present unless given.
        """
        known_until = (time.monotonic() if now is None else now) - self._timeout_seconds - STREAM_LAG_SECONDS
        begin = bisect_left(self._planned, monotonic - self._timeout_seconds)
        end = bisect_left(self._planned, known_until)
        return recovered_since(_columns(self._requests[begin:end]), standard, monotonic)


def _columns(requests: list[Request]) -> Requests:
    requests = [request for request in requests if not request.error.startswith(LOADS_OWN_ERRORS)]
    count = len(requests)
    return Requests(
        np.fromiter((request.planned for request in requests), np.float64, count),
        np.fromiter((request.finished for request in requests), np.float64, count),
        np.fromiter((bool(request.error) for request in requests), np.bool_, count),
        np.zeros(count, np.int32),
        [""],
    )


def _planned(request: Request) -> float:
    return request.planned
