"""The audit of writes (design decision 8): is everything that was acknowledged still there?

Two sources are asked. The service, as users would ask it: over HTTP, at the target's address, each path once
however many writes it must show. And, where the caller knows how, the store itself, since a service that
answers out of a cache hides that its rows never arrived. A write is lost when either says so: the service by
404, 410 or an answer without the write in it, twice; the store once. What nobody could tell is unchecked, and
is said. A target that has fallen silent is not asked about all the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import urllib3

from drill import wait
from drill.errors import DrillError
from drill.load.content import Content
from drill.load.plan import OF_LISTS, Plan, plan_of
from drill.recording import Recorder
from drill.recording.events import AbsentWrite, SampleFailed, WritesAudited
from drill.recording.requests import Request, stream_requests
from drill.settings import Settings

CONNECTIONS = 16
ATTEMPTS = 4
PAUSE_SECONDS = 0.25
READ_TIMEOUT_SECONDS = 5.0
SILENT_SECONDS = 12.0
PAGES_AT_MOST = 1000
OK, GONE = 200, (404, 410)

Answer = Literal["present", "absent", "unknown"]
HeldInStore = Callable[[list[str]], set[str]]
"""Given texts, those of them that the store holds as whole values."""


def audit_writes(
    settings: Settings,
    stream: Path,
    recorder: Recorder | None = None,
    *,
    injected: float | None = None,
    held_in_store: HeldInStore | None = None,
    store: str = "",
) -> WritesAudited:
    """Look for every acknowledged write of `stream`; records what came out when a `recorder` is given.
    `injected`: when the fault was, monotonic seconds; `held_in_store` asks the part named `store`, its errors
    are the caller's."""
    plan, writes = plan_of(settings), acknowledged_writes(stream)
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="audit") as threads:
        answers = _Asker(plan).ask_all(writes, threads)
    held = None if held_in_store is None else _ask_store(held_in_store, writes, store, recorder)
    if held is not None:
        answers = [
            "absent" if _stored_mark(write) not in held else "present" if answer == "unknown" else answer
            for write, answer in zip(writes, answers, strict=True)
        ]
    judged = list(zip(writes, answers, strict=True))
    unchecked = sum(answer == "unknown" for _, answer in judged)
    survivors = [
        write.finished
        for write, answer in judged
        if answer == "present" and (injected is None or write.finished < injected)
    ]
    audited = WritesAudited(
        acknowledged=len(writes),
        checked=len(writes) - unchecked,
        unchecked=unchecked,
        absent=[AbsentWrite(write.write, write.finished) for write, answer in judged if answer == "absent"],
        newest_survivor_at=max(survivors, default=None),
        source=store if held is not None else "",
    )
    if recorder is not None:
        recorder.record(audited)
    return audited


def acknowledged_writes(stream: Path) -> list[Request]:
    """The acknowledged writes of a stream, in the order acknowledged. An absent file has none."""
    chunks: Iterable[list[Request]] = stream_requests(stream) if stream.exists() else ()
    writes = [request for chunk in chunks for request in chunk if request.acknowledged]
    return sorted(writes, key=lambda request: request.finished)


def mark_of(write: Request) -> str:
    """By what the write is found: what its answer must hold, else the id that was sent."""
    return write.contains or write.write


def _stored_mark(write: Request) -> str:
    """By what the store holds it: the id that was sent, unless only the service's own is known to be found
    again.
    """
    mark = mark_of(write)
    return write.write if write.write in mark else mark


def _ask_store(
    held_in_store: HeldInStore, writes: Sequence[Request], store: str, recorder: Recorder | None
) -> set[str] | None:
    """What the store holds of the writes; None, and recorded so, where it cannot be asked after several
    attempts.
    """
    texts = [_stored_mark(write) for write in writes]
    why = ""
    for attempt in range(ATTEMPTS):
        wait.pause(PAUSE_SECONDS * attempt)
        try:
            return held_in_store(texts)
        except DrillError as error:
            why = str(error)
    if recorder is not None:
        recorder.record(SampleFailed(f"the writes in the store {store}", why))
    return None


class _Asker:
    """Asks the target over kept connections."""

    def __init__(self, plan: Plan) -> None:
        self._address = plan.address
        self._templates: Mapping[str, str] = {
            kind.name: kind.contains for kind in plan.requests if kind.read_back
        }
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, retries=False, timeout=READ_TIMEOUT_SECONDS)
        self._last_answer = time.monotonic()

    def ask_all(self, writes: Sequence[Request], threads: ThreadPoolExecutor) -> list[Answer]:
        """One answer for each write. An absence is confirmed by asking again once all others were asked."""
        answers: list[Answer] = ["unknown"] * len(writes)
        with self._pool:
            self._ask(range(len(writes)), writes, answers, threads)
            doubtful = [index for index, answer in enumerate(answers) if answer == "absent"]
            self._ask(doubtful, writes, answers, threads)
        return answers

    def _ask(
        self,
        indexes: Iterable[int],
        writes: Sequence[Request],
        answers: list[Answer],
        threads: ThreadPoolExecutor,
    ) -> None:
        """Fill in the answers of these writes, reading each path once."""
        by_path: dict[str, list[int]] = {}
        for index in indexes:
            if writes[index].read_back and writes[index].name in self._templates:
                by_path.setdefault(writes[index].read_back, []).append(index)
        for path, content in zip(by_path, threads.map(self._read, by_path), strict=True):
            for index in by_path[path]:
                answers[index] = self._look(writes[index], content)

    def _look(self, write: Request, content: Content | None) -> Answer:
        if content is None:
            return "unknown"
        mark = mark_of(write)
        return "present" if content.holds(mark, self._templates[write.name], write.write) else "absent"

    def _read(self, path: str) -> Content | None:
        """All that the target shows at a path, every page of it; nothing where it says that there is nothing,
        None where it does not say."""
        content = Content()
        if not any(f"{{{name}}}" in path for name in OF_LISTS):
            status, body = self._get_patiently(path)
            return content.with_body(body) if status == OK else content if status in GONE else None
        for piece in _pieces(path, content):
            status, body = self._get_patiently(piece)
            if status in GONE:
                return content
            if status != OK:
                return None
            if not content.grows_by(body):
                return content
        return None

    def _get_patiently(self, path: str) -> tuple[int, bytes]:
        """Asks again where no answer of use comes, unless the target has been silent for long."""
        status, body = 0, b""
        for attempt in range(ATTEMPTS):
            wait.pause(PAUSE_SECONDS * attempt)
            if time.monotonic() - self._last_answer > SILENT_SECONDS:
                return 0, b""
            status, body = self._get(path)
            if status == OK or status in GONE:
                break
        return status, body

    def _get(self, path: str) -> tuple[int, bytes]:
        """Status and body; status 0 when no answer came."""
        headers = {"Accept": "application/json", "User-Agent": "drill"}
        try:
            answer = self._pool.request("GET", f"{self._address}{path}", headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError:
            return 0, b""
        self._last_answer = time.monotonic()
        return answer.status, answer.data


def _pieces(path: str, content: Content) -> Iterator[str]:
    """The paths of a list's pieces, as many as are asked for: {page} counts from 1, {offset} the rows before
    it.
    """
    for page in range(1, PAGES_AT_MOST + 1):
        yield path.replace("{page}", str(page)).replace("{offset}", str(content.rows))
