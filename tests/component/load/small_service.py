"""A small HTTP service that keeps what is written in memory, for tests and benchmarks of the load. `python
small_service.py PORT [SECONDS]`: it answers one request after the other, each after so many seconds.

Routes: GET /, POST /notes, GET /notes (all, or one page of ten: ?page=1), GET /notes/ID, DELETE /notes/ID;
/lists-read, /addresses (how many lists were read, where each connection came from).
Plain asyncio: nothing of drill, nothing of the reference target.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time


class Service(asyncio.Protocol):
    """One connection: HTTP/1.1, kept alive, requests with Content-Length."""

    notes: dict[str, dict[str, str]] = {}  # noqa: RUF012  one store for all connections
    addresses: list[str] = []  # noqa: RUF012
    lists_read = 0
    seconds = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.addresses.append(transport.get_extra_info("peername")[0])
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, rest = self.received.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self.received = rest[length:]
            method, path, _ = lines[0].split(" ")
            self.answer(*self.handle(method, path, rest[:length]))

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, object]:
        time.sleep(self.seconds)  # all wait: it has one pair of hands
        path, _, query = target.partition("?")
        if method == "GET" and path == "/notes":
            type(self).lists_read += 1
            page = int(query.removeprefix("page=") or 0)
            notes = list(self.notes.values())
            return 200, {"notes": notes[(page - 1) * 10 : page * 10] if page else notes}
        told = {"/lists-read": self.lists_read, "/addresses": self.addresses}
        if method == "GET" and path in told:
            return 200, told[path]
        if method == "POST" and path == "/notes":
            identity = f"n{len(self.notes) + 1}"
            self.notes[identity] = {"id": identity, **json.loads(body)}
            return 201, self.notes[identity]
        name = path.removeprefix("/notes/")
        if method == "DELETE" and name in self.notes:
            return 200, self.notes.pop(name)
        if method == "GET" and name in self.notes:
            return 200, self.notes[name]
        return (200, {"status": "ok"}) if path == "/" else (404, {"detail": "no such thing"})

    def answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.transport.write(
            b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (status, len(body), body)
        )


async def serve(port: int, seconds: float) -> None:
    Service.seconds = seconds
    server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2] if len(sys.argv) > 2 else 0)))
