"""The server process. Flows in: environment, SIGTERM. Flows out: HTTP on its port until the last request is
answered.

SIGTERM drains: for a few seconds requests are still answered, each closing its connection, while Kubernetes
withdraws the endpoint; then the listening socket closes. A rolling restart so costs no request.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

import uvicorn

from novel_engine.app import logs, settings, web

KEEP_ALIVE_SECONDS = 75
FINISH_SECONDS = 4


class DrainingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, watched: web.Watched, drain_seconds: float) -> None:
        super().__init__(config)
        self._watched = watched
        self._drain_seconds = drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig != signal.SIGTERM or self._watched.draining:
            super().handle_exit(sig, frame)
            return
        self._watched.draining = True
        timer = threading.Timer(self._drain_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()


def main() -> None:
    chosen = settings.from_environment()
    logs.start(chosen.logs)
    application = web.build(chosen)
    watched = web.Watched(application, application.state.store)
    config = uvicorn.Config(
        watched,
        host=chosen.host,
        port=chosen.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    logs.LOGGER.info("starting on port %d with %s", chosen.port, chosen.database)
    DrainingServer(config, watched, chosen.drain_seconds).run()


if __name__ == "__main__":
    main()
