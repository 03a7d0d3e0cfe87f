"""What every fault is: one frozen record of a kind, whose fields are all that the undo needs. It is written
into the ledger as it is before anything is broken, so that whoever finds it there can put the target back.

A kind is one class here in drill/faults, marked with `kind`. What an experiment says of it (`parameters`)
becomes a record by `prepare`, on the target as it is now. The order of the calls is kept by drill.inject, not
here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec

from drill.cluster.access import Cluster
from drill.recording import Moment, now
from drill.settings import Settings, Workload


class Injected(msgspec.Struct, frozen=True):
    """One injection. `at`: the moment just before the target was touched; `detail`: what was hit, as JSON."""

    at: Moment
    detail: dict[str, Any]


class Sight(msgspec.Struct, frozen=True):
    """One look at the platform's side of a fault: whether it shows, and what was seen."""

    shows: bool
    observed: str


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what an experiment may say of a kind; this one: nothing."""


@dataclass(frozen=True)
class Site:
    """Where a fault strikes. `workload`: the pods of the part that it hits, else of the application; `part`:
    its name, empty for the application; `beside`: gives the path of a file that is kept beside the ledger's
    entry, by its ending."""

    cluster: Cluster
    settings: Settings
    workload: Workload
    part: str
    beside: Callable[[str], Path]

    def filled(self, text: str) -> str:
        """`text` with {workload}, {container}, {service} and {namespace} filled in."""
        names = {
            "workload": self.workload.name,
            "container": self.workload.container,
            "service": self.settings.target.service,
            "namespace": self.cluster.namespace,
        }
        for name, value in names.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def filled_in(self, value: dict[str, Any]) -> dict[str, Any]:
        """The same in every text of a JSON object."""
        filled: dict[str, Any] = json.loads(self.filled(json.dumps(value)))
        return filled


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault on one target. Errors of all methods: ClusterError, FaultError, DeadlineError."""

    kind: ClassVar[str] = ""
    parameters: ClassVar[type[Parameters]] = Parameters

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> Fault:
        """Find out all that the undo will need; nothing is broken yet. `parameters`: of the class's own
        type.
        """
        raise NotImplementedError

    def shown(self) -> dict[str, Any]:
        """The record as evidence may show it: without what is secret."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {"kind": self.kind, **fields}

    def inject(self, cluster: Cluster) -> Injected:
        """Break it, now."""
        raise NotImplementedError

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        """Look once at the platform's side. `detail`: of the injection."""
        raise NotImplementedError

    def undo(self, cluster: Cluster) -> str:
        """Put back what is still broken, whether it was injected, half injected, not at all, or repaired by
        someone meanwhile; what was done, in words. May be called again after it was killed half way."""
        raise NotImplementedError


KINDS: dict[str, type[Fault]] = {}
"""Every kind of fault, by the name that experiments and the ledger use; drill.faults.catalogue fills it."""
Kind = TypeVar("Kind", bound=Fault)


def kind(name: str) -> Callable[[type[Kind]], type[Kind]]:
    """Make a record the faults of that kind."""

    def enter(record: type[Kind]) -> type[Kind]:
        record.kind = name
        KINDS[name] = record
        return record

    return enter


def moment_between(before: Moment, wall: float) -> Moment:
    """The moment at which another process of this machine's clock said `wall`; `before`, where it says what
    cannot be.
    """
    after = now()
    if not before.wall <= wall <= after.wall:
        return before
    return Moment(wall=wall, monotonic=before.monotonic + (wall - before.wall))
