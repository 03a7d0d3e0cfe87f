"""Kinds of faults and parts that act inside containers, with this machine in the place of the container: a
real SQLite file, real shells."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest
import yaml
from small_cluster import NAMESPACE, LocalCluster, SmallCluster, with_volume

from drill import settings as target_settings
from drill.cluster.access import Cluster
from drill.errors import FaultError, UsageError
from drill.faults.catalogue import as_data, from_data
from drill.faults.command import Command, CommandParameters
from drill.faults.fault import Site
from drill.faults.sqlite_index import SqliteIndex
from drill.faults.sqlite_pages import SqlitePages
from drill.faults.sqlite_rows import SqliteRows
from drill.parts import part_named, searchable_part
from drill.parts.database_file import HELPER, helper_of
from drill.parts.health import parts_health
from drill.parts.integrity import integrity_of
from drill.settings import Settings

ROOT = Path(__file__).parents[3]
DATABASE = """
[parts.notes]
kind = "sqlite"
path = "{path}"
volume_claim = "data"
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "notes.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    rows = [(number, f'{{"title": "drill-title-{number}"}}') for number in range(1, 200)]
    connection.executemany("INSERT INTO notes VALUES (?, ?)", rows)
    connection.execute("CREATE TABLE empty (x)")
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def noted(settings: Settings, database: Path) -> Settings:
    settings.file.write_text(settings.file.read_text() + DATABASE.format(path=database), encoding="utf-8")
    return target_settings.load(settings.file)


@pytest.fixture
def local(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalCluster:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return LocalCluster(cluster._client, cluster.kubeconfig, cluster.context, cluster.namespace)


def a_site(cluster: Cluster, settings: Settings, folder: Path, part: str = "") -> Site:
    return Site(
        cluster, settings, settings.target.application, part, lambda suffix: folder / f"kept.{suffix}"
    )


def test_what_the_store_itself_holds(small: SmallCluster, noted: Settings, local: LocalCluster) -> None:
    store = searchable_part(local, noted)
    assert store is not None
    assert store.name == "notes"
    wanted = ["drill-title-7", "drill-title-70", "drill-title-700", "drill-title", "12", "1234"]
    assert store.holds(wanted) == {"drill-title-7", "drill-title-70", "12"}


def test_a_part_that_is_well_and_one_that_is_broken(
    small: SmallCluster, noted: Settings, local: LocalCluster, database: Path
) -> None:
    assert parts_health(local, noted).healthy
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    seen = parts_health(local, noted)
    assert not seen.healthy
    assert "notes" in seen.observed


def test_a_part_that_is_not_there_or_cannot_do_that(
    small: SmallCluster, settings: Settings, noted: Settings, local: LocalCluster
) -> None:
    assert searchable_part(local, settings) is None
    with pytest.raises(UsageError, match="expected a part 'redis' under"):
        part_named(local, noted, "redis")
    with pytest.raises(UsageError, match="notes: a part of kind sqlite makes no backups"):
        part_named(local, noted, "sqlite").back_up(seconds=1)


def test_pages_are_overwritten_and_put_back(
    small: SmallCluster, noted: Settings, local: LocalCluster, database: Path, tmp_path: Path
) -> None:
    small.put("Deployment", with_volume())
    before = integrity_of(database)
    fault = SqlitePages.prepare(a_site(local, noted, tmp_path, "notes"), None)
    kept = from_data(as_data(fault))
    injected = kept.inject(local)
    assert set(injected.detail["pages"]) == {"notes", "empty"}
    assert kept.look(local, injected.detail).shows
    assert not integrity_of(database).sound
    small.put("Deployment", with_volume())
    assert kept.undo(local) == "put the kept copy back"
    assert integrity_of(database) == before
    assert small.get("Deployment", "web")["spec"]["replicas"] == 2
    assert kept.undo(local) == "the database is sound: nothing was left to undo"


def test_pages_are_put_back_though_the_deployment_is_gone(
    small: SmallCluster, noted: Settings, local: LocalCluster, database: Path, tmp_path: Path
) -> None:
    small.put("Deployment", with_volume())
    fault = SqlitePages.prepare(a_site(local, noted, tmp_path, "notes"), None)
    fault.inject(local)
    small.remove("Deployment", "web")
    assert fault.undo(local) == "put the kept copy back"
    assert integrity_of(database).sound


def test_a_claim_that_is_not_mounted_is_refused_before_anything_is_broken() -> None:
    with pytest.raises(FaultError, match="mount no volume of the claim 'other'"):
        helper_of(with_volume()["spec"]["template"]["spec"], "web", "other")


def test_newest_texts_are_altered_and_put_back(
    small: SmallCluster, noted: Settings, local: LocalCluster, database: Path, tmp_path: Path
) -> None:
    small.put("Deployment", with_volume())
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT UNIQUE, name TEXT, born TEXT)")
    for number in range(30):
        row = (f"m-{number}", f"Name {number}", "2026-01-01T00:00")
        connection.execute("INSERT INTO people (mail, name, born) VALUES (?, ?, ?)", row)
    connection.commit()
    before = connection.execute("SELECT * FROM people").fetchall()
    fault = from_data(as_data(SqliteRows.prepare(a_site(local, noted, tmp_path, "notes"), None)))
    assert fault.undo(local) == "nothing was changed: nothing was left to undo"
    injected = fault.inject(local)
    # JSON in notes, keys, mail and dates stay as they are
    assert injected.detail == {"values": 20, "changed": 20}
    assert fault.look(local, {}).observed == "20 of 20 values are not what was written"
    altered = connection.execute("SELECT * FROM people").fetchall()
    assert altered[:10] == before[:10]
    assert altered[29] == (30, "m-29", "Anzr 29", "2026-01-01T00:00")
    assert integrity_of(database).sound
    # what somebody wrote meanwhile is theirs
    connection.execute("UPDATE people SET name = 'Other' WHERE id = 30")
    connection.commit()
    assert fault.undo(local) == "put 19 of 20 values back"
    assert not fault.look(local, {}).shows
    assert fault.undo(local) == "all is as written: nothing was left to undo"
    assert connection.execute("SELECT * FROM people WHERE id < 30").fetchall() == before[:29]
    connection.close()


