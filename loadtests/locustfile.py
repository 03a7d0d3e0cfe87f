"""Users of the target, with open arrivals. Flows in: drill.toml. Flows out: Locust's statistics, and one
record per request.

Alone, with Locust's web page or without:    locust -f loadtests/locustfile.py --users 20 [--headless]
On several processes or machines:            ... --processes 2, or --master and --worker, as any locustfile

Requests are planned on a clock and sent when their time has come, whether or not earlier ones were answered;
response times count from the planned moment (design decision 7). The number of users says over how many
independent clients the planned rate is spread, not how high it is: that is load.requests_per_second of
drill.toml, or --requests-per-second.

    DRILL_TARGET         drill.toml, or settings as JSON (default: drill.toml here)
    DRILL_REQUESTS       file to which every request is appended (drill/recording/requests.py); not set: Locust's statistics only
    DRILL_PARENT_PIPE    number of an inherited file descriptor: when its other end closes, the load ends
"""

from __future__ import annotations

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

from drill import settings as drill_settings
from drill.errors import DrillError, UsageError
from drill.load.plan import Filled, Mix, Share, allowed_host, fill, next_slot, read_back_path
from drill.recording.requests import Request

PLAN_MESSAGE = "open_arrivals_plan"
DRAIN_MESSAGE = "open_arrivals_drain"

logger = logging.getLogger("drill.load")


def read_settings() -> drill_settings.Settings:
    """The settings named by DRILL_TARGET. Ends the process with the error's own exit status when they are not
    right.
    """
    path = Path(os.environ.get("DRILL_TARGET", drill_settings.DEFAULT_FILE))
    try:
        if path.suffix == ".json":
            return drill_settings.Settings.model_validate_json(path.read_bytes())
        return drill_settings.load(path)
    except DrillError as error:
        leave(error)


def leave(error: DrillError) -> Any:
    """Say what is wrong and end the process."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    sys.exit(error.exit_status)


settings = read_settings()
share = Share()
requests_file = os.environ.get("DRILL_REQUESTS")
stream = RequestStream(Path(requests_file)) if requests_file else None


class OpenArrivals(FastHttpUser):
    """One client of many, who carries out his share of the plan."""

    host = settings.target.address
    connection_timeout = network_timeout = settings.load.timeout_seconds

    mix: ClassVar[Mix] = Mix(settings.load.requests)
    numbers: ClassVar[Iterator[int]] = count(1)

    def __init__(self, environment: Environment) -> None:
        try:
            self.host = allowed_host(str(self.host), settings.target.address)
        except UsageError as error:
            raise StopTest(str(error)) from error
        super().__init__(environment)
        self.visits = Visits(self.client.client.clientpool.get_client(self.host)._connection_pool)
        self.end_of_head = (
            b" HTTP/1.1\r\nHost: %s\r\nUser-Agent: drill\r\nAccept: application/json\r\n"
            % urlsplit(self.host).netloc.encode()
        )
        self.requests_per_second = float(environment.parsed_options.requests_per_second)
        self.slot = -1
        self.under_way = 0

    def on_start(self) -> None:
        share.join(self)

    def on_stop(self) -> None:
        """Wait for what is under way, so that each planned request has its record; none takes longer than its
        timeout.
        """
        share.leave(self)
        latest = time.monotonic() + settings.load.timeout_seconds + 1
        while self.under_way and time.monotonic() < latest:
            gevent.sleep(0.01)
        self.visits.close()

    def wait_time(self) -> float:
        """Seconds until this user's next planned moment. Locust asks after each task."""
        if not self._takes_part():
            return 0.05
        return max(0.0, self._next_slot() / self.requests_per_second - time.monotonic())

    @task
    def arrive(self) -> None:
        """Send each request whose moment has come on a greenlet of its own, whether or not earlier ones were
        answered.
        """
        while self._takes_part():
            slot = self._next_slot()
            planned = slot / self.requests_per_second
            if planned > time.monotonic():
                return
            self.slot = slot
            number = next(self.numbers)
            self.under_way += 1
            gevent.spawn_raw(
                self.perform, fill(self.mix.at(slot), f"drill-{run_name()}-{number}", number), planned
            )

    def _takes_part(self) -> bool:
        return users_in_total(self.environment) > 0 and not share.draining

    def _next_slot(self) -> int:
        if self.slot < 0:
            self.slot = int(
                time.monotonic() * self.requests_per_second
            )  # what was planned before this user came is not his
        return next_slot(self.slot, share.rank(self), share.users)

    def perform(self, filled: Filled, planned: float) -> None:
        """Send one request and record what became of it, whatever that is."""
        sent = finished = time.monotonic()
        status, error, body = 0, "interrupted", b""
        remaining = planned + settings.load.timeout_seconds - sent
        try:
            if remaining <= 0:
                error = "not sent: the load itself fell behind"
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
            error = (not_reached.strerror or str(not_reached)).lower()
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
        if filled.request.write is not None:
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
    """The record of a write: its id, whether it was confirmed, and where it is found again."""
    if request.error or filled.request.write is None:
        return msgspec.structs.replace(request, write=filled.unique)
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        answer = None
    path = read_back_path(filled.request.write.read_back, filled.unique, answer)
    error = "" if path else f"confirmed without what {filled.request.write.read_back} needs"
    return msgspec.structs.replace(
        request, write=filled.unique, acknowledged=True, read_back=path, error=error
    )


