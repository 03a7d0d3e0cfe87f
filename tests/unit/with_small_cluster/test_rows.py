"""When the rows of a target were written, asked of real SQLite files with this machine in the place of the
container, before a fault and after a backup was restored."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from small_cluster import LocalCluster, SmallCluster

from drill import settings as target_settings
from drill.cluster.access import Cluster
from drill.conduct.auditing import ask_rows, audit
from drill.conduct.scene import Scene
from drill.errors import InputError, UsageError
from drill.parts import dated_part, part_named
from drill.recording import Event, Recorder, read_events
from drill.recording.events import Limit, RowsSurvived, RowsThere, SampleFailed
from drill.settings import Settings
from novel_engine.app import database as novel

HOUR = 3600.0
QUERY = "SELECT created_at FROM campaigns"
DATABASE = """
[parts.library]
kind = "sqlite"
path = "{path}"
volume_claim = "data"
"""


@pytest.fixture
def local(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalCluster:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    return LocalCluster(cluster._client, cluster.kubeconfig, cluster.context, cluster.namespace)


def described(settings: Settings, path: Path, query: str | None = QUERY) -> Settings:
    """The target with that file, and with that query where one is given."""
    text = settings.file.read_text(encoding="utf-8") + DATABASE.format(path=path)
    text += f'row_times = "{query}"\n' if query is not None else ""
    settings.file.write_text(text, encoding="utf-8")
    return target_settings.load(settings.file)


def library(path: Path, *ages_seconds: float) -> Path:
    """The reference target's own database, with campaigns that are so old besides those it begins with."""
    novel.prepare(path)
    for age in ages_seconds:
        novel.add_campaign(path, "a", "b", [])
        at = (datetime.now(UTC) - timedelta(seconds=age)).isoformat(timespec="microseconds")
        with sqlite3.connect(path) as connection:
            connection.execute(
                "UPDATE campaigns SET created_at = ? WHERE number = (SELECT max(number) FROM campaigns)",
                (at,),
            )
        connection.close()
    return path


def test_the_newest_row_of_each_age(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    part = dated_part(local, described(settings, library(tmp_path / "a.db", 10.0, 5 * HOUR, 7 * HOUR)))
    assert part is not None
    dated = part.newest_rows([0.0, 60.0, 6 * HOUR, 8 * HOUR, 50 * 365 * 24 * HOUR])
    starter = datetime(2024, 8, 18, 3, 59, tzinfo=UTC).timestamp()
    ages = [None if wall is None else dated.clock_wall - wall for wall in dated.newest_wall]
    expected = [10.0, 5 * HOUR, 7 * HOUR, dated.clock_wall - starter]
    assert ages == [*(pytest.approx(age, abs=30) for age in expected), None]
    assert abs(dated.clock_wall - time.time()) < 30


@pytest.mark.parametrize(
    "written",
    [
        "2024-11-24T15:00:00+00:00",
        "2024-11-24T16:00:00+01:00",
        "2024-11-24T15:00:00Z",
        "2024-11-24 15:00:00",
        "1732460400",
        1732460400,
        1732460400.0,
        1732460400_000,
        1732460400_000_000,
        1732460400_000_000_000,
    ],
)
def test_a_time_in_every_form(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path, *, written: object
) -> None:
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE rows (at)")
        connection.executemany("INSERT INTO rows VALUES (?)", [(written,), (None,)])
    connection.close()
    part = dated_part(local, described(settings, path, "SELECT at FROM rows"))
    assert part is not None
    assert part.newest_rows([0.0]).newest_wall == [datetime(2024, 11, 24, 15, tzinfo=UTC).timestamp()]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT created_at FROM nowhere", "no such table: nowhere"),
        ("SELECT name FROM campaigns", "Invalid isoformat string: 'Starter campaign 0'"),
        ("SELECT number FROM campaigns", "1 is no time since 1970"),
        ("WITH x AS (SELECT 1) DELETE FROM campaigns", "attempt to write a readonly database"),
    ],
)
def test_a_query_that_gives_no_times_is_refused_by_name(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path, *, query: str, reason: str
) -> None:
    there = described(settings, library(tmp_path / "a.db"), query)
    part = dated_part(local, there)
    assert part is not None
    with pytest.raises(InputError) as caught:
        part.newest_rows([0.0])
    assert reason in str(caught.value)
    line = there.file.read_text(encoding="utf-8").split("\n").index(f'row_times = "{query}"') + 1
    assert str(caught.value).startswith(f"{there.file}:{line}: ")


