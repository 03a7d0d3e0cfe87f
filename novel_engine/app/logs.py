"""Log lines as the runbook's scripts read them. Flows in: events. Flows out: a line on stdout and in
novel-engine.log.

A line with `response_time` ends in milliseconds; a line of level ERROR ends in the kind of failure, so that
`awk '{print $NF}'` gives a number for the one and something worth counting for the other.
"""

from __future__ import annotations

import logging
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOGGER = logging.getLogger("novel_engine")
LOG_BYTES = 10_000_000
LOG_FILES = 3


def start(folder: Path) -> None:
    """Write to stdout and to `folder`/novel-engine.log (three files of 10 MB at most), else OSError."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    for handler in (
        logging.StreamHandler(sys.stdout),
        RotatingFileHandler(folder / "novel-engine.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1),
    ):
        handler.setFormatter(formatter)
        LOGGER.addHandler(handler)


def request(method: str, path: str, status: int, seconds: float) -> None:
    LOGGER.info(
        "request method=%s path=%s status=%d response_time %.3f", method, path, status, seconds * 1000
    )


def login(name: str, client: str) -> None:
    LOGGER.info("login of %r from %s", name[:64], client)


def login_refused(name: str, client: str, why: str) -> None:
    """`why`: unauthorized, or rate-limited."""
    LOGGER.warning("login failed for %r from %s: %s", name[:64], client, why)


def unauthorized(method: str, path: str, name: str | None, client: str) -> None:
    """Somebody asked for what is not theirs; `name` is None where they have not logged in."""
    LOGGER.warning("unauthorized method=%s path=%s account=%r client=%s", method, path, name, client)


def rate_limited(session: str, limit: int) -> None:
    """Said once a second and session. Of a session only the beginning is shown: the whole is a key."""
    LOGGER.warning(
        "rate limit: session %s... sent more than %d requests in a second", ascii(session[:8]), limit
    )


def failure(what: str, error: BaseException) -> None:
    """One line: `what` failed, the reason, and as last field the kind of the error."""
    LOGGER.error("error in %s: %s: %s", what, " ".join(str(error).split()), type(error).__name__)
