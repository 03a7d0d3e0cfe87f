"""An independent look at an outage: so many times a second a new TCP connection and one request. Knows
nothing of drill.

Flows in: `python prober.py PORT PROBES_PER_SECOND SECONDS FILE`, always to / at 127.0.0.1. Flows out: FILE, a
line per probe in the order planned: its planned moment and the moment at which it ended (seconds of
CLOCK_MONOTONIC), and 1 where an HTTP status below 500 came, else 0.

Open arrivals on one thread and epoll: a probe is sent when its moment has come, whether or not earlier ones
were answered. Only while MOST_OPEN of them wait for an answer is a probe not sent, and counts as failed:
without that bound a target that hangs is buried under connections, and the forwarding of the container's port
with it.
"""

from __future__ import annotations

import errno
import gc
import os
import select
import socket
import struct
import sys
import time
from collections import deque
from pathlib import Path

TIMEOUT_SECONDS = 2.0
MOST_OPEN = 1000
STATUS_LINE = b"HTTP/1.1 200"
LINGER_NOT = struct.pack(
    "ii", 1, 0
)  # so that no port is kept in TIME_WAIT: there are fewer than a minute of probes needs
NICENESS = -10


class Probe:
    """One connection. `ended` is 0 while it is under way."""

    __slots__ = ("connection", "ended", "good", "planned", "received")

    def __init__(self, planned: float) -> None:
        self.planned, self.ended, self.good, self.received = planned, 0.0, False, b""
        self.connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)


class Prober:
    """All probes of one run."""

    def __init__(self, port: int, probes_per_second: float) -> None:
        self._address = ("127.0.0.1", port)
        self._every_seconds = 1 / probes_per_second
        self._request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
        self._poll = select.epoll()
        self._open: dict[int, Probe] = {}
        self._waiting: deque[Probe] = deque()
        self.probes: list[Probe] = []

    def run(self, seconds: float) -> None:
        """Probe for so long, and then until the last is answered or timed out."""
        begin, sent, count = time.monotonic(), 0, round(seconds / self._every_seconds)
        while sent < count or self._waiting:
            now = time.monotonic()
            while sent < count and begin + sent * self._every_seconds <= now:
                self._start(begin + sent * self._every_seconds)
                sent += 1
            while self._waiting and (
                self._waiting[0].ended or now - self._waiting[0].planned > TIMEOUT_SECONDS
            ):
                probe = self._waiting.popleft()
                if not probe.ended:
                    self._end(probe)
            due = begin + sent * self._every_seconds if sent < count else now + 0.01
            for descriptor, event in self._poll.poll(max(0.0, due - time.monotonic())):
                self._go_on(self._open[descriptor], event)

    def _start(self, planned: float) -> None:
        probe = Probe(planned)
        self.probes.append(probe)
        if len(self._open) >= MOST_OPEN:
            probe.connection.close()
            probe.ended = planned
            return
        self._waiting.append(probe)
        self._open[probe.connection.fileno()] = probe
        self._poll.register(probe.connection, select.EPOLLOUT)
        if probe.connection.connect_ex(self._address) not in (0, errno.EINPROGRESS):
            self._end(probe)

    def _go_on(self, probe: Probe, event: int) -> None:
        try:
            if event & select.EPOLLOUT:
                probe.connection.sendall(self._request)
                self._poll.modify(probe.connection, select.EPOLLIN)
                return
            block = probe.connection.recv(4096)
        except OSError:
            self._end(probe)
            return
        probe.received += block
        if len(probe.received) >= len(STATUS_LINE) or not block:
            probe.good = probe.received.startswith(b"HTTP/1.") and probe.received[9:10] in (
                b"1",
                b"2",
                b"3",
                b"4",
            )
            self._end(probe)

    def _end(self, probe: Probe) -> None:
        del self._open[probe.connection.fileno()]
        self._poll.unregister(probe.connection)
        probe.connection.close()
        probe.ended = time.monotonic()


def main(port: int, probes_per_second: float, seconds: float, file: Path) -> None:
    """Probe, and write what was seen."""
    try:
        os.setpriority(
            os.PRIO_PROCESS, 0, NICENESS
        )  # as the load has it: what waits for the processor would measure itself
    except PermissionError:
        print("the prober runs at normal priority", file=sys.stderr)
    gc.disable()
    prober = Prober(port, probes_per_second)
    prober.run(seconds)
    lines = (f"{probe.planned:.6f} {probe.ended:.6f} {int(probe.good)}\n" for probe in prober.probes)
    file.write_text("".join(lines), encoding="ascii")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