def test_a_query_that_asks_for_nothing_is_refused_when_it_is_read(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a query that begins with SELECT"):
        described(settings, tmp_path / "a.db", "DROP TABLE campaigns")


def test_a_part_that_does_not_say_is_not_asked(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    silent = described(settings, library(tmp_path / "a.db"), None)
    assert dated_part(local, silent) is None
    assert asked(silent, local, tmp_path) == []


def a_scene(settings: Settings, cluster: Cluster, folder: Path, **facts: bool) -> Scene:
    """What asking needs of a drill's surroundings."""
    scenario = SimpleNamespace(**{"restores": True, "control": False, **facts})
    made = SimpleNamespace(
        settings=settings,
        cluster=cluster,
        facts=scenario,
        folder=folder,
        recorder=Recorder(folder / "recording.jsonl"),
        limits={"data_age": Limit(6 * HOUR)},
        show=lambda phase, awaiting: None,
    )
    return cast("Scene", made)


def asked(
    settings: Settings, cluster: Cluster, folder: Path, restored: Path | None = None, **facts: bool
) -> list[Any]:
    """What is recorded of a drill in which this backup was restored."""
    scene = a_scene(settings, cluster, folder, **facts)
    ask_rows(scene)
    injected = time.monotonic()
    if restored is not None:
        shutil.copyfile(restored, folder / "a.db")
    audit(scene, injected)
    scene.recorder.close()
    events: list[Event] = list(read_events(scene.recorder.path))
    return [event.data for event in events]


def test_a_backup_of_seven_hours_ago_leaves_no_row_that_is_younger(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    backup = library(tmp_path / "backup.db", 7.5 * HOUR, 7 * HOUR)
    there = described(settings, library(tmp_path / "a.db", 7.5 * HOUR, 7 * HOUR, 6.1 * HOUR, 10.0))
    before, after = asked(there, local, tmp_path, restored=backup)
    assert isinstance(before, RowsThere)
    assert isinstance(after, RowsSurvived)
    assert (before.part, after.part) == ("library", "library")
    ages = [
        after.fault_wall - (wall or 0.0)
        for wall in (before.newest_wall, before.overdue_wall, after.newest_wall)
    ]
    assert ages == [pytest.approx(age, abs=30) for age in (10.0, 6.1 * HOUR, 7 * HOUR)]


def test_rows_written_after_the_fault_are_not_what_survived(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    there = described(settings, library(tmp_path / "a.db", 100.0))
    new = library(tmp_path / "new.db", -60.0)
    after = asked(there, local, tmp_path, restored=new)[1]
    assert after.newest_wall == datetime(2024, 8, 18, 3, 59, tzinfo=UTC).timestamp()


def test_a_part_that_cannot_be_asked_afterwards_is_recorded_so(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    (tmp_path / "empty.db").touch()
    there = described(settings, library(tmp_path / "a.db", 100.0))
    failed = asked(there, local, tmp_path, restored=tmp_path / "empty.db")[1]
    assert isinstance(failed, SampleFailed)
    assert (failed.what, "no such table: campaigns" in failed.error) == ("the newest rows of library", True)


@pytest.mark.parametrize("facts", [{"restores": False}, {"control": True}])
def test_nobody_is_asked_where_no_backup_is_restored(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path, *, facts: dict[str, bool]
) -> None:
    assert asked(described(settings, library(tmp_path / "a.db")), local, tmp_path, **facts) == []


def test_a_part_without_rows_of_its_own_cannot_be_asked(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="library: it is not known when its rows were written"):
        part_named(local, described(settings, tmp_path / "a.db", None), "library").newest_rows([0.0])
