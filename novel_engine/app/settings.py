"""Where this process finds its parts. Flows in: environment variables. Flows out: one frozen record."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    database: Path = Path("/app/data/novel-engine.db")
    logs: Path = Path("/app/logs")
    redis_host: str = "redis"
    redis_port: int = 6379
    redis_password: str = ""
    """Empty: a Redis that asks for none."""
    accounts: Path = Path("/etc/novel-engine/accounts")
    """A file for each account, its password inside."""
    host: str = "0.0.0.0"
    port: int = 8000
    drain_seconds: float = 3.0
    """After SIGTERM: how long requests are still answered, each with Connection: close, until the endpoint is
    gone.
    """

    @property
    def manuscripts(self) -> Path:
        """Beside the database, on the volume that lasts."""
        return self.database.parent / "manuscripts"


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from DATABASE_PATH, LOG_FOLDER, REDIS_HOST, REDIS_PORT, REDIS_PASSWORD, ACCOUNTS_FOLDER,
    HOST, PORT, DRAIN_SECONDS.

    ValueError for what should be a number and is not.

    >>> from_environment({"PORT": "8001"}).port
    8001
    """
    defaults = Settings()
    return Settings(
        database=Path(environment.get("DATABASE_PATH", defaults.database)),
        logs=Path(environment.get("LOG_FOLDER", defaults.logs)),
        redis_host=environment.get("REDIS_HOST", defaults.redis_host),
        redis_port=int(environment.get("REDIS_PORT", defaults.redis_port)),
        redis_password=environment.get("REDIS_PASSWORD", defaults.redis_password),
        accounts=Path(environment.get("ACCOUNTS_FOLDER", defaults.accounts)),
        host=environment.get("HOST", defaults.host),
        port=int(environment.get("PORT", defaults.port)),
        drain_seconds=float(environment.get("DRAIN_SECONDS", defaults.drain_seconds)),
    )
