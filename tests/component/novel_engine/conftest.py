"""The real service in a process of its own, the real Redis in a container (image redis:drill). Nothing is
mocked.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from drill import wait

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"

from testcontainers.core.container import DockerContainer

ROOT = Path(__file__).parents[3]
LONG_SECONDS = 60.0
"""A bound for what hangs only."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(call: Callable[[], object]) -> object:
    try:
        return call()
    except (OSError, httpx.TransportError) as error:
        return error


@dataclass
class RedisServer:
    """One Redis container; stops, freezes and locks as a test asks."""

    container: DockerContainer
    port: int

    def command(self, *arguments: str) -> str:
        return str(self.container.exec(["redis-cli", *arguments]).output.decode())

    def stop(self) -> None:
        self.container.get_wrapped_container().stop(timeout=2)

    def kill(self) -> None:
        self.container.get_wrapped_container().kill()

    def start(self) -> None:
        self.container.get_wrapped_container().start()

    def freeze(self) -> None:
        self.container.get_wrapped_container().pause()

    def thaw(self) -> None:
        self.container.get_wrapped_container().unpause()


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    with DockerContainer("redis:drill").with_bind_ports(6379, port := free_port()) as container:
        server = RedisServer(container, port)
        wait.until(
            "Redis to answer PING",
            lambda: server.command("ping"),
            lambda said: "PONG" in said,
            seconds=LONG_SECONDS,
        )
        yield server


@dataclass
class Engine:
    """One process of the service, with its folder and an HTTP client."""

    folder: Path
    redis_port: int
    port: int = field(default_factory=free_port)
    redis_password: str = ""
    drain_seconds: int = 1
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=LONG_SECONDS)
        (self.folder / "logs").mkdir(exist_ok=True)
        (self.folder / "accounts").mkdir(exist_ok=True)
        for name in ("admin", "editor"):
            (self.folder / "accounts" / name).write_text(f"{name}-password")

    @property
    def database(self) -> Path:
        return self.folder / "novel-engine.db"

    def start(self) -> None:
        environment = os.environ | {
            "DATABASE_PATH": str(self.database),
            "LOG_FOLDER": str(self.folder / "logs"),
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(self.redis_port),
            "REDIS_PASSWORD": self.redis_password,
            "ACCOUNTS_FOLDER": str(self.folder / "accounts"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DRAIN_SECONDS": str(self.drain_seconds),
            "PYTHONPATH": str(ROOT),
        }
        with (self.folder / "stdout").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "novel_engine.app"],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait.until(
            "the service to answer /health",
            lambda: answers(lambda: self.http.get("/health")),
            lambda seen: isinstance(seen, httpx.Response),
            seconds=LONG_SECONDS,
        )

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(LONG_SECONDS)

    def health(self) -> tuple[int, dict[str, str]]:
        response = self.http.get("/health")
        return response.status_code, response.json()

    def until_health(self, status: str) -> dict[str, str]:
        seen = wait.until(
            f"health to say {status}",
            self.health,
            lambda seen: seen[1]["status"] == status,
            seconds=LONG_SECONDS,
        )
        return seen[1]

    def metric(self, start: str) -> float:
        """The sum of all samples whose line begins so."""
        lines = self.http.get("/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))

    def log(self) -> list[str]:
        return (self.folder / "logs" / "novel-engine.log").read_text().splitlines()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def engine(tmp_path: Path, redis_server: RedisServer) -> Iterator[Engine]:
    """The service with a Redis of its own, both new for each test."""
    engine = Engine(tmp_path, redis_server.port)
    engine.start()
    yield engine
    engine.kill()


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The service for tests that neither break anything nor count."""
    with running_redis() as server:
        engine = Engine(tmp_path_factory.mktemp("shared"), server.port)
        engine.start()
        yield engine
        engine.kill()


@pytest.fixture
def engine_alone(tmp_path: Path) -> Iterator[Engine]:
    """The service where nothing listens on Redis' port. Not started yet, so that its database can be prepared
    first.
    """
    engine = Engine(tmp_path, free_port())
    yield engine
    engine.kill()
