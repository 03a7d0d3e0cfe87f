"""The HTTP side. Flows in: requests. Flows out: JSON, metrics, one log line per request.

Campaigns by id are never cached: whoever asks whether a write is there is answered by the database. Lists may
be a second old.
"""

from __future__ import annotations

import json
import math
import os
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

import anyio.to_thread
from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from novel_engine.app import database, logs
from novel_engine.app.metrics import ACTIVE_SESSIONS, ERRORS, QUEUE_DEPTH, REQUEST_SECONDS, REQUESTS
from novel_engine.app.narrator import Narrator
from novel_engine.app.redis_store import RedisOutError, RedisStore
from novel_engine.app.settings import Settings

THREADS = 4
CAMPAIGNS_SECONDS = 1
CHARACTERS_SECONDS = 2
SESSION_COOKIE = "session_id"
SESSION_HEADER = b"x-session-id"
QUIET_PATHS = frozenset({"/health", "/metrics"})

Name = Annotated[str, Field(min_length=1, max_length=200)]
Identifier = Annotated[str, Path(max_length=64)]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class NewCampaign(BaseModel):
    name: Name
    description: Annotated[str, Field(max_length=4000)] = ""
    participants: Annotated[list[Name], Field(min_length=1, max_length=50)]


class NewSimulation(BaseModel):
    character_names: Annotated[list[Name], Field(min_length=2, max_length=6)]
    turns: Annotated[int, Field(ge=1, le=10)]


def body(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def answer(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="application/json")


def refusal(status: int, detail: str) -> Response:
    return answer(body({"detail": detail}), status)


def database_failed(request: Request, error: Exception) -> Response:
    ERRORS.labels("database").inc()
    logs.failure(f"database for {request.method} {request.url.path}", error)
    return refusal(500, "the database cannot be used")


def redis_out(request: Request, error: Exception) -> Response:
    logs.failure(f"queue for {request.method} {request.url.path}", error)
    return refusal(503, "the queue cannot be used, try again later")


def build(settings: Settings) -> FastAPI:
    """The application with its routes. Its lifespan prepares the database, watches Redis and runs the
    narrator.
    """
    store = RedisStore(settings.redis_host, settings.redis_port)
    narrator = Narrator(
        settings.redis_host, settings.redis_port, settings.database, f"{socket.gethostname()}:{os.getpid()}"
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # half a core serves no more at once: further requests wait in line, not on SQLite's lock against each
        # other
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        try:
            await run_in_threadpool(database.prepare, settings.database)
        except sqlite3.Error as error:
            logs.failure(
                "database at start", error
            )  # /health says so from now on; a process that is gone says nothing
        await run_in_threadpool(store.start)
        narrator.start()
        yield
        await run_in_threadpool(narrator.stop)
        await run_in_threadpool(store.stop)

    application = FastAPI(title="Novel Engine", lifespan=lifespan, docs_url=None, redoc_url=None)
    application.state.store = store
    application.add_exception_handler(sqlite3.Error, database_failed)
    application.add_exception_handler(RedisOutError, redis_out)
    _add_service_routes(application, settings, store)
    _add_story_routes(application, settings, store)
    return application


def _add_service_routes(application: FastAPI, settings: Settings, store: RedisStore) -> None:
    @application.get("/")
    async def start_page(request: Request) -> Response:
        response = answer(
            body({"service": "Novel Engine", "campaigns": "/campaigns", "characters": "/characters"})
        )
        if SESSION_COOKIE not in request.cookies:
            response.set_cookie(SESSION_COOKIE, uuid4().hex, httponly=True, samesite="lax")
        return response

    @application.get("/health")
    def health() -> Response:
        redis = store.out
        state = {"status": "ok" if redis is None else "degraded", "database": "ok", "redis": redis or "ok"}
        try:
            database.check(settings.database)
        except sqlite3.Error as error:
            ERRORS.labels("database").inc()
            logs.failure("health of database", error)
            return answer(body(state | {"status": "unavailable", "database": str(error)}), 503)
        return answer(body(state))

    @application.get("/metrics")
    def metrics() -> Response:
        try:
            ACTIVE_SESSIONS.set(store.active_sessions())
            QUEUE_DEPTH.set(store.queue_depth())
        except RedisOutError:
            ACTIVE_SESSIONS.set(math.nan)
            QUEUE_DEPTH.set(math.nan)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _add_story_routes(application: FastAPI, settings: Settings, store: RedisStore) -> None:
    path = settings.database

    @application.get("/characters")
    def list_characters() -> Response:
        def read() -> bytes:
            return body({"characters": database.characters(path)})

        return answer(store.cached("characters", CHARACTERS_SECONDS, read))

    @application.get("/characters/{character_id}")
    def get_character(character_id: Identifier) -> Response:
        def read() -> bytes:
            return body(database.characters_by_id(path, [character_id]).get(character_id))

        content = store.cached(f"character:{character_id}", CHARACTERS_SECONDS, read)
        return refusal(404, f"no character {character_id!r}") if content == b"null" else answer(content)

    @application.get("/campaigns")
    def list_campaigns(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Response:
        def read() -> bytes:
            return body({"campaigns": database.campaigns(path, limit)})

        return answer(store.cached(f"campaigns:{limit}", CAMPAIGNS_SECONDS, read))

    @application.get("/campaigns/{campaign_id}")
    def get_campaign(campaign_id: Identifier) -> Response:
        found = database.campaign(path, campaign_id)
        return refusal(404, f"no campaign {campaign_id!r}") if found is None else answer(body(found))

    @application.post("/campaigns")
    def post_campaign(new: NewCampaign) -> Response:
        return answer(body(database.add_campaign(path, new.name, new.description, new.participants)), 201)

    @application.post("/simulations")
    def post_simulation(new: NewSimulation) -> Response:
        return answer(body(store.queue_simulation(new.character_names, new.turns)), 202)

    @application.get("/simulations/{simulation_id}")
    def get_simulation(simulation_id: Identifier) -> Response:
        content = store.simulation(simulation_id)
        return refusal(404, f"no simulation {simulation_id!r}") if content is None else answer(content)


class Watched:
    """Around the whole application: counts, times and logs each request; closes connections while the server
    drains.
    """

    def __init__(self, application: Application, store: RedisStore) -> None:
        self._application = application
        self._store = store
        self.draining = False

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self.draining:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        session = session_of(scope["headers"])
        if session:
            self._store.saw_session(session)
        try:
            await self._application(scope, receive, watch)
        finally:
            self._record(scope, status, time.perf_counter() - started)

    @staticmethod
    def _record(scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route = scope.get("route")
        # The route's template: label values stay few whatever users ask for.
        path = "unmatched" if route is None else route.path
        method = scope["method"]
        REQUESTS.labels(method, path, status).inc()
        REQUEST_SECONDS.labels(method, path).observe(seconds)
        if path not in QUIET_PATHS or status >= 400:
            logs.request(method, scope["path"], status, seconds)


def session_of(headers: list[tuple[bytes, bytes]]) -> str | None:
    """The session that a request names, by header or cookie; at most 64 characters of it."""
    for name, value in headers:
        if name == SESSION_HEADER:
            return value[:64].decode("latin-1")
        if name == b"cookie":
            for part in value.split(b";"):
                key, _, text = part.strip().partition(b"=")
                if key == SESSION_COOKIE.encode():
                    return text[:64].decode("latin-1")
    return None
