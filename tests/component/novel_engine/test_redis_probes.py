"""The probes of the manifest, asked of a Redis that is still loading what it holds."""

from __future__ import annotations

from pathlib import Path

import yaml
from testcontainers.core.container import DockerContainer

from drill import wait

MANIFEST = Path(__file__).parents[3] / "novel_engine" / "manifests" / "redis.yaml"
LONG_SECONDS = 60.0
"""A bound for what hangs only."""
SLOW = "--key-load-delay 100000 --rdbcompression no --loading-process-events-interval-bytes 1024"
"""A tenth of a second for each key that is loaded; and each of a kilobyte lets Redis answer once."""


def probe(name: str) -> list[str]:
    deployment = next(
        each for each in yaml.safe_load_all(MANIFEST.read_text()) if each["kind"] == "Deployment"
    )
    command = deployment["spec"]["template"]["spec"]["containers"][0][name]["exec"]["command"]
    return [str(word) for word in command]


def test_redis_has_started_once_it_has_loaded_what_it_holds():
    """It answers LOADING before, and redis-cli ends with 0: a rollout would be called done too early."""
    with DockerContainer("redis:drill").with_command(f"redis-server --dir /data {SLOW}") as container:

        def ended(command: list[str]) -> tuple[int, str]:
            result = container.exec(command)
            return result.exit_code, result.output.decode().strip()

        def until_started() -> None:
            wait.until(
                "the startup probe to succeed",
                lambda: ended(probe("startupProbe")),
                lambda seen: seen[0] == 0,
                seconds=LONG_SECONDS,
            )

        until_started()
        fill = "for key in $(seq 1000); do printf 'set %s %02048d\\n' $key 0; done | redis-cli > /dev/null"
        assert ended(["sh", "-c", fill]) == (0, "")
        assert ended(["redis-cli", "save"]) == (0, "OK")
        container.get_wrapped_container().restart()
        wait.until(
            "Redis to answer LOADING",
            lambda: ended(["redis-cli", "ping"]),
            lambda seen: seen[1].startswith("LOADING"),
            seconds=LONG_SECONDS,
        )
        assert ended(probe("startupProbe"))[0] != 0
        assert ended(["redis-cli", "ping"])[0] == 0
        assert ended(["redis-cli", "config", "set", "key-load-delay", "0"]) == (0, "OK")
        until_started()
        assert ended(["redis-cli", "dbsize"]) == (0, "1000")
