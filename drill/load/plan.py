"""What is sent, and when it was planned. Pure: nothing here looks at a clock or sends anything, and nothing
heavy is imported, since the Locust process starts with it.

Time is cut into slots of 1 / requests_per_second on CLOCK_MONOTONIC, one request each, so users, processes
and a later reader agree on the plan without talking to each other: slot s is planned at s /
requests_per_second.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from drill.errors import UsageError

if TYPE_CHECKING:
    from drill.settings import Settings

PLACEHOLDER = re.compile(r"\{(\w+)\}")
OF_LISTS = ("page", "offset")
"""Placeholders of a list that is read in pieces, which the audit fills in: the number of the page, or of the
first row.
"""
MOST_LATE_SECONDS = 0.25
"""A request that cannot be sent by then after its planned moment is not sent: all that a stopped load missed,
sent at once when it goes on, would be an attack of its own."""
NOT_SENT = "not sent: "
"""How the error of a request begins that the load itself could not send, or not in time."""
LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


class RequestKind(msgspec.Struct, frozen=True):
    """One [[load.requests]] of drill.toml. `read_back`: the path that returns a write, empty for what writes
    nothing; `contains`: what the answer there must hold. Both with fields of the write's own answer in
    braces, and {unique}."""

    name: str
    path: str
    method: str = "GET"
    body: str = ""
    success_status: int = 200
    weight: int = 1
    read_back: str = ""
    contains: str = "{unique}"


class Plan(msgspec.Struct, frozen=True):
    """All that the load needs to know of a target. Seconds; `address`: http://HOST:PORT."""

    address: str
    requests_per_second: float
    timeout_seconds: float
    requests: list[RequestKind]


def plan_of(settings: Settings) -> Plan:
    """The plan that drill.toml describes."""
    load = settings.load
    kinds = [
        RequestKind(
            name=request.name,
            path=request.path,
            method=request.method,
            body=request.body or "",
            success_status=request.success_status,
            weight=request.weight,
            read_back=request.write.read_back if request.write else "",
            contains=request.write.contains if request.write else "",
        )
        for request in load.requests
    ]
    return Plan(settings.target.address, load.requests_per_second, load.timeout_seconds, kinds)


def read_plan(path: Path) -> Plan:
    """The plan in a file of JSON, as Load writes it, or in a drill.toml. Raises a DrillError for a bad
    drill.toml.
    """
    if path.suffix == ".json":
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    from drill.settings import load  # noqa: PLC0415  half a second that a drill's own load does not need to spend

    return plan_of(load(path))


class Mix:
    """Which request each slot sends. Weights are held exactly within each block of slots as long as their sum
    (over their common divisor); the order within a block is shuffled, so no user always does the same
    thing."""

    def __init__(self, requests: Sequence[RequestKind]) -> None:
        divisor = math.gcd(*(request.weight for request in requests))
        self._block = [request for request in requests for _ in range(request.weight // divisor)]
        self._shuffled: tuple[int, list[RequestKind]] = (-1, [])

    def at(self, slot: int) -> RequestKind:
        """The request of this slot; the same one whoever asks."""
        number, position = divmod(slot, len(self._block))
        if self._shuffled[0] != number:
            order = list(self._block)
            random.Random(number).shuffle(order)
            self._shuffled = (number, order)
        return self._shuffled[1][position]


class Filled(msgspec.Struct, frozen=True):
    """A request ready to be sent. `unique` is the id that stands in it wherever drill.toml says {unique};
    `body` is empty when it has none.
    """

    request: RequestKind
    unique: str
    path: str
    body: bytes


def fill(request: RequestKind, unique: str, sequence: int) -> Filled:
    """Put `unique` and `sequence` into path and body."""
    return Filled(
        request=request,
        unique=unique,
        path=substitute(request.path, unique, sequence),
        body=substitute(request.body, unique, sequence).encode(),
    )


def substitute(text: str, unique: str, sequence: int) -> str:
    """`text` with {unique} and {sequence} filled in; every other brace stays, for a JSON body is full of
    them.
    """
    return text.replace("{unique}", unique).replace("{sequence}", str(sequence)) if "{" in text else text


def filled_from(template: str, unique: str, answer: object) -> str:
    """`template` with {unique} and the fields of a write's own answer; {page} and {offset} stay. Empty when
    the answer lacks one of them."""
    return _filled(template, unique, answer, str)


def read_back_path(template: str, unique: str, answer: object) -> str:
    """The path that returns a write: as `filled_from`, each value quoted for a path."""
    return _filled(template, unique, answer, lambda value: quote(str(value), safe=""))


def _filled(template: str, unique: str, answer: object, written: Callable[[object], str]) -> str:
    fields: Mapping[str, Any] = answer if isinstance(answer, dict) else {}
    values = {**fields, "unique": unique}
    names = [name for name in PLACEHOLDER.findall(template) if name not in OF_LISTS]
    if any(isinstance(values.get(name), type(None) | dict | list) for name in names):
        return ""
    return PLACEHOLDER.sub(
        lambda match: match[0] if match[1] in OF_LISTS else written(values[match[1]]), template
    )


def allowed_host(host: str, target_address: str) -> str:
    """`host` without its last slash, when it is this machine or the target's own address. Raises UsageError
    for any other: a load is an attack on whoever did not ask for it."""
    address = host.rstrip("/")
    name = urlsplit(address).hostname or ""
    if address == target_address.rstrip("/") or LOOPBACK.fullmatch(name):
        return address
    raise UsageError(
        f"the load may only be sent to this machine or to target.address of drill.toml ({target_address}), "
        f"not to {host!r}. "
        "Name another target in drill.toml, or leave --host out"
    )


class Share(msgspec.Struct):
    """The part of the plan that one process carries out: every slot s with s % processes == process, from the
    first one that it plans to the last one before it ends."""

    processes: int = 1
    process: int = 0
    last: int = -1
    """The newest slot that was handed out."""

    def begin(self, now_slot: int) -> None:
        """What was planned up to `now_slot` is not ours."""
        self.last = now_slot

    def next(self) -> int:
        """The slot that comes after the newest one."""
        return self.last + 1 + (self.process - self.last - 1) % self.processes
