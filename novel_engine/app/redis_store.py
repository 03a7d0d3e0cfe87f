"""Cache, sessions and the queue of narratives in Redis. Flows in: bytes and ids. Flows out: the same, or
RedisOutError.

While Redis is out nobody waits for it: the first failure closes the gate, and only the watch's own ping, in
its own thread, opens it again. A refusal such as NOAUTH is Redis being out.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from novel_engine.app import logs
from novel_engine.app.metrics import CACHE_HITS, CACHE_MISSES, ERRORS
from novel_engine.app.settings import Settings

Answer = TypeVar("Answer")

TIMEOUT_SECONDS = 0.25
LOGIN_SECONDS = 12 * 3600
LOGIN_FAILURE_SECONDS = 60
WATCH_SECONDS = 0.5
START_SECONDS = 2.0
"""How long a start waits for a Redis that is late: a pod without it is ready, and refuses what needs it."""
START_PAUSE_SECONDS = 0.1
SESSION_SECONDS = 300
SESSIONS_KEPT_BACK = 10_000
SIMULATION_SECONDS = 3600
PENDING = "narratives:pending"
SESSIONS = "sessions:active"


class RedisOutError(Exception):
    """Redis cannot be used now. Says what it last answered."""


def connect(settings: Settings, timeout_seconds: float) -> redis.Redis:
    # Plain RESP2 without CLIENT SETINFO: one round trip less on every new connection. Decoding is left to the
    # caller.
    return redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password or None,
        protocol=2,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )


class RedisStore:
    """What the service keeps in Redis. Every method raises RedisOutError instead of waiting."""

    def __init__(self, settings: Settings) -> None:
        self._client = connect(settings, TIMEOUT_SECONDS)
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._keep_watch, name="redis-watch", daemon=True)
        self._out: str | None = "not tried yet"
        self._seen: dict[str, float] = {}

    @property
    def out(self) -> str | None:
        """Why Redis cannot be used, or None while it can."""
        return self._out

    def start(self) -> None:
        """Returns when Redis is in use, or was out for START_SECONDS."""
        until = time.monotonic() + START_SECONDS
        self._look()
        while (
            self._out is not None and time.monotonic() < until and not self._stopped.wait(START_PAUSE_SECONDS)
        ):
            self._look()
        self._watch.start()

    def stop(self) -> None:
        self._stopped.set()
        self._watch.join()
        self._client.close()

    def _keep_watch(self) -> None:
        while not self._stopped.wait(WATCH_SECONDS):
            self._look()

    def _look(self) -> None:
        try:
            self._client.ping()
            self._flush_sessions()
        except redis.RedisError as error:
            self._close_gate(error)
        else:
            if self._out is not None:
                logs.LOGGER.info("redis in use")
            self._out = None

    def _close_gate(self, error: redis.RedisError) -> None:
        if self._out is None or self._out == "not tried yet":
            logs.failure("redis", error)
        ERRORS.labels("redis").inc()
        self._out = f"{type(error).__name__}: {error}"

    def _ask(self, question: Callable[[redis.Redis], Answer]) -> Answer:
        if self._out is not None:
            raise RedisOutError(self._out)
        try:
            return question(self._client)
        except redis.RedisError as error:
            self._close_gate(error)
            raise RedisOutError(str(error)) from error

    def cached(self, key: str, seconds: int, read: Callable[[], bytes]) -> bytes:
        """The answer kept under `key`, or `read` and keep it for `seconds`. Without Redis simply `read`."""
        name = f"cache:{key}"
        try:
            kept = self._ask(lambda client: client.get(name))
        except RedisOutError:
            CACHE_MISSES.inc()
            return read()
        if isinstance(kept, bytes):
            CACHE_HITS.inc()
            return kept
        CACHE_MISSES.inc()
        answer = read()
        try:
            self._ask(lambda client: client.set(name, answer, ex=seconds))
        except RedisOutError:
            return answer  # the answer is good without being kept
        return answer

    def saw_session(self, session: str) -> None:
        """Remember that a session is active; the watch carries it to Redis. Costs a request no round trip."""
        if len(self._seen) < SESSIONS_KEPT_BACK:
            self._seen[session] = time.time()

    def _flush_sessions(self) -> None:
        seen, self._seen = self._seen, {}
        if not seen:
            return
        pipeline = self._client.pipeline()
        pipeline.zadd(SESSIONS, seen)
        pipeline.zremrangebyscore(SESSIONS, "-inf", time.time() - SESSION_SECONDS)
        pipeline.expire(SESSIONS, SESSION_SECONDS)
        try:
            pipeline.execute()
        except redis.RedisError:
            self._seen = seen | self._seen
            raise

    def active_sessions(self) -> int:
        return int(self._ask(lambda client: client.zcount(SESSIONS, time.time() - SESSION_SECONDS, "+inf")))

    def log_in(self, name: str) -> str:
        """Begin a session of this account, which is returned and is a secret."""
        session = uuid4().hex
        self._ask(lambda client: client.set(f"login:{session}", name, ex=LOGIN_SECONDS))
        return session

    def account(self, session: str) -> str | None:
        """Whose session it is, None where nobody has logged in with it."""
        kept = self._ask(lambda client: client.get(f"login:{session}"))
        return kept.decode() if isinstance(kept, bytes) else None

    def login_failures(self, name: str) -> int:
        """How often logging in as `name` has failed since the first failure of the last minute."""
        return int(self._ask(lambda client: client.get(f"login-failures:{name}")) or 0)

    def count_login_failure(self, name: str) -> None:
        def count(client: redis.Redis) -> None:
            pipeline = client.pipeline(transaction=True)
            pipeline.incr(f"login-failures:{name}")
            pipeline.expire(f"login-failures:{name}", LOGIN_FAILURE_SECONDS, nx=True)
            pipeline.execute()

        self._ask(count)

    def queue_depth(self) -> int:
        return int(self._ask(lambda client: client.xlen(PENDING)))

    def queue_simulation(self, character_names: list[str], turns: int) -> dict[str, Any]:
        """Put a simulation into the queue and its state beside it, both or neither."""
        simulation_id = uuid4().hex
        simulation: dict[str, Any] = {"simulation_id": simulation_id, "status": "pending"}
        simulation |= {"character_names": character_names, "turns": turns}
        body = json.dumps(simulation)

        def put(client: redis.Redis) -> None:
            pipeline = client.pipeline(transaction=True)
            pipeline.set(simulation_key(simulation_id), body, ex=SIMULATION_SECONDS)
            pipeline.xadd(PENDING, {"simulation": body})
            pipeline.execute()

        self._ask(put)
        return simulation

    def simulation(self, simulation_id: str) -> bytes | None:
        """The simulation's state as JSON, None where there is none (any more: outcomes are kept for an
        hour).
        """
        kept = self._ask(lambda client: client.get(simulation_key(simulation_id)))
        return kept if isinstance(kept, bytes) else None


def simulation_key(simulation_id: str) -> str:
    return f"simulation:{simulation_id}"
