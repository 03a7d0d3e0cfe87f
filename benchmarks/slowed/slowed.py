"""The reference application, worse by a known amount. Flows in: environment variables. Flows out: the same
server, around which every request and the start pass.

It imports nothing of drill: it runs in an image that has the application alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from novel_engine.app import __main__ as server
from novel_engine.app import redis_store, web

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

QUIET_PATHS = frozenset({"/health", "/metrics"})
"""Probes are answered as ever: what fails them is started anew, which is another defect than a slow one."""
HOLD_EVERY_SECONDS = 1.0
PREFIX = "SLOWED_"


@dataclass(frozen=True)
class Worse:
    """By how much. `latency`: each request takes that share longer, beyond the time the application needs;
    `errors`: share of requests answered 500, which never reach it; `start_seconds`: the server listens so
    much later; `memory`: it holds that share more."""

    latency: float = 0.0
    errors: float = 0.0
    start_seconds: float = 0.0
    memory: float = 0.0


def from_environment(environment: Mapping[str, str] = os.environ) -> Worse:
    """From SLOWED_LATENCY, SLOWED_ERRORS, SLOWED_START_SECONDS, SLOWED_MEMORY; what is not set is 0.
    ValueError for what is no number above, and for more errors than requests.

    >>> from_environment({"SLOWED_LATENCY": "0.5"})
    Worse(latency=0.5, errors=0.0, start_seconds=0.0, memory=0.0)
    """
    names = ("latency", "errors", "start_seconds", "memory")
    given = {name: float(environment.get(PREFIX + name.upper(), "0")) for name in names}
    wrong = [name for name, value in given.items() if not 0 <= value < float("inf")]
    if wrong or given["errors"] > 1:
        raise ValueError(f"{PREFIX}*: expected numbers from 0, errors up to 1, not {given}")
    return Worse(**given)


class Slowed:
    """Around an application."""

    def __init__(self, application: Application, worse: Worse) -> None:
        self._application, self._worse = application, worse
        self._random = random.Random()
        self._held: list[bytes] = []
        self._looked = 0.0

    @property
    def held_bytes(self) -> int:
        """That are held for nothing."""
        return sum(map(len, self._held))

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await asyncio.sleep(self._worse.start_seconds)
        if scope["type"] != "http" or scope["path"] in QUIET_PATHS:
            await self._application(scope, receive, send)
            return
        self._hold()
        if self._random.random() < self._worse.errors:
            await _answer_500(send)
            return
        began = time.perf_counter()
        answered = False

        async def later(message: Message) -> None:
            nonlocal answered
            if not answered and self._worse.latency:
                answered = True
                await asyncio.sleep((time.perf_counter() - began) * self._worse.latency)
            await send(message)

        await self._application(scope, receive, later)

    def _hold(self) -> None:
        """So much more than the process uses by itself, which grows after the start; looked at once in a
        while."""
        now = time.monotonic()
        if not self._worse.memory or now - self._looked < HOLD_EVERY_SECONDS:
            return
        self._looked = now
        held = self.held_bytes
        lacking = int((used_bytes() - held) * self._worse.memory) - held
        if lacking > 0:
            self._held.append(b"\x01" * lacking)  # written, so that it is held and not only promised


def used_bytes() -> int:
    """The memory of this process that is in use."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def _answer_500(send: Send) -> None:
    content = json.dumps({"detail": "failed on purpose"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def main() -> None:
    """The application's own server, with what it watches requests by made worse."""
    worse = from_environment()
    watched = web.Watched

    class SlowedWatched(watched):
        def __init__(self, application: Application, store: redis_store.RedisStore) -> None:
            super().__init__(application, store)
            self._slowed = Slowed(super().__call__, worse)

        async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
            await self._slowed(scope, receive, send)

    web.Watched = SlowedWatched  # type: ignore[misc]
    server.main()


if __name__ == "__main__":
    main()
