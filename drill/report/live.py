"""The one line that lives while a drill runs. Flows in: the phase, what users see, what is awaited. Flows
out: a line that keeps itself up to date on a terminal; elsewhere a line for each change of phase, and one
every few seconds.

Under pytest what tests write is captured, so the terminal is taken when this module is imported: plugins are,
before capturing begins.
"""

from __future__ import annotations

import os
import time
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from drill.report.units import seconds_text

REFRESHES_PER_SECOND = 4
PLAIN_EVERY_SECONDS = 5.0
NOTICED_ERROR_SHARE = 0.001
STANDARD_ERROR = 2


_terminal_descriptor = os.dup(STANDARD_ERROR)


def terminal() -> TextIO:
    """A stream of its own to where standard error led when this module was imported, whatever was done to
    that since.
    """
    return os.fdopen(os.dup(_terminal_descriptor), "w", encoding="utf-8", errors="replace", buffering=1)


class LiveLine:
    """The first `update` shows the line, `end` takes it away; then it may begin again. What an update does
    not name stays as it was.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        """`stream`: where to, the terminal unless given."""
        self._console = Console(file=stream or terminal(), highlight=False)
        self._live: Live | None = None
        self._forget()

    def _forget(self) -> None:
        self._began = time.monotonic()
        self._shown = False
        self._phase, self._awaiting = "", ""
        self._requests_per_second: float | None = None
        self._p95_seconds: float | None = None
        self._error_share: float | None = None
        self._printed_phase, self._printed_at = "", 0.0

    def _begin(self) -> None:
        self._began, self._shown = time.monotonic(), True
        if self._console.is_terminal:
            self._console.line()
            self._live = Live(
                console=self._console,
                get_renderable=self._text,
                refresh_per_second=REFRESHES_PER_SECOND,
                transient=True,
            )
            self._live.start()

    def end(self) -> None:
        """Take the line away and forget what it showed."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._forget()

    def update(
        self,
        *,
        phase: str | None = None,
        requests_per_second: float | None = None,
        p95_seconds: float | None = None,
        error_share: float | None = None,
        awaiting: str | None = None,
    ) -> None:
        """Show these from now on. `error_share`: 0 to 1; `awaiting`: what the drill is waiting for, empty
        when for nothing.
        """
        self._phase = self._phase if phase is None else phase
        self._awaiting = self._awaiting if awaiting is None else awaiting
        self._requests_per_second = (
            self._requests_per_second if requests_per_second is None else requests_per_second
        )
        self._p95_seconds = self._p95_seconds if p95_seconds is None else p95_seconds
        self._error_share = self._error_share if error_share is None else error_share
        if not self._shown:
            self._begin()
        if self._live is None:
            self._print_when_due()

    def _print_when_due(self) -> None:
        now = time.monotonic()
        if self._phase != self._printed_phase or now - self._printed_at >= PLAIN_EVERY_SECONDS:
            self._printed_phase, self._printed_at = self._phase, now
            self._console.print(self._text(), soft_wrap=True)

    def _text(self) -> Text:
        elapsed = round(time.monotonic() - self._began)
        parts = [(f"{elapsed // 60:d}:{elapsed % 60:02d}", "dim")]
        parts.append((self._phase or "starting", "bold"))
        if self._requests_per_second is not None:
            parts.append((f"{self._requests_per_second:.0f} requests/s", ""))
        if self._p95_seconds is not None:
            parts.append((f"p95 {seconds_text(self._p95_seconds)}", ""))
        if self._error_share is not None:
            parts.append(
                (
                    f"errors {100 * self._error_share:.1f} %",
                    "bold red" if self._error_share >= NOTICED_ERROR_SHARE else "",
                )
            )
        if self._awaiting:
            parts.append((f"waiting for {self._awaiting}", "italic"))
        line = Text(no_wrap=True, overflow="ellipsis")
        for number, (text, style) in enumerate(parts):
            line.append("  " if number else "").append(" ".join(text.split()), style)
        return line
