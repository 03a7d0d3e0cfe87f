"""The runbook's dashboards in headless Chromium, as its operator would open them: by the addresses that
stand in the runbook, led by the operator's names, trusting the certificates that the operator trusts. Flows
in: a runbook, an operator's world. Flows out: what each page shows, and its picture.
"""

from __future__ import annotations

import base64
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.panels import PANELS, UNDRAWN, Panel, panel_of
from benchmarks.row import MeasureError
from drill import wait
from drill.errors import DeadlineError
from tests.browser.chromium import BrowserError, Chromium, Page, find_chromium

DRAWN_SECONDS, ANSWER_SECONDS = 30.0, 60.0
WIDTH, LEAST_HEIGHT = 1280, 200
WHOLE_HEIGHT = "document.documentElement.scrollHeight"


def check_browser() -> None:
    """Raise MeasureError where there is no Chromium, and say what to install."""
    try:
        find_chromium()
    except BrowserError as error:
        raise MeasureError(str(error)) from error


def address_of(page: str, runbook: str) -> str:
    """Where the runbook says that a dashboard is. Raises MeasureError where it does not."""
    found = re.search(rf"https://[\w.-]+/d/{re.escape(page)}\b(?!-)", runbook)
    if found is None:
        raise MeasureError(f"the runbook has no address of the dashboard {page}")
    return found[0]


def options_for(names: Mapping[str, str], certificate: Path | None) -> list[str]:
    """Chromium's options that lead these names where they lead the operator, "name:443" -> "host:port", and
    have it trust the public keys of these certificates (PEM)."""
    rules = ", ".join(f"MAP {name} {place}" for name, place in names.items())
    keys = (
        []
        if certificate is None
        else [
            base64.b64encode(
                sha256(
                    each.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
                ).digest()
            ).decode()
            for each in x509.load_pem_x509_certificates(certificate.read_bytes())
        ]
    )
    return [
        "--no-proxy-server",
        f"--host-resolver-rules={rules}",
        *([f"--ignore-certificate-errors-spki-list={','.join(keys)}"] if keys else []),
    ]


@contextmanager
def browser(options: list[str]) -> Iterator[Chromium]:
    """A Chromium of its own."""
    with tempfile.TemporaryDirectory(prefix="drill-chromium-", ignore_cleanup_errors=True) as folder:
        chromium = Chromium(Path(folder) / "profile", options, ANSWER_SECONDS)
        try:
            yield chromium
        finally:
            with suppress(BrowserError, OSError, subprocess.TimeoutExpired):  # it is killed then
                chromium.close()


def look_at(chromium: Chromium, address: str, kept: Path) -> list[Panel]:
    """Open a dashboard, wait until it has drawn each panel, and read it. Beside `kept`, a name without an
    ending: its picture, and the page as it was rendered. Raises MeasureError where it cannot be opened, or is
    not drawn."""
    try:
        page = chromium.new_page()
        try:
            return _read(page, address, kept)
        finally:
            page.close()
    except BrowserError as error:
        raise MeasureError(f"Chromium: {error}") from error


def _read(page: Page, address: str, kept: Path) -> list[Panel]:
    page.size(WIDTH, LEAST_HEIGHT)
    page.visit(address)
    try:
        wait.until(
            f"{address} to draw its panels",
            lambda: page.evaluate(UNDRAWN),
            lambda undrawn: undrawn == [],
            seconds=DRAWN_SECONDS,
        )
    except DeadlineError as error:
        raise MeasureError("; ".join([str(error), *_complaints(page, address)])) from error
    found = page.evaluate(PANELS)
    page.size(WIDTH, int(page.evaluate(WHOLE_HEIGHT)))
    kept.parent.mkdir(parents=True, exist_ok=True)
    page.picture(kept.with_suffix(".png"))
    kept.with_suffix(".html").write_text(page.evaluate("document.documentElement.outerHTML"), "utf-8")
    kept.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    said = _complaints(page, address)
    if said or not found:
        raise MeasureError(f"{address}: {'; '.join(said) or 'a page without panels'}")
    return [panel_of(each) for each in found]


def _complaints(page: Page, address: str) -> list[str]:
    parts = urlsplit(address)
    return page.complaints(f"{parts.scheme}://{parts.netloc}/")
