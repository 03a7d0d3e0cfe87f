"""What all tests stand on: an interrupt reaches what they start.

A shell that starts a job in its background lets it ignore SIGINT, and so do all that the job starts: tests of
Ctrl-C would fail in a CI that runs there, for nothing that drill does.
"""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
