"""The request stream while it is being written: for the live line, the witness's failed requests,
"recovered".

What it says steers the drill; verdicts are the judge's, from the same file afterwards and by the same rule
for "recovered". What the load itself failed at (requests that it did not send, or that were under way while
it stood still) is no failure of the target and no witness, and a stretch with such requests shows no
recovery.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec
import numpy as np

from drill.judge.criteria.error_rate import error_rate_so_far
from drill.judge.criteria.response_time import response_time_so_far
from drill.judge.outages import Standard, recovered_since, standard_of, window_opens
from drill.load.stalls import Stalls, touched
from drill.recording.appended import AppendedLines
from drill.recording.events import Calibration, Judging, Limit
from drill.recording.requests import LOADS_OWN_ERRORS, Request, Requests

STREAM_LAG_SECONDS = 0.25


class LastSecond(msgspec.Struct, frozen=True):
    """The last second of finished requests. `p95_seconds` is None when there were none; `error_share`: failed
    / finished, 0 to 1.
    """

    requests_per_second: float
    p95_seconds: float | None
    error_share: float


class RequestTail:
    """Follows the stream at `path`, which need not exist yet, and the stalls beside it. `timeout_seconds`:
    how long after its planned time a request may still be unknown.
    """

    def __init__(self, path: Path, timeout_seconds: float, requests_per_second: float) -> None:
        self.path = path
        self._timeout_seconds = timeout_seconds
        self._requests_per_second = requests_per_second
        self._lines = AppendedLines(path)
        self._decoder = msgspec.json.Decoder(Request)
        self._stalls = Stalls(path)
        self._planned: list[float] = []
        self._requests: list[Request] = []
        self._columns = _columns([])
        self._not_in_columns: list[Request] = []
        self._ahead: set[int] = set()
        self._complete = -1

    def poll(self) -> list[Request]:
        """Read what was written since the last call; returns it in the order written."""
        new: list[Request] = self._decoder.decode_lines(self._lines.new())
        self._stalls.poll()  # after the requests: a stall is written before those that finished after it
        for request in new:  # nearly in order: each is put in its place near the end
            place = bisect_right(self._planned, request.planned)
            self._planned.insert(place, request.planned)
            self._requests.insert(place, request)
        self._not_in_columns += new
        self._advance(new)
        return new

    def _advance(self, new: list[Request]) -> None:
        """Follow up to which slot of the plan every record has come."""
        self._ahead.update(round(request.planned * self._requests_per_second) for request in new)
        if self._complete < 0 and self._ahead:
            self._complete = min(self._ahead) - 1
        while self._complete + 1 in self._ahead:
            self._complete += 1
            self._ahead.discard(self._complete)

    def _known_until(self, now: float | None) -> float:
        """Up to when (monotonic seconds) all that was planned is known: as far as every slot has its record,
        and a timeout ago at the latest, where records are missing for good."""
        moment = time.monotonic() if now is None else now
        late = moment - self._timeout_seconds - STREAM_LAG_SECONDS
        late_slot = int(late * self._requests_per_second)
        if self._complete >= 0 and late_slot > self._complete:
            self._complete = late_slot
            self._ahead = {slot for slot in self._ahead if slot > late_slot}
            self._advance([])
        complete = (self._complete + 1) / self._requests_per_second if self._complete >= 0 else late
        return max(late, min(moment, complete))

    def summary(self, now: float | None = None) -> LastSecond:
        """The last second before `now` (monotonic seconds; the present, unless given), by the time of
        finishing.
        """
        end = time.monotonic() if now is None else now
        recent = self._requests[bisect_left(self._planned, end - 1 - self._timeout_seconds) :]
        finished = [
            request for request in recent if end - 1 <= request.finished < end and self.measured(request)
        ]
        if not finished:
            return LastSecond(0.0, None, 0.0)
        latencies = [request.finished - request.planned for request in finished]
        return LastSecond(
            requests_per_second=float(len(finished)),
            p95_seconds=float(np.quantile(latencies, 0.95)),
            error_share=sum(bool(request.error) for request in finished) / len(finished),
        )

    def measured_since(self, monotonic: float, names: Collection[str] | None = None) -> list[Request]:
        """Requests planned at or after `monotonic`, in order of planning, but for those that the load itself
        spoilt; only of these `names` when given."""
        later = self._requests[bisect_left(self._planned, monotonic) :]
        return [
            request
            for request in later
            if (names is None or request.name in names) and self.measured(request)
        ]

    def failed_since(self, monotonic: float, names: Collection[str] | None = None) -> list[Request]:
        """Those of `measured_since` that failed."""
        return [request for request in self.measured_since(monotonic, names) if request.error]

    def failed_of(self, start: float, end: float) -> tuple[int, int]:
        """How many measured requests planned in [start, end) have failed, and how many there are, monotonic
        seconds.
        """
        there = self._measured_columns(start, end)
        return int(there.failed.sum()), len(there)

    def measured(self, request: Request) -> bool:
        """False where the load itself did not send it, or stood still while it was under way."""
        return not request.error.startswith(LOADS_OWN_ERRORS) and not touched(
            request.planned, request.finished, self._stalls.known
        )

    def acknowledged_since(self, monotonic: float) -> int:
        """How many writes planned at or after `monotonic` have been acknowledged."""
        return sum(
            request.acknowledged for request in self._requests[bisect_left(self._planned, monotonic) :]
        )

    def recovered_since(
        self,
        monotonic: float,
        hold_seconds: float,
        limits: Mapping[str, Limit],
        *,
        calibration: Calibration | None = None,
        now: float | None = None,
    ) -> float | None:
        """When the service was recovered after a fault injected at `monotonic`, by the judge's own rule: the
        moment from which on requests have held `limits` for `hold_seconds`; None while they have not.

        A request counts once everything planned before it is known, at the latest a timeout after its moment.
        Where no outage is seen since `monotonic`, the hold may begin at once: ask after the fault was
        witnessed. Times are monotonic seconds, `now` the present unless given.
        """
        requests, standard = self._held_against(monotonic, hold_seconds, limits, calibration, now)
        return recovered_since(requests, standard, monotonic)

    def window_opens(
        self,
        monotonic: float,
        done: float,
        hold_seconds: float,
        limits: Mapping[str, Limit],
        *,
        calibration: Calibration | None = None,
        now: float | None = None,
    ) -> float | None:
        """When the window after opens, by the judge's own rule, for a fault injected at `monotonic` and an
        operator who was `done` then; None while users are not served. Monotonic seconds, as in
        `recovered_since`."""
        requests, standard = self._held_against(monotonic, hold_seconds, limits, calibration, now)
        return window_opens(requests, standard, monotonic, done)

    def decided(
        self,
        opened: float,
        least_seconds: float,
        limits: Mapping[str, Limit],
        *,
        calibration: Calibration | None = None,
        now: float | None = None,
    ) -> bool:
        """Does the window after that `opened` then (monotonic seconds) tell already whether error rate and
        response time are held? It lasts for `least_seconds`, and may be asked about as often as one likes:
        how often is looked is the judge's."""
        window = (opened, self._known_until(now))
        requests = self._measured_columns(*window)
        rate, response = limits.get("error_rate"), limits.get("response_time")
        failed, count = int(requests.failed.sum()), len(requests)
        if rate is not None and error_rate_so_far(failed, count, rate.value, calibration) == "inconclusive":
            return False
        if response is None:
            return True
        found = response_time_so_far(
            requests,
            window,
            least_seconds,
            response,
            timeout_seconds=self._timeout_seconds,
            calibration=calibration,
        )
        return found != "inconclusive"

    def _held_against(
        self,
        monotonic: float,
        hold_seconds: float,
        limits: Mapping[str, Limit],
        calibration: Calibration | None,
        now: float | None,
    ) -> tuple[Requests, Standard]:
        """What is known since shortly before `monotonic`, and the standard it is held against."""
        requests = self._measured_columns(monotonic - self._timeout_seconds, self._known_until(now))
        judging = Judging(
            minimum_requests=1,
            hold_seconds=hold_seconds,
            after_seconds=hold_seconds,
            patience_seconds=hold_seconds,
            requests_per_second=self._requests_per_second,
            timeout_seconds=self._timeout_seconds,
        )
        return requests, standard_of(judging, limits, calibration)

    def _measured_columns(self, start: float, end: float) -> Requests:
        """The measured requests planned in [start, end)."""
        if self._not_in_columns:
            new, self._not_in_columns = _columns(self._not_in_columns), []
            self._columns = _joined(self._columns, new)
        there = self._columns.between(start, end)
        spoilt = there.unsent.copy()
        for stall in self._stalls.known:
            spoilt |= (there.planned < stall.end) & (there.finished >= stall.start)
        return there.where(~spoilt)


def _columns(requests: list[Request]) -> Requests:
    count = len(requests)
    return Requests(
        np.fromiter((request.planned for request in requests), np.float64, count),
        np.fromiter((request.finished for request in requests), np.float64, count),
        np.fromiter((bool(request.error) for request in requests), np.bool_, count),
        np.zeros(count, np.int32),
        [""],
        unsent=np.fromiter(
            (request.error.startswith(LOADS_OWN_ERRORS) for request in requests), np.bool_, count
        ),
    )


def _joined(one: Requests, other: Requests) -> Requests:
    return Requests(
        np.concatenate([one.planned, other.planned]),
        np.concatenate([one.finished, other.finished]),
        np.concatenate([one.failed, other.failed]),
        np.concatenate([one.name, other.name]),
        one.names,
        unsent=np.concatenate([one.unsent, other.unsent]),
    )
