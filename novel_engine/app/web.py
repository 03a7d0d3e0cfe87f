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

from novel_engine.app import accounts, database, logs, manuscripts
from novel_engine.app.metrics import (
    ACTIVE_SESSIONS,
    ERRORS,
    LOGINS,
    QUEUE_DEPTH,
    RATE_LIMITED,
    REQUEST_SECONDS,
    REQUESTS,
)
from novel_engine.app.narrator import Narrator
from novel_engine.app.rate_limit import RequestsOfThisSecond
from novel_engine.app.redis_store import RedisOutError, RedisStore
from novel_engine.app.settings import Settings

THREADS = 4
CAMPAIGNS_SECONDS = 1
CHARACTERS_SECONDS = 2
LOGIN_FAILURES = 10
"""How many wrong passwords an account has in a minute; after that nobody logs in to it until it is over."""
SESSION_REQUESTS_PER_SECOND = 50
"""How many requests a second each process answers a client that names its session. Others are not told apart:
behind one address there may be many."""
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


class Login(BaseModel):
    name: Name
    password: Name


class RefusedError(Exception):
    """Not for this client: 401 without a login, 403 with one that does not reach so far."""

    def __init__(self, status: int, account: str | None) -> None:
        super().__init__(status)
        self.status = status
        self.account = account


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


def files_failed(request: Request, error: Exception) -> Response:
    ERRORS.labels("files").inc()
    logs.failure(f"files for {request.method} {request.url.path}", error)
    return refusal(500, "the files cannot be used")


def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    logs.unauthorized(request.method, request.url.path, error.account, client_of(request))
    return refusal(error.status, "unauthorized" if error.status == 401 else "for admins only")


def client_of(request: Request) -> str:
    return "nobody" if request.client is None else request.client.host


def redis_out(request: Request, error: Exception) -> Response:
    logs.failure(f"redis for {request.method} {request.url.path}", error)
    return refusal(503, "sessions and the queue cannot be used, try again later")


def build(settings: Settings) -> FastAPI:
    """The application with its routes. Its lifespan prepares the database, watches Redis and runs the
    narrator.
    """
    store = RedisStore(settings)
    narrator = Narrator(settings, f"{socket.gethostname()}:{os.getpid()}")

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
        else:
            await run_in_threadpool(_prepare_manuscripts, settings)
        await run_in_threadpool(store.start)
        narrator.start()
        yield
        await run_in_threadpool(narrator.stop)
        await run_in_threadpool(store.stop)

    application = FastAPI(title="Novel Engine", lifespan=lifespan, docs_url=None, redoc_url=None)
    application.state.store = store
    application.add_exception_handler(sqlite3.Error, database_failed)
    application.add_exception_handler(RedisOutError, redis_out)
    application.add_exception_handler(OSError, files_failed)
    application.add_exception_handler(RefusedError, refused)
    _add_service_routes(application, settings, store)
    _add_story_routes(application, settings, store)
    _add_account_routes(application, settings, store)
    return application


def _prepare_manuscripts(settings: Settings) -> None:
    try:
        manuscripts.prepare(settings.manuscripts, settings.database)
    except (OSError, sqlite3.Error) as error:
        logs.failure("manuscripts at start", error)


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


def _add_account_routes(application: FastAPI, settings: Settings, store: RedisStore) -> None:
    @application.post("/login")
    def login(request: Request, given: Login) -> Response:
        client = client_of(request)
        if store.login_failures(given.name) >= LOGIN_FAILURES:
            LOGINS.labels("limited").inc()
            RATE_LIMITED.labels("login").inc()
            logs.login_refused(given.name, client, "rate-limited")
            return refusal(429, "too many wrong passwords, try again in a minute")
        if not accounts.is_right(settings.accounts, given.name, given.password):
            LOGINS.labels("failed").inc()
            logs.login_refused(given.name, client, "unauthorized")
            store.count_login_failure(given.name)
            return refusal(401, "unauthorized")
        session = store.log_in(given.name)
        LOGINS.labels("accepted").inc()
        logs.login(given.name, client)
        response = answer(body({"name": given.name, SESSION_COOKIE: session}))
        response.set_cookie(SESSION_COOKIE, session, httponly=True, samesite="lax")
        return response

    @application.get("/account")
    def account(request: Request) -> Response:
        return answer(body({"name": account_of(request, store)}))

    @application.get("/admin/state")
    def admin_state(request: Request) -> Response:
        name = account_of(request, store)
        if name != accounts.ADMIN:
            raise RefusedError(403, name)
        state = {"active_sessions": store.active_sessions(), "narrative_queue_depth": store.queue_depth()}
        return answer(body(state))

    @application.post("/campaigns/{campaign_id}/manuscript")
    def post_manuscript(request: Request, campaign_id: Identifier) -> Response:
        account_of(request, store)
        found = database.campaign(settings.database, campaign_id)
        if found is None:
            return refusal(404, f"no campaign {campaign_id!r}")
        manuscripts.write(settings.manuscripts, found)
        return answer(body({"manuscript": f"/campaigns/{campaign_id}/manuscript"}), 201)

    @application.get("/campaigns/{campaign_id}/manuscript")
    def get_manuscript(campaign_id: Identifier) -> Response:
        text = manuscripts.read(settings.manuscripts, campaign_id)
        if text is None:
            return refusal(404, f"no manuscript of {campaign_id!r}")
        return Response(text, media_type="text/markdown; charset=utf-8")


def account_of(request: Request, store: RedisStore) -> str:
    """Whose session the request names. RefusedError where it names none that has logged in."""
    session = session_of(request.scope["headers"])
    name = store.account(session) if session else None
    if name is None:
        raise RefusedError(401, None)
    return name


class Watched:
    """Around the whole application: counts, times and logs each request; refuses those of a session that
    sends too many; closes connections while the server drains.
    """

    def __init__(self, application: Application, store: RedisStore) -> None:
        self._application = application
        self._store = store
        self._requests = RequestsOfThisSecond()
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
            if session and self._too_many(session):
                await refusal(429, "too many requests in a second")(scope, receive, watch)
            else:
                await self._application(scope, receive, watch)
        finally:
            self._record(scope, status, time.perf_counter() - started)

    def _too_many(self, session: str) -> bool:
        count = self._requests.count(session)
        if count <= SESSION_REQUESTS_PER_SECOND:
            return False
        RATE_LIMITED.labels("session").inc()
        if count == SESSION_REQUESTS_PER_SECOND + 1:
            logs.rate_limited(session, SESSION_REQUESTS_PER_SECOND)
        return True

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
