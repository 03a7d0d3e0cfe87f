"""What a part of a target can be asked, whatever its kind. The module of a kind defines `Part`, a class of
this shape; drill.parts.catalogue finds it by the kind's name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from drill.cluster.access import Cluster
from drill.cluster.health import Health
from drill.errors import UsageError
from drill.settings import Settings, Workload
from drill.settings.section import Section


class Made(msgspec.Struct, frozen=True):
    """One backup made by hand. `started`, `finished`: monotonic seconds around the making; what was
    acknowledged before `started` is in it."""

    name: str
    started: float
    finished: float


class Dated(msgspec.Struct, frozen=True):
    """When rows were written, in seconds since the epoch by the part's own clock, which said `clock_wall`
    when it was asked. `newest_wall`: of each age asked for, the newest row that was then so old; None: there
    is none."""

    clock_wall: float
    newest_wall: list[float | None]


class Forgotten(msgspec.Struct, frozen=True):
    """What was removed of what earlier drills left. `rows`: of tables; `beside`: files and folders;
    `size_bytes`: of the store afterwards, None where that is not known; `trouble`: why not all is gone, empty
    where it is."""

    rows: int = 0
    beside: int = 0
    size_bytes: int | None = None
    trouble: str = ""


Description = TypeVar("Description", bound=Section)


class TargetPart:
    """One part of one target in its cluster. Each kind overrides what it can answer. All methods may raise
    ClusterError."""

    def __init__(self, cluster: Cluster, settings: Settings, name: str) -> None:
        self.cluster, self.settings, self.name = cluster, settings, name

    def described_as(self, description: type[Description]) -> Description:
        """What drill.toml says of it. Raises UsageError where that is another kind of part."""
        found = self.settings.parts[self.name]
        if not isinstance(found, description):
            raise UsageError(f"{self.name}: expected a {description.__name__}, it is a {found.kind}")
        return found

    @property
    def workload(self) -> Workload | None:
        """The pods that it lives in; None where it runs only now and then."""
        return None

    def health(self) -> Health:
        """One look at whether it is well, beyond the rollout of its workload."""
        return Health(True, f"{self.name} is not asked")

    def holds(self, texts: Collection[str]) -> set[str]:
        """Which of these texts the store itself has, whatever the service says. Raises UsageError where it
        cannot be asked."""
        raise UsageError(
            f"{self.name}: a part of kind {self.settings.parts[self.name].kind} cannot be searched"
        )

    @property
    def searchable(self) -> bool:
        """True where `holds` can be asked."""
        return type(self).holds is not TargetPart.holds

    @property
    def dated(self) -> bool:
        """True where `newest_rows` can be asked."""
        return False

    def newest_rows(self, ages_seconds: Sequence[float]) -> Dated:
        """For each age, the newest of the rows that are as old or older. Raises UsageError where it cannot
        say when rows were written."""
        raise UsageError(f"{self.name}: it is not known when its rows were written")

    @property
    def forgets(self) -> bool:
        """True where `forget` can be asked."""
        return False

    def forget(self) -> Forgotten:
        """Remove what earlier drills left in it. Nobody may be writing. Raises UsageError where it is not
        known what that is."""
        raise UsageError(f"{self.name}: it is not known what drills leave in it")

    @property
    def keeps(self) -> bool:
        """True where `keep` and `return_kept` can be asked."""
        return False

    def keep(self, copy: Path) -> bool:
        """Copy what it holds to the file `copy` on this machine; False where it is too much. Raises
        UsageError where this kind keeps nothing."""
        raise UsageError(f"{self.name}: a part of kind {self.settings.parts[self.name].kind} is not copied")

    def return_kept(self, copy: Path) -> bool:
        """Where what it holds is broken, put the copy in its place; whether that was done. Raises UsageError
        where this kind keeps nothing, FaultError where it is broken still."""
        raise UsageError(f"{self.name}: a part of kind {self.settings.parts[self.name].kind} is not copied")

    def back_up(self, *, seconds: float) -> Made:
        """Make a backup now and wait for it. Raises SetupError when it does not succeed, UsageError where
        this kind makes none."""
        raise UsageError(
            f"{self.name}: a part of kind {self.settings.parts[self.name].kind} makes no backups"
        )

    def fetch_newest_backup(self, destination: Path) -> None:
        """Copy the newest backup to `destination` on this machine. Raises UsageError where this kind has
        none."""
        raise UsageError(f"{self.name}: a part of kind {self.settings.parts[self.name].kind} has no backups")
