"""Images that are really slower: the real application under uvicorn, made worse, and the same one made worse
by nothing. A stopwatch between both tells what the application itself needed, one around both what was added,
whatever else the machine does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest
import uvicorn

from benchmarks.slowed.slowed import Application, Receive, Send, Slowed, Worse, from_environment
from drill import wait
from novel_engine.app import settings as engine_settings
from novel_engine.app import web

ROOT = Path(__file__).parents[3]
REQUESTS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stopwatch:
    """Seconds until the application inside began to answer, for each request."""

    application: Application
    seconds: list[float] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def timed(message: Any) -> None:
            if message["type"] == "http.response.start" and scope["path"] == "/campaigns":
                self.seconds.append(time.perf_counter() - began)
            await send(message)

        await self.application(scope, receive, timed)


@dataclass
class Served:
    """A server that is up. `inside`: what the application needed; `around`: what it and what makes it worse
    needed; `started_seconds`: until it was up."""

    http: httpx.Client
    slowed: Slowed
    inside: Stopwatch
    around: Stopwatch
    started_seconds: float

    def outside(self, count: int = REQUESTS) -> list[float]:
        """Ask so often; what each request took for its user."""
        found = []
        for _ in range(count):
            began = time.perf_counter()
            assert self.http.get("/campaigns").status_code == 200
            found.append(time.perf_counter() - began)
        return found


@contextmanager
def served(folder: Path, worse: Worse) -> Iterator[Served]:
    """The reference application without Redis, in this process."""
    environment = {
        "DATABASE_PATH": str(folder / "novel-engine.db"),
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(free_port()),
        "ACCOUNTS_FOLDER": str(folder),
    }
    application = web.build(engine_settings.from_environment(environment))
    inside = Stopwatch(web.Watched(application, application.state.store))
    slowed = Slowed(inside, worse)
    around = Stopwatch(slowed)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(around, host="127.0.0.1", port=port, lifespan="on", log_level="error")
    )
    began = time.monotonic()
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait.until("the server to listen", lambda: server.started, seconds=60, every_seconds=0.01)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield Served(http, slowed, inside, around, time.monotonic() - began)
    finally:
        server.should_exit = True
        thread.join(30)


def added_share(service: Served) -> float:
    """By which share of what the application needed it was made to take longer, in the middle."""
    service.outside()
    both = zip(service.around.seconds, service.inside.seconds, strict=True)
    return median((all_ - own) / own for all_, own in both)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_each_request_takes_so_much_longer(tmp_path: Path, share: float) -> None:
    with served(tmp_path, Worse(latency=share)) as service:
        service.outside(5)
        service.inside.seconds.clear()
        outside = service.outside()
        inside = service.inside.seconds
    assert len(inside) == len(outside)
    assert all(all_ >= own * (1 + share) for all_, own in zip(outside, inside, strict=True))


def test_what_is_slowed_is_slower_than_what_is_not(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("neutral", "slowed")]
    for folder in folders:
        folder.mkdir()
    with served(folders[0], Worse()) as service:
        assert added_share(service) < 1.0
    with served(folders[1], Worse(latency=5.0)) as service:
        assert added_share(service) >= 5.0


def test_so_many_requests_fail_and_never_reach_the_application(tmp_path: Path) -> None:
    with served(tmp_path, Worse(errors=0.2)) as service:
        seen = [service.http.get("/campaigns").status_code for _ in range(300)]
        assert service.http.get("/health").status_code == 200
    failed = seen.count(500)
    assert 25 <= failed <= 100  # 60 are expected; 5 standard deviations of it
    assert len(service.inside.seconds) == 300 - failed


def test_without_it_none_fails_and_nothing_is_held(tmp_path: Path) -> None:
    with served(tmp_path, Worse()) as service:
        assert {service.http.get("/campaigns").status_code for _ in range(300)} == {200}
        assert service.slowed.held_bytes == 0


def test_it_holds_so_much_more_memory(tmp_path: Path) -> None:
    with served(tmp_path, Worse(memory=0.2)) as service:
        service.outside(1)
        held = service.slowed.held_bytes
        pages = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        assert held == pytest.approx(0.2 * (pages - held), rel=0.1)
        service.outside(20)
        assert service.slowed.held_bytes <= 1.2 * held


def test_the_start_waits_so_long_before_it_listens(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("neutral", "late")]
    for folder in folders:
        folder.mkdir()
    with served(folders[0], Worse()) as service:
        neutral = service.started_seconds
    with served(folders[1], Worse(start_seconds=neutral + 1.0)) as service:
        assert service.started_seconds >= neutral + 1.0


@pytest.mark.parametrize("given", ["-0.1", "nan", "inf", "much"])
def test_what_is_no_amount_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"expected numbers from 0|could not convert"):
        from_environment({"SLOWED_LATENCY": given})


def test_more_errors_than_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="errors up to 1"):
        from_environment({"SLOWED_ERRORS": "1.5"})


def test_the_images_own_command_serves_the_application(tmp_path: Path) -> None:
    """As the Dockerfile starts it; every request fails, which tells that it is the one made worse."""
    port = free_port()
    environment = os.environ | {
        "DATABASE_PATH": str(tmp_path / "novel-engine.db"),
        "LOG_FOLDER": str(tmp_path),
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(free_port()),
        "ACCOUNTS_FOLDER": str(tmp_path),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DRAIN_SECONDS": "0",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'benchmarks' / 'slowed'}",
        "SLOWED_ERRORS": "1",
    }

    def ask(path: str) -> object:
        try:
            return httpx.get(f"http://127.0.0.1:{port}{path}").status_code
        except httpx.TransportError as error:
            return error

    process = subprocess.Popen([sys.executable, "-m", "slowed"], env=environment)
    try:
        wait.until("health", lambda: ask("/health"), lambda seen: seen == 200, seconds=60)
        assert ask("/campaigns") == 500
    finally:
        process.terminate()
        assert process.wait(30) in (0, -15)


def test_the_dockerfile_hands_on_every_amount() -> None:
    text = (ROOT / "benchmarks" / "slowed" / "Dockerfile").read_text(encoding="utf-8")
    for name in ("LATENCY", "ERRORS", "START_SECONDS", "MEMORY"):
        assert f"ARG {name}=0\n" in text
        assert f"SLOWED_{name}=${{{name}}}" in text
