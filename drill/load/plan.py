"""What is sent, and when it was planned. Flows in: [load] of drill.toml and a slot's number. Flows out:
planned times and filled requests.

Time is cut into slots of 1 / requests_per_second on CLOCK_MONOTONIC, one request each, so users, processes
and a later reader agree on the plan without talking to each other: slot s is planned at s /
requests_per_second, and belongs to user s modulo the number of users. Pure: nothing here looks at a clock or
sends anything.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from drill.errors import UsageError
from drill.settings import PlannedRequest

LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


def next_slot(after: int, rank: int, users: int) -> int:
    """The first slot of user `rank` (0-based, of `users`) later than slot `after`. A user who fell behind
    asks again and is given each slot that he missed: none is left out."""
    return after + 1 + (rank - after - 1) % users


class Mix:
    """Which request each slot sends. Weights are held exactly within each block of slots as long as their sum
    (over their common divisor); the order within a block is shuffled, so no user always does the same
    thing."""

    def __init__(self, requests: Sequence[PlannedRequest]) -> None:
        divisor = math.gcd(*(request.weight for request in requests))
        self._block = [request for request in requests for _ in range(request.weight // divisor)]
        self._shuffled: tuple[int, list[PlannedRequest]] = (-1, [])

    def at(self, slot: int) -> PlannedRequest:
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

    request: PlannedRequest
    unique: str
    path: str
    body: bytes


def fill(request: PlannedRequest, unique: str, sequence: int) -> Filled:
    """Put `unique` and `sequence` into path and body."""
    return Filled(
        request=request,
        unique=unique,
        path=substitute(request.path, unique, sequence),
        body=substitute(request.body or "", unique, sequence).encode(),
    )


def substitute(text: str, unique: str, sequence: int) -> str:
    """`text` with {unique} and {sequence} filled in; every other brace stays, for a JSON body is full of
    them.
    """
    return text.replace("{unique}", unique).replace("{sequence}", str(sequence)) if "{" in text else text


def read_back_path(template: str, unique: str, answer: object) -> str:
    """The path that returns a write: `template` with {unique} and the answer's own fields, quoted. Empty when
    the answer lacks one of them.
    """
    fields: Mapping[str, Any] = answer if isinstance(answer, dict) else {}
    values = {**fields, "unique": unique}
    names = re.findall(r"\{(\w+)\}", template)
    if any(values.get(name) is None for name in names):
        return ""
    return re.sub(r"\{(\w+)\}", lambda match: quote(str(values[match.group(1)]), safe=""), template)


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


class Share(msgspec.Struct, dict=True):
    """The part of the plan that one process carries out. Ranks count over all processes; `users` of 0: not
    yet told. `draining`: nothing more is to be planned."""

    users: int = 0
    processes: int = 1
    process: int = 0
    draining: bool = False

    @cached_property
    def _members(self) -> list[object]:
        return []

    def join(self, user: object) -> None:
        """`user` takes part from now on."""
        self._members.append(user)

    def leave(self, user: object) -> None:
        """`user` takes part no longer."""
        self._members.remove(user)

    def rank(self, user: object) -> int:
        """The place of `user` in the order of all users."""
        return (self.process + self._members.index(user) * self.processes) % max(1, self.users)
