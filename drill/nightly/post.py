"""Sending a summary where the user says, and nowhere else. Flows in: an address, a night. Flows out: one
request."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import urllib3

from drill.errors import SetupError, UsageError
from drill.nightly.night import Night
from drill.nightly.words import night_line, night_markdown

SECONDS = 10.0


def check_address(address: str) -> str:
    """The address. Raises UsageError for what is none of http or https."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError("--webhook: expected https://HOST/PATH, or http://; what was given is neither")
    return address


def post_night(address: str, night: Night) -> None:
    """POST it as JSON: `text` is what chats show. Not tried again, and no redirection is followed. Raises
    SetupError where it was not taken; the address is not shown, since it often holds a secret."""
    body = {
        "text": night_line(night),
        "markdown": night_markdown(night),
        "run": night.run,
        "target": night.target,
        "exit_status": night.exit_status,
    }
    host = urlsplit(address).hostname
    try:
        with urllib3.PoolManager(retries=False, timeout=SECONDS) as pool:
            answer = pool.request(
                "POST",
                address,
                body=json.dumps(body).encode(),
                headers={"Content-Type": "application/json"},
                redirect=False,
            )
    except urllib3.exceptions.HTTPError as error:
        raise SetupError(
            f"the webhook at {host} could not be reached ({type(error).__name__}); the summary is in its file"
        ) from error
    if not 200 <= answer.status < 300:
        raise SetupError(
            f"the webhook at {host} answered {answer.status}, expected 200; the summary is in its file"
        )