@cache
def run_name() -> str:
    """A name that no other process has; made when first needed, since --processes forks after this file was
    read.
    """
    return f"{os.getpid():x}-{os.urandom(4).hex()}"


def users_in_total(environment: Environment) -> int:
    """Over how many users the plan is spread, on all processes; 0 while this one has not been told."""
    if isinstance(environment.runner, WorkerRunner):
        share.process = max(0, environment.runner.worker_index)
        return share.users
    share.users = environment.runner.target_user_count if environment.runner else 0
    return share.users


@events.init_command_line_parser.add_listener
def _add_options(parser: ArgumentParser, **_: Any) -> None:
    parser.add_argument(
        "--requests-per-second",
        type=float,
        default=settings.load.requests_per_second,
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
        environment.host = allowed_host(environment.host or settings.target.address, settings.target.address)
    except UsageError as error:
        leave(error)
    if stream is not None:
        gevent.spawn(stream.keep_flushing).link_exception(
            lambda greenlet: _give_up(environment, greenlet.exception)
        )
        environment.events.test_stop.add_listener(lambda **_: stream.flush())
        environment.events.quit.add_listener(lambda **_: stream.flush())
    if pipe := os.environ.get("DRILL_PARENT_PIPE"):
        gevent.spawn(_end_with_parent, environment, int(pipe))
    if isinstance(environment.runner, WorkerRunner):
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


def _give_up(environment: Environment, error: BaseException) -> None:
    logger.error("the request stream %s cannot be written (%s); the load ends", requests_file, error)
    environment.process_exit_code = 3
    environment.runner.quit()


def _tell_workers(runner: MasterRunner) -> None:
    """Workers know their own users only; the plan is spread over all."""
    runner.send_message(
        PLAN_MESSAGE, {"users": runner.target_user_count, "processes": max(1, runner.worker_count)}
    )


def _let_workers_finish(runner: MasterRunner) -> None:
    """Locust gives its workers half a second to send their last statistics: less than a request may take."""
    runner.send_message(DRAIN_MESSAGE, None)
    gevent.sleep(settings.load.timeout_seconds + 0.2)


def _be_told(environment: Environment, msg: Any, **_: Any) -> None:
    share.users, share.processes = msg.data["users"], msg.data["processes"]
    share.draining = False


def _drain(environment: Environment, msg: Any, **_: Any) -> None:
    share.draining = True
