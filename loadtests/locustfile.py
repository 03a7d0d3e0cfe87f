"""Users of the target, with open arrivals: Locust's statistics, and one record for each planned request.

Alone, with Locust's web page or without:    locust -f loadtests/locustfile.py --users 20 [--headless]
On several processes or machines:            ... --processes 2, or --master and --worker, as any locustfile

Requests are planned on a clock and sent when their time has come, whether or not earlier ones were answered;
response times count from the planned moment (design decision 7). The number of users says over how many
independent clients the planned rate is spread, not how high it is: that is load.requests_per_second of
drill.toml, or --requests-per-second.

    DRILL_TARGET         drill.toml, or its plan as JSON (default: drill.toml here)
    DRILL_REQUESTS       file to which every request is appended (drill/recording/requests.py); beside it the
                         stalls of the load itself (drill/load/stalls.py); not set: Locust's statistics only
    DRILL_PARENT_PIPE    number of an inherited file descriptor: when its other end closes, the load ends
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import gevent
import gevent.socket
import msgspec
from geventhttpclient._parser import HTTPParseError
from geventhttpclient.response import HTTPConnectionClosed
from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.exception import CatchResponseError, StopTest
from locust.runners import MasterRunner, WorkerRunner
from request_stream import RequestStream
from user_connections import Visits

from drill.errors import DrillError, UsageError
from drill.load.plan import (
    MOST_LATE_SECONDS,
    NOT_SENT,
    Filled,
    Mix,
    Plan,
    RequestKind,
    Share,
    allowed_host,
    fill,
    filled_from,
    read_back_path,
    read_plan,
)
from drill.recording.requests import Request

PLAN_MESSAGE = "open_arrivals_plan"
DRAIN_MESSAGE = "open_arrivals_drain"
IDLE_SECONDS = 0.01
"""How often to look whether users have come."""

OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL)
"""What this machine, and not the target, has run out of: files, memory, ports."""

logger = logging.getLogger("drill.load")


def plan_or_leave() -> Plan:
    """The plan named by DRILL_TARGET. Ends the process with the error's own exit status when it is not
    right.
    """
    try:
        return read_plan(Path(os.environ.get("DRILL_TARGET", "drill.toml")))
    except DrillError as error:
        leave(error)


def leave(error: DrillError) -> Any:
    """Say what is wrong and end the process."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    sys.exit(error.exit_status)


plan = plan_or_leave()
requests_file = os.environ.get("DRILL_REQUESTS")
stream = RequestStream(Path(requests_file)) if requests_file else None


