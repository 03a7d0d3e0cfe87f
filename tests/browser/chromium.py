"""Headless Chromium by its DevTools protocol, over a pipe: JSON between null bytes, for which no package is
needed. Flows in: pages on this disk. Flows out: what a reader would see of them.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "no Chromium: none of {names} is on the PATH. Install one (Debian: apt-get install chromium), or name "
    "one in DRILL_CHROMIUM"
)
ANSWER_SECONDS = 600.0
"""For one answer, on a machine that does other things."""
KEYS = {"Tab": ("Tab", 9, "", 0), "Shift+Tab": ("Tab", 9, "", 8), "Enter": ("Enter", 13, "\r", 0)}
"""Key -> its name, its code for Windows, text and modifiers, by which Chromium knows it."""


class BrowserError(Exception):
    """Chromium is missing, ended, or refused something."""


def find_chromium() -> str:
    """DRILL_CHROMIUM, or the first of PROGRAMS on the PATH. Raises BrowserError that says what to install."""
    named = os.environ.get("DRILL_CHROMIUM")
    if named is not None:
        if shutil.which(named) is None:
            raise BrowserError(f"DRILL_CHROMIUM={named}: no such program")
        return named
    for name in PROGRAMS:
        if shutil.which(name):
            return name
    raise BrowserError(MISSING.format(names=", ".join(PROGRAMS)))


class Chromium:
    """One browser process with a profile of its own; `close` ends it."""

    def __init__(
        self, profile: Path, more: Sequence[str] = (), answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        """`more`: options of its command line, beside those that all pages need; `answer_seconds`: how long
        it may take for one answer."""
        self._answer_seconds = answer_seconds
        from_chromium, chromium_writes = os.pipe()
        chromium_reads, to_chromium = os.pipe()
        options = [
            "--headless",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            "--no-first-run",
            "--disable-gpu",
            "--disable-background-networking",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            *more,
        ]
        # Chromium reads from descriptor 3 and writes to 4
        shell = f'exec "$0" "$@" 3<&{chromium_reads} 4>&{chromium_writes}'
        self._log = (profile.parent / f"{profile.name}.log").open("wb")
        self._process = subprocess.Popen(
            ["bash", "-c", shell, find_chromium(), *options],
            pass_fds=(chromium_reads, chromium_writes),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        os.close(chromium_reads)
        os.close(chromium_writes)
        self._reads, self._writes = from_chromium, to_chromium
        self._rest = b""
        self._number = 0
        self._events: deque[dict[str, Any]] = deque()

    def close(self) -> None:
        """End the process."""
        try:
            self.send("Browser.close")
            self._process.wait(self._answer_seconds)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._reads)
            os.close(self._writes)
            self._log.close()

    def new_page(self) -> Page:
        """A window that shares nothing with the others."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        target = self.send("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, context, session)

    def send(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Ask, and wait for the answer. Raises BrowserError for a refusal."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._writes, data) :]
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self._events.append(answer)

    def event(self, session: str, method: str = "") -> dict[str, Any] | None:
        """The oldest event of a page that nobody has taken yet; None where there is none. With `method`: wait
        for it."""
        while True:
            for kept in self._events:
                if kept.get("sessionId") == session and method in ("", kept.get("method")):
                    self._events.remove(kept)
                    return kept
            if not method:
                return None
            self._events.append(self._read())

    def _read(self) -> dict[str, Any]:
        until = time.monotonic() + self._answer_seconds
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._reads], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise BrowserError(f"Chromium has not answered for {self._answer_seconds:g} s")
            more = os.read(self._reads, 1 << 20)
            if not more:
                said = Path(self._log.name).read_text(errors="replace")[-2000:]
                raise BrowserError(f"Chromium ended with {self._process.wait()}: {said}")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))


class Page:
    """One window. `size`, `media` and `open` say what is looked at, `evaluate` looks."""

    def __init__(self, chromium: Chromium, context: str, session: str) -> None:
        self._chromium, self._context, self._session = chromium, context, session
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setFocusEmulationEnabled", enabled=True)
        self.size(1280)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask Chromium about this page."""
        return self._chromium.send(method, self._session, **parameters)

    def close(self) -> None:
        """Close the window, and forget what belongs to it."""
        self._chromium.send("Target.disposeBrowserContext", browserContextId=self._context)

    def size(self, width: int, height: int = 900) -> None:
        """Of the window, in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def media(self, *, scheme: str = "light", printed: bool = False) -> None:
        """`scheme`: light or dark; `printed`: as on paper."""
        self.send(
            "Emulation.setEmulatedMedia",
            media="print" if printed else "screen",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def open(self, file: Path, place: str = "") -> None:
        """Load a file anew, and wait until all of it is there. `place`: with #."""
        self.visit(file.as_uri() + place)

    def visit(self, address: str) -> None:
        """Load an address anew, and wait until all of it is there. Raises BrowserError where it cannot be
        loaded."""
        self.send("Page.navigate", url="about:blank")
        self._chromium.event(self._session, "Page.loadEventFired")
        answer = self.send("Page.navigate", url=address)
        if "errorText" in answer:
            raise BrowserError(f"{address}: {answer['errorText']}")
        self._chromium.event(self._session, "Page.loadEventFired")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, of a promise what it becomes. Raises BrowserError for what it
        throws."""
        answer = self.send(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in answer:
            thrown = answer["exceptionDetails"]
            raise BrowserError(thrown.get("exception", {}).get("description", thrown["text"]))
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key of KEYS."""
        name, code, text, modifiers = KEYS[key]
        pressed = {"key": name, "code": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.send("Input.dispatchKeyEvent", type="keyDown", **pressed, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.send("Input.insertText", text=text)

    def complaints(self, own: str = "file:") -> list[str]:
        """What went wrong since this was asked last: errors of scripts, what the page's policy refused, and
        requests that left the file, or what else its `own` addresses begin with."""
        found = []
        while (event := self._chromium.event(self._session)) is not None:
            told = event["params"]
            match event["method"]:
                case "Runtime.exceptionThrown":
                    thrown = told["exceptionDetails"]
                    found.append(thrown.get("exception", {}).get("description", thrown["text"]))
                case "Log.entryAdded" if told["entry"]["level"] == "error":
                    where = told["entry"].get("url", "")
                    found.append(f"{told['entry']['text']} {where}".strip())
                case "Network.requestWillBeSent":
                    address = told["request"]["url"]
                    if not address.startswith((own, "about:", "data:")):
                        found.append(f"asks for {address}")
        return found

    def picture(self, path: Path) -> None:
        """What the window shows, as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def paper(self) -> bytes:
        """The page as PDF, on A4."""
        answer = self.send("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(answer["data"])