def test_altered_texts_are_put_back_though_no_pod_runs(
    small: SmallCluster, noted: Settings, local: LocalCluster, database: Path, tmp_path: Path
) -> None:
    small.put("Deployment", with_volume())
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE words (word TEXT)")
    connection.execute("INSERT INTO words VALUES ('hello')")
    connection.commit()
    fault = SqliteRows.prepare(a_site(local, noted, tmp_path, "notes"), None)
    fault.inject(local)
    stopped = with_volume()
    stopped["spec"]["replicas"] = 0
    small.put("Deployment", stopped)
    assert fault.undo(local) == "put 1 of 1 values back"
    assert connection.execute("SELECT word FROM words").fetchall() == [("hello",)]
    assert HELPER not in small.objects[f"/api/v1/namespaces/{NAMESPACE}/pods"]
    connection.close()


def test_a_database_without_texts_is_not_altered(
    small: SmallCluster, noted: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    small.put("Deployment", with_volume())
    with pytest.raises(FaultError, match="no row has a text that could be changed; nothing was broken"):
        SqliteRows.prepare(a_site(local, noted, tmp_path, "notes"), None).inject(local)


def indexes_in(connection: sqlite3.Connection) -> dict[str, str]:
    made = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    return dict(connection.execute(made).fetchall())


def test_indexes_are_dropped_and_made_again(
    small: SmallCluster, noted: Settings, local: LocalCluster, database: Path, tmp_path: Path
) -> None:
    small.put("Deployment", with_volume())
    connection = sqlite3.connect(database)
    connection.execute("CREATE INDEX by_body ON notes (body)")
    connection.execute('CREATE UNIQUE INDEX "by ""id" ON notes (id, body)')
    connection.execute("CREATE TABLE people (mail TEXT UNIQUE)")
    before = indexes_in(connection)
    fault = from_data(as_data(SqliteIndex.prepare(a_site(local, noted, tmp_path, "notes"), None)))
    assert fault.undo(local) == "no index was dropped: nothing was left to undo"
    assert fault.look(local, {}).observed == 'indexes: by "id, by_body'
    injected = fault.inject(local)
    assert injected.detail == {"indexes": ['by "id', "by_body"]}
    assert fault.look(local, {}).shows
    assert indexes_in(connection) == {}
    # one of them somebody has made again meanwhile, and no pod of the workload runs any more
    connection.execute("CREATE INDEX by_body ON notes (body)")
    stopped = with_volume()
    stopped["spec"]["replicas"] = 0
    small.put("Deployment", stopped)
    assert fault.undo(local) == 'made by "id again'
    assert indexes_in(connection) == before
    assert fault.undo(local) == "all indexes are there: nothing was left to undo"
    assert HELPER not in small.objects[f"/api/v1/namespaces/{NAMESPACE}/pods"]
    connection.close()


def test_a_database_without_an_index_loses_none(
    small: SmallCluster, noted: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    small.put("Deployment", with_volume())
    fault = SqliteIndex.prepare(a_site(local, noted, tmp_path, "notes"), None)
    with pytest.raises(FaultError, match="nobody made an index in it; nothing was broken"):
        fault.inject(local)


def a_lock(tmp_path: Path, **changed: str) -> CommandParameters:
    scripts = {
        "inject": f"echo {{secret}} > {tmp_path}/lock; echo OK",
        "undo": f"grep -q {{secret}} {tmp_path}/lock && rm {tmp_path}/lock; true",
        "look": f"test -e {tmp_path}/lock && echo LOCKED || echo open",
        "shows": "^LOCKED",
        "accepted": "^OK",
    }
    return CommandParameters(**{**scripts, **changed})


def test_a_command_is_run_looked_for_and_undone(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    fault = Command.prepare(a_site(local, settings, tmp_path), a_lock(tmp_path))
    assert not fault.look(local, {}).shows
    injected = fault.inject(local)
    assert injected.detail == {"said": ["OK", "OK"]}
    assert fault.look(local, {}).shows
    secret = (tmp_path / "lock").read_text().strip()
    assert len(secret) == 32
    assert secret not in str(fault.shown())
    assert secret in str(as_data(fault))
    assert from_data(as_data(fault)).undo(local) == "ran the undo"
    assert not fault.look(local, {}).shows
    assert fault.undo(local) == "ran the undo"


def test_a_pod_that_still_shows_it_is_replaced(
    small: SmallCluster,
    settings: Settings,
    local: LocalCluster,
    tmp_path: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drill.faults.command.UNDO_SHOWS_SECONDS", 0.1)
    fault = Command.prepare(a_site(local, settings, tmp_path), a_lock(tmp_path, undo="true"))
    fault.inject(local)
    small.changes.clear()
    assert fault.undo(local) == "replaced web-0, web-1, which still showed it"
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    assert small.changes == [f"DELETE {pods}/web-0", f"DELETE {pods}/web-1"]


def test_what_was_there_before_is_kept_for_the_undo(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    (tmp_path / "limit").write_text("64mb lru\n")
    parameters = CommandParameters(
        keep=f"cat {tmp_path}/limit",
        inject=f"echo 1 > {tmp_path}/limit",
        undo=f"echo {{kept}} > {tmp_path}/limit",
        look=f"cat {tmp_path}/limit",
        shows="^1$",
    )
    fault = from_data(as_data(Command.prepare(a_site(local, settings, tmp_path), parameters)))
    fault.inject(local)
    assert fault.look(local, {}).shows
    fault.undo(local)
    assert (tmp_path / "limit").read_text() == "64mb lru\n"


def test_an_injection_that_is_not_accepted_is_an_error(
    small: SmallCluster, settings: Settings, local: LocalCluster, tmp_path: Path
) -> None:
    fault = Command.prepare(a_site(local, settings, tmp_path), a_lock(tmp_path, inject="echo ERR"))
    with pytest.raises(FaultError, match=r"expected an answer like '\^OK' to the injection, it was 'ERR"):
        fault.inject(local)


@pytest.fixture
def data(settings: Settings, tmp_path: Path) -> Path:
    """A folder of a database that has other files in it."""
    folder = tmp_path / "data"
    (folder / "manuscripts").mkdir(parents=True)
    for name in ("notes.db", "notes.db-wal", "manuscripts/one.md", "manuscripts/two.md"):
        (folder / name).write_text(f"{name}\n", encoding="utf-8")
    text = settings.file.read_text() + DATABASE.format(path=folder / "notes.db")
    settings.file.write_text(text, encoding="utf-8")
    return folder


def files_changed(local: LocalCluster, settings: Settings, tmp_path: Path) -> Command:
    """The fault as its experiment has it."""
    written = yaml.safe_load((ROOT / "experiments" / "files-changed.yaml").read_text(encoding="utf-8"))
    parameters = CommandParameters(**written["extensions"][0]["parameters"])
    part = next(iter(settings.parts))
    return Command.prepare(a_site(local, settings, tmp_path, part), parameters)


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_a_file_beside_the_database_is_changed_once_and_put_back(
    small: SmallCluster, settings: Settings, local: LocalCluster, data: Path, tmp_path: Path
) -> None:
    fault, before = files_changed(local, target_settings.load(settings.file), tmp_path), contents(data)
    assert not fault.look(local, {}).shows
    assert fault.inject(local).detail == {"said": ["changed ./manuscripts/one.md"] * 2}
    assert fault.look(local, {}).shows
    assert contents(data)["manuscripts/one.md"].count("drill-") == 1
    assert fault.undo(local) == "ran the undo"
    assert contents(data) == before
    assert fault.undo(local) == "ran the undo"
    assert contents(data) == before


@pytest.mark.parametrize("meanwhile", ["better\n", None], ids=["repaired", "removed"])
def test_a_file_that_somebody_repaired_is_left_and_one_that_was_removed_comes_back(  # noqa: PLR0917 - fixtures and parameters
    small: SmallCluster,
    settings: Settings,
    local: LocalCluster,
    data: Path,
    tmp_path: Path,
    meanwhile: str | None,
) -> None:
    fault, before = files_changed(local, target_settings.load(settings.file), tmp_path), contents(data)
    fault.inject(local)
    changed = data / "manuscripts" / "one.md"
    changed.unlink()
    if meanwhile is not None:
        changed.write_text(meanwhile, encoding="utf-8")
    assert not fault.look(local, {}).shows
    fault.undo(local)
    assert contents(data) == before | ({"manuscripts/one.md": meanwhile} if meanwhile is not None else {})
