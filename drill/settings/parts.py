"""[parts.NAME]: what the target has besides its application, each of a kind.

A new kind is one class here, whose `kind` is also the name of its module in drill/parts.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from drill.settings.section import Name, Section, Text

DATABASE, CACHE, BACKUP = "database", "cache", "backup"


def _query(value: str) -> str:
    if not re.match(r"(?i)\s*(select|with)\b", value):
        raise ValueError("a query that begins with SELECT")
    return value


def _deletion(value: str) -> str:
    if not re.match(r"(?i)\s*delete\s+from\s.+\swhere\s", value):
        raise ValueError("a statement DELETE FROM ... WHERE ..., true of drills' rows and no others")
    return value


def _beside(value: str) -> str:
    if "/" in value or not value.strip(".*?"):
        raise ValueError(
            "the name of a file or folder without /, * and ? for what varies, such as 'damaged-*'"
        )
    return value


Query = Annotated[Text, AfterValidator(_query)]
Deletion = Annotated[Text, AfterValidator(_deletion)]
Beside = Annotated[Text, AfterValidator(_beside)]


class Sqlite(Section):
    """A database in one file, which the application's containers open themselves; they need `python`."""

    provides: ClassVar[str] = DATABASE

    kind: Literal["sqlite"]
    path: Text
    """The file, as the workload's container sees it."""
    volume_claim: Name
    """The claim that it lies on."""
    workload: Name | None = None
    """Who opens it; the application, unless named."""
    row_times: Query | None = None
    """Gives when each row was written, in one column: as ISO 8601 text (UTC, unless it says another zone), or
    in seconds, milli-, micro- or nanoseconds since 1970."""
    forget: tuple[Deletion, ...] = ()
    """Remove the rows that drills wrote; carried out before each drill, in this order, all or none."""
    forget_beside: tuple[Beside, ...] = ()
    """Files and folders that drills leave in the folder of `path`, by name; removed before each drill."""


class Redis(Section):
    """A Redis server; its container needs `redis-cli`."""

    provides: ClassVar[str] = CACHE

    kind: Literal["redis"]
    workload: Name


class Backup(Section):
    """Backups that a CronJob of the target makes."""

    provides: ClassVar[str] = BACKUP

    kind: Literal["backup"]
    cronjob: Name
    newest: Text
    """Shell pattern of the backups as the job's own container sees them; the last by name is the newest."""


Part = Annotated[Sqlite | Redis | Backup, Field(discriminator="kind")]
