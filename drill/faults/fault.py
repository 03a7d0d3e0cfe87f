"""What every fault is: one frozen record of a kind, whose fields are all that the undo needs. It is written
into the ledger as it is before anything is broken, so that whoever finds it there can put the target back.

A kind is one class here in drill/faults, marked with `kind`. What an experiment says of it (`parameters`)
becomes a record by `prepare`, on the target as it is now. The order of the calls is kept by drill.inject, not
here.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, TypeVar

import msgspec

from drill.cluster.access import Cluster, Json
from drill.cluster.health import running_pods
from drill.cluster.pods import container_of
from drill.errors import FaultError
from drill.parts.database_file import DatabaseFile
from drill.recording import Moment, now
from drill.settings import Settings, Sqlite, Workload


class Injected(msgspec.Struct, frozen=True):
    """One injection. `at`: the moment just before the target was touched; `detail`: what was hit, as JSON."""

    at: Moment
    detail: dict[str, Any]


class Sight(msgspec.Struct, frozen=True):
    """One look at the platform's side of a fault: whether it shows, and what was seen."""

    shows: bool
    observed: str


class StruckWorkload(msgspec.Struct, frozen=True):
    """What a fault is about: one workload, its container that does the work, and the target's Service."""

    workload: str
    workload_kind: str
    container: str
    service: str


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

    @property
    def subject(self) -> StruckWorkload:
        """The workload and the target's Service, as a record keeps them."""
        return self._struck(self.workload)

    @property
    def application(self) -> StruckWorkload:
        """The same of the application's workload."""
        return self._struck(self.settings.target.application)

    def _struck(self, workload: Workload) -> StruckWorkload:
        return StruckWorkload(workload.name, workload.kind, workload.container, self.settings.target.service)

    def filled(self, text: str) -> str:
        """`text` with {workload}, {container}, {service}, its {port} and {namespace} filled in; {image} and
        {command} are those that the container runs now, the command quoted for a shell, {application_image}
        that of the application; {file}, {folder} and {volume_claim} are those of a part in a file."""
        names: dict[str, Callable[[], str]] = {
            "workload": lambda: self.workload.name,
            "container": lambda: self.workload.container,
            "service": lambda: self.settings.target.service,
            "port": self._port,
            "namespace": lambda: self.cluster.namespace,
            "image": lambda: self._image(self.workload),
            "application_image": lambda: self._image(self.settings.target.application),
            "command": self._command,
        }
        file = self.settings.parts.get(self.part)
        if isinstance(file, Sqlite):
            names["file"] = lambda: file.path
            names["folder"] = lambda: str(PurePosixPath(file.path).parent)
            names["volume_claim"] = lambda: file.volume_claim
        for name, value in names.items():
            if f"{{{name}}}" in text:
                text = text.replace(f"{{{name}}}", value())
        return text

    def filled_in(self, value: Any) -> Any:
        """The same in every text of JSON."""
        if isinstance(value, str):
            return self.filled(value)
        if isinstance(value, list):
            return [self.filled_in(each) for each in value]
        if isinstance(value, dict):
            return {key: self.filled_in(each) for key, each in value.items()}
        return value

    @property
    def database_file(self) -> DatabaseFile:
        """That of the part that the fault hits. Raises FaultError where it is no SQLite database."""
        part = self.settings.parts.get(self.part)
        if not isinstance(part, Sqlite):
            raise FaultError(f"{self.part!r}: expected a part of kind sqlite, a database in a file")
        return DatabaseFile.of(part, self.workload, self.pod_spec())

    def pod_spec(self) -> Json:
        """What the workload's pods are made from."""
        spec: Json = self._template_of(self.workload)["spec"]
        return spec

    def labels_of(self, workload: Workload) -> dict[str, str]:
        """The labels of the workload's pods."""
        labels: dict[str, str] = self._template_of(workload)["metadata"]["labels"]
        return labels

    def _template_of(self, workload: Workload) -> Json:
        template: Json = self.cluster.workload(workload.name, workload.kind)["spec"]["template"]
        return template

    def _port(self) -> str:
        path = self.cluster.core("services", self.settings.target.service)
        return str(self.cluster.get(path)["spec"]["ports"][0]["port"])

    def _image(self, workload: Workload) -> str:
        return str(container_of(self._template_of(workload)["spec"], workload.container)["image"])

    def _command(self) -> str:
        workload = self.workload
        pods = running_pods(self.cluster, workload.name, workload.container, workload.kind)
        if not pods:
            raise FaultError(f"no pod of {workload.name} runs: what its container runs cannot be told")
        read = ["cat", "/proc/1/cmdline"]
        said = self.cluster.exec(pods[0]["metadata"]["name"], workload.container, read)
        return shlex.join(said.decode().rstrip("\0").split("\0"))


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
