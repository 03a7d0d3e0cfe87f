"""A user's connections. Flows in: the pool of a FastHttpUser's client, and requests as bytes. Flows out:
answers, as real users see them.

Two habits of the HTTP client below Locust would falsify an outage. It sends a GET again, as often as its pool
is large, when the connection breaks: failures that users see would be missing. And it keeps a connection as
long as it lives: all traffic would stay with the pods that were there at the start, and a connection into a
killed pod would fail requests of a service that is well. So: nothing is ever sent twice, a connection found
closed is not used, and a user's visit ends after some requests or seconds; the next one opens a connection of
its own, as new users do all the time.

Nor do real users share one address and its 28,000 ports, which is what a published port on 127.0.0.1 makes of
them. When an outage leaves connections unanswered, the address translation of this machine remembers their
ports for two minutes, and resets a new connection that gets such a port: requests of a service that is well
would fail again. So each connection to 127.0.0.0/8 comes from an address of its own there.
"""

from __future__ import annotations

import random
import socket
import sys
import time
from weakref import WeakKeyDictionary

import gevent.socket
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPSocketPoolResponse

REQUESTS_PER_VISIT = 20
SECONDS_PER_VISIT = 5.0
BIND_ADDRESS_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux: the port is chosen when the connection is made; not in Python 3.11."""


class Visits:
    """The connections of one user. `pool` opens them (and does TLS), this decides which to use; there is no
    limit on how many, for open arrivals have as many requests under way as the target leaves unanswered."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._addresses: list[object] = []
        self._idle: list[gevent.socket.socket] = []
        self._visits: WeakKeyDictionary[gevent.socket.socket, tuple[int, float]] = WeakKeyDictionary()

    def exchange(self, method: str, head: bytes, body: bytes) -> tuple[int, bytes]:
        """Send `head` and `body` once, return status and body of the answer.

        Raises OSError, or HTTPConnectionClosed or HTTPParseError of geventhttpclient; the caller bounds the
        time.
        """
        connection = self._take()
        try:
            connection.sendall(head + body)
        except BaseException:
            self.release_socket(connection)
            raise
        answer = HTTPSocketPoolResponse(connection, self, method=method)
        return answer.get_code(), bytes(answer.read())

    def return_socket(self, connection: gevent.socket.socket) -> None:
        """The answer was read in full: keep the connection, unless the visit is over. Called by the
        answer.
        """
        requests_left, ends = self._visits[connection]
        if requests_left <= 1:
            self.release_socket(connection)
            return
        self._visits[connection] = (requests_left - 1, ends)
        self._idle.append(connection)

    def release_socket(self, connection: gevent.socket.socket) -> None:
        """The connection is of no more use. Called by the answer when it was cut short."""
        self._visits.pop(connection, None)
        connection.close()

    def close(self) -> None:
        """Close what is idle; what is under way is closed by whoever uses it."""
        while self._idle:
            self.release_socket(self._idle.pop())

    def _take(self) -> gevent.socket.socket:
        """A kept connection that is still open, or a new one. Raises OSError when none can be opened."""
        while self._idle:
            connection = self._idle.pop()
            if _still_open(connection) and self._visits[connection][1] > time.monotonic():
                return connection
            self.release_socket(connection)
        if not self._addresses:
            self._addresses = self._pool._resolve()
            self._pool._resolve = lambda: (
                self._addresses
            )  # looked up once: names are not what is tested, and a look-up takes a thread
            if sys.platform == "linux" and all(_is_loopback(each) for each in self._addresses):
                self._pool._create_tcp_socket = _from_own_address
        connection = self._pool._create_socket()
        connection.settimeout(None)
        self._visits[connection] = (REQUESTS_PER_VISIT, time.monotonic() + SECONDS_PER_VISIT)
        return connection


def _is_loopback(address: tuple[object, ...]) -> bool:
    """Of an answer of getaddrinfo: is it in 127.0.0.0/8?"""
    family, end = address[0], address[-1]
    return family == socket.AF_INET and isinstance(end, tuple) and str(end[0]).startswith("127.")


def _from_own_address(family: int, kind: int, protocol: int) -> gevent.socket.socket:
    """A socket that will connect from a random address of 127.0.0.0/8, any of which is this machine's own."""
    connection = gevent.socket.socket(family, kind, protocol)
    connection.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
    connection.bind((f"127.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}", 0))
    return connection


def _still_open(connection: gevent.socket.socket) -> bool:
    """False when the other side has closed it, or sent what nobody asked for."""
    try:
        connection._sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