class Arrivals:
    """Carries out this process's share of the plan: hands each slot, when its moment has come, to the next
    user, on a greenlet of its own, whether or not earlier ones were answered. From the first slot to the last
    before `drain` none is left out, however late this loop wakes up."""

    def __init__(self) -> None:
        self.share = Share()
        self.mix = Mix(plan.requests)
        self.users: list[OpenArrivals] = []
        self.requests_per_second = plan.requests_per_second
        self.draining = False

    def keep_coming(self) -> None:
        """Until the process ends."""
        while True:
            if self.draining or not self.users or not self.share.processes:
                self.share.begin(self._slot_of_now())
                gevent.sleep(IDLE_SECONDS)
                continue
            self.hand_out_due()
            gevent.sleep(max(0.0, self.share.next() / self.requests_per_second - time.monotonic()))

    def hand_out_due(self) -> None:
        """Each slot whose moment has come."""
        newest = self._slot_of_now()
        while self.users and (slot := self.share.next()) <= newest:
            self.share.last = slot
            user = self.users[slot // self.share.processes % len(self.users)]
            user.take(self.mix.at(slot), slot / self.requests_per_second)

    def drain(self) -> None:
        """Hand out what is due, and no more from now on."""
        if not self.draining:
            self.hand_out_due()
        self.draining = True

    def _slot_of_now(self) -> int:
        return int(time.monotonic() * self.requests_per_second)


arrivals = Arrivals()


class OpenArrivals(FastHttpUser):
    """One client of many, with connections of its own. What it sends, and when, is the plan's: see
    Arrivals.
    """

    host = plan.address
    connection_timeout = network_timeout = plan.timeout_seconds
    numbers: ClassVar[Iterator[int]] = count(1)

    def __init__(self, environment: Environment) -> None:
        try:
            self.host = allowed_host(str(self.host), plan.address)
        except UsageError as error:
            raise StopTest(str(error)) from error
        super().__init__(environment)
        self.visits = Visits(self.client.client.clientpool.get_client(self.host)._connection_pool)
        self.end_of_head = (
            b" HTTP/1.1\r\nHost: %s\r\nUser-Agent: drill\r\nAccept: application/json\r\n"
            % urlsplit(self.host).netloc.encode()
        )
        self.under_way = 0

    def on_start(self) -> None:
        arrivals.users.append(self)

    def on_stop(self) -> None:
        """Wait for what is under way, so that each planned request has its record; none takes longer than its
        timeout."""
        arrivals.users.remove(self)
        latest = time.monotonic() + plan.timeout_seconds + 1
        while self.under_way and time.monotonic() < latest:
            gevent.sleep(IDLE_SECONDS)
        self.visits.close()

    @task
    def be_there(self) -> None:
        """Locust's own loop: this user is sent its requests from elsewhere."""
        gevent.sleep(1)

    def take(self, kind: RequestKind, planned: float) -> None:
        """Send a request of this kind, planned at that moment, on a greenlet of its own."""
        number = next(self.numbers)
        self.under_way += 1
        gevent.spawn_raw(self.perform, fill(kind, f"drill-{run_name()}-{number:08d}", number), planned)

    def perform(self, filled: Filled, planned: float) -> None:
        """Send one request and record what became of it, whatever that is."""
        sent = finished = time.monotonic()
        status, error, body = 0, "interrupted", b""
        remaining = planned + plan.timeout_seconds - sent
        try:
            if remaining <= 0 or sent - planned > MOST_LATE_SECONDS:
                error = f"{NOT_SENT}the load itself fell behind"
                return
            with gevent.Timeout(remaining):
                status, body = self.visits.exchange(filled.request.method, self.head(filled), filled.body)
            finished = time.monotonic()
            error = (
                ""
                if status == filled.request.success_status
                else f"status {status}, expected {filled.request.success_status}"
            )
        except (gevent.Timeout, gevent.socket.timeout):
            error = "timeout"
        except (HTTPConnectionClosed, ConnectionResetError, BrokenPipeError):
            error = "connection closed"
        except HTTPParseError as not_http:
            error = f"not HTTP: {not_http}"
        except OSError as not_reached:
            said = (not_reached.strerror or str(not_reached)).lower()
            error = f"{NOT_SENT}{said}" if not_reached.errno in OURS else said
        finally:
            self.under_way -= 1
            self.record(
                filled,
                Request(
                    planned,
                    sent,
                    finished if status else time.monotonic(),
                    filled.request.name,
                    status,
                    error,
                ),
                body,
            )

    def head(self, filled: Filled) -> bytes:
        """Request line and headers."""
        length = (
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(filled.body)
            if filled.body
            else b"\r\n"
        )
        return f"{filled.request.method} {filled.path}".encode() + self.end_of_head + length

    def record(self, filled: Filled, request: Request, body: bytes) -> None:
        """Give one finished request to Locust's statistics and to the stream."""
        if filled.request.read_back:
            request = as_write(filled, request, body)
        self.environment.events.request.fire(
            request_type=filled.request.method,
            name=request.name.removeprefix(f"{filled.request.method} "),
            response_time=(request.finished - request.planned) * 1000,
            response_length=len(body),
            response=None,
            context={},
            exception=CatchResponseError(request.error) if request.error else None,
            start_time=time.time() - (time.monotonic() - request.planned),
            url=f"{self.host}{filled.path}",
        )
        if stream is not None:
            stream.write(request)


def as_write(filled: Filled, request: Request, body: bytes) -> Request:
    """The record of a write: its id, whether it was confirmed, where it is found again and by what."""
    if request.error:
        return msgspec.structs.replace(request, write=filled.unique)
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        answer = None
    kind = filled.request
    path = read_back_path(kind.read_back, filled.unique, answer)
    contains = filled_from(kind.contains, filled.unique, answer)
    lacking = kind.read_back if not path else kind.contains if not contains else ""
    error = f"confirmed without what {lacking} needs" if lacking else ""
    return msgspec.structs.replace(
        request,
        write=filled.unique,
        acknowledged=True,
        read_back=path,
        contains="" if contains == filled.unique else contains,
        error=error,
    )


@cache
def run_name() -> str:
    """A name that no other process has; made when first needed, since --processes forks after this file was
    read.
    """
    return f"{os.getpid():x}-{os.urandom(4).hex()}"


@events.init_command_line_parser.add_listener
def _add_options(parser: ArgumentParser, **_: Any) -> None:
    parser.add_argument(
        "--requests-per-second",
        type=float,
        default=plan.requests_per_second,
        help="planned requests per second of all users together (default: load.requests_per_second of "
        "drill.toml)",
    )


@events.init.add_listener
def _prepare(environment: Environment, **_: Any) -> None:
    if environment.parsed_options.requests_per_second <= 0:
        leave(
            UsageError(
                f"--requests-per-second {environment.parsed_options.requests_per_second}: expected a "
                "number above 0"
            )
        )
    try:
        environment.host = allowed_host(environment.host or plan.address, plan.address)
    except UsageError as error:
        leave(error)
    arrivals.requests_per_second = float(environment.parsed_options.requests_per_second)
    gevent.spawn(arrivals.keep_coming).link_exception(
        lambda greenlet: _give_up(environment, greenlet.exception)
    )
    environment.events.test_start.add_listener(lambda **_: _begin())
    environment.events.test_stopping.add_listener(lambda **_: arrivals.drain())
    if stream is not None:
        gevent.spawn(stream.keep_flushing).link_exception(
            lambda greenlet: _give_up(environment, greenlet.exception)
        )
        environment.events.test_stop.add_listener(lambda **_: _flush(environment, stream))
        environment.events.quit.add_listener(lambda **_: _flush(environment, stream))
    if pipe := os.environ.get("DRILL_PARENT_PIPE"):
        gevent.spawn(_end_with_parent, environment, int(pipe))
    if isinstance(environment.runner, WorkerRunner):
        arrivals.share.processes = 0  # until it is told
        environment.runner.register_message(PLAN_MESSAGE, _be_told)
        environment.runner.register_message(DRAIN_MESSAGE, _drain)
    if isinstance(environment.runner, MasterRunner):
        for moment in (
            environment.events.test_start,
            environment.events.worker_connect,
            environment.events.spawning_complete,
        ):
            moment.add_listener(lambda **_: _tell_workers(environment.runner))
        environment.events.test_stopping.add_listener(lambda **_: _let_workers_finish(environment.runner))


def _end_with_parent(environment: Environment, descriptor: int) -> None:
    """The kernel closes the pipe however the parent ended."""
    gevent.socket.wait_read(descriptor)
    logger.info("the drill has let go of the load; ending it")
    environment.runner.quit()


def _flush(environment: Environment, stream: RequestStream) -> None:
    """The last records; where the stream could not be written, that was said already."""
    if environment.process_exit_code is None:
        stream.flush()


def _give_up(environment: Environment, error: BaseException) -> None:
    logger.error("the load cannot go on: %s cannot be written (%s)", requests_file, error)
    environment.process_exit_code = 3
    environment.runner.quit()


def _begin() -> None:
    arrivals.draining = False


def _tell_workers(runner: MasterRunner) -> None:
    """The plan is spread over all processes."""
    runner.send_message(PLAN_MESSAGE, {"processes": max(1, runner.worker_count)})


def _let_workers_finish(runner: MasterRunner) -> None:
    """Locust gives its workers half a second to send their last statistics: less than a request may take."""
    runner.send_message(DRAIN_MESSAGE, None)
    gevent.sleep(plan.timeout_seconds + 0.2)


def _be_told(environment: Environment, msg: Any, **_: Any) -> None:
    arrivals.share.processes = msg.data["processes"]
    arrivals.share.process = max(0, environment.runner.worker_index)
    arrivals.draining = False


def _drain(environment: Environment, msg: Any, **_: Any) -> None:
    arrivals.drain()
