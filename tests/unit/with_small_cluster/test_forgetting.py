"""What earlier drills left in a target is removed before the next one: asked of real SQLite files with this
machine in the place of the container."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from small_cluster import LocalCluster, SmallCluster, a_deployment

from drill import settings as target_settings
from drill.cluster.access import Cluster
from drill.conduct.drill import Drill
from drill.conduct.forgetting import forget_earlier
from drill.conduct.scene import Scene
from drill.errors import InputError, UsageError
from drill.parts import dated_part, forgetting_parts, part_named
from drill.putback import close_drill, open_drill
from drill.recording import Recorder, read_events
from drill.recording.events import DataForgotten
from drill.settings import Settings
from novel_engine.app import database as novel

MARK = "written under load"
FORGET = f"DELETE FROM campaigns WHERE description = '{MARK}'"
STARTERS = novel.STARTER_CAMPAIGNS
DATABASE = """
[parts.library]
kind = "sqlite"
path = "{path}"
volume_claim = "data"
row_times = "SELECT created_at FROM campaigns"
"""


@pytest.fixture
def local(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> LocalCluster:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    return LocalCluster(cluster._client, cluster.kubeconfig, cluster.context, cluster.namespace)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The reference target's own database, with two users' campaigns and many of drills."""
    made = tmp_path / "data" / "library [1].db"
    made.parent.mkdir()
    novel.prepare(made)
    with sqlite3.connect(made) as connection:
        connection.executemany(
            "INSERT INTO campaigns VALUES (NULL, ?, 'a name', ?, '[]', 'active', ?)",
            [(f"by-drill-{number}", MARK, novel.now()) for number in range(5000)],
        )
    connection.close()
    for _ in range(2):
        novel.add_campaign(made, "a user's", "written by a user", [])
    return made


def described(settings: Settings, path: Path, more: str = "") -> Settings:
    """The target with that file, and these keys of its part."""
    text = settings.file.read_text(encoding="utf-8") + DATABASE.format(path=path) + more
    settings.file.write_text(text, encoding="utf-8")
    return target_settings.load(settings.file)


def forgetting(settings: Settings, path: Path, *statements: str) -> Settings:
    return described(settings, path, f"forget = {json.dumps(list(statements or [FORGET]))}\n")


def forgotten(settings: Settings, cluster: Cluster, folder: Path) -> list[DataForgotten]:
    """What is recorded of it."""
    scene = SimpleNamespace(
        settings=settings,
        cluster=cluster,
        recorder=Recorder(folder / "recording.jsonl"),
        show=lambda phase, awaiting: None,
    )
    forget_earlier(cast("Scene", scene))
    scene.recorder.close()
    kept = [event.data for event in read_events(scene.recorder.path)]
    assert all(isinstance(each, DataForgotten) for each in kept)
    return cast("list[DataForgotten]", kept)


def names(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT name FROM campaigns WHERE campaign_id NOT LIKE 'starter%'")
        rows = [str(row[0]) for row in found]
    connection.close()
    return rows


def test_what_drills_wrote_is_gone_and_the_file_is_small_again(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    large = path.stat().st_size
    there = forgetting(settings, path)
    (found,) = forgotten(there, local, tmp_path)
    assert (found.part, found.rows, found.beside, found.trouble) == ("library", 5000, 0, "")
    assert found.size_bytes == path.stat().st_size < large / 2
    assert names(path) == ["a user's"] * 2
    wal = path.with_name(f"{path.name}-wal")
    assert not wal.exists() or wal.stat().st_size == 0
    novel.check(path)
    again = forgotten(there, local, tmp_path)[-1]
    assert (again.rows, again.size_bytes, again.trouble) == (0, found.size_bytes, "")


def test_a_file_that_is_mostly_used_is_not_made_anew(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    size = path.stat().st_size
    there = forgetting(settings, path, f"{FORGET} AND campaign_id LIKE 'by-drill-1_'")
    (found,) = forgotten(there, local, tmp_path)
    assert (found.rows, found.size_bytes) == (10, size)


def test_users_read_on_meanwhile(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    """A health probe that has the file open neither stops it nor is stopped."""
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    before = reader.execute("SELECT count(*) FROM campaigns").fetchone()
    (found,) = forgotten(forgetting(settings, path), local, tmp_path)
    assert (found.rows, found.trouble) == (5000, "")
    assert reader.execute("SELECT count(*) FROM campaigns").fetchone() == before
    reader.close()
    assert len(names(path)) == 2


def test_all_statements_or_none(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    there = forgetting(settings, path, FORGET, "DELETE FROM nowhere WHERE true")
    with pytest.raises(InputError) as caught:
        forgotten(there, local, tmp_path)
    line = next(
        n for n, text in enumerate(there.file.read_text().split("\n"), 1) if text.startswith("forget")
    )
    assert str(caught.value).startswith(f"{there.file}:{line}: ")
    assert "'DELETE FROM nowhere WHERE true'" in str(caught.value)
    assert "no such table: nowhere" in str(caught.value)
    assert len(names(path)) == 5002


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM campaigns WHERE note = 'x'", "no such column: note"),
        ("DELETE FROM campaigns WHERE ORDER", 'near "ORDER": syntax error'),
        ("DELETE FROM campaigns; DELETE FROM characters WHERE true", "one statement at a time"),
        ("DELETE FROM parents WHERE true", "FOREIGN KEY constraint failed"),
    ],
)
def test_a_statement_that_cannot_be_carried_out_is_refused_by_name(
    small: SmallCluster,
    settings: Settings,
    local: LocalCluster,
    path: Path,
    tmp_path: Path,
    *,
    statement: str,
    reason: str,
) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE children (parent REFERENCES parents (id))")
        connection.execute("INSERT INTO parents VALUES (1)")
        connection.execute("INSERT INTO children VALUES (1)")
    connection.close()
    with pytest.raises(InputError) as caught:
        forgotten(forgetting(settings, path, statement), local, tmp_path)
    assert reason in str(caught.value)
    assert len(names(path)) == 5002


def test_rows_that_hang_on_others_go_with_them(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE turns (of REFERENCES campaigns (campaign_id) ON DELETE CASCADE)")
        connection.execute("INSERT INTO turns SELECT campaign_id FROM campaigns")
    connection.close()
    assert forgotten(forgetting(settings, path), local, tmp_path)[0].rows == 5000
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM turns").fetchone() == (STARTERS + 2,)
    connection.close()


def test_a_lock_is_said_and_holds_nothing_up(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    (found,) = forgotten(forgetting(settings, path), local, tmp_path)
    holder.close()
    assert (found.rows, found.trouble) == (0, "OperationalError: database is locked")
    assert len(names(path)) == 5002


def test_a_file_that_cannot_be_written_or_is_not_there_is_said(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    there = forgetting(settings, path)
    path.rename(path.with_name("elsewhere.db"))
    assert "unable to open database file" in forgotten(there, local, tmp_path)[0].trouble
    path.write_bytes(b"no database at all" * 100)
    assert "file is not a database" in forgotten(there, local, tmp_path)[-1].trouble


def test_what_takes_too_long_is_given_up_and_undone(
    small: SmallCluster,
    settings: Settings,
    local: LocalCluster,
    path: Path,
    tmp_path: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drill.parts.sqlite.FORGET_SECONDS", 0)
    (found,) = forgotten(forgetting(settings, path), local, tmp_path)
    assert (found.rows, found.trouble) == (0, "OperationalError: interrupted")
    assert len(names(path)) == 5002


def test_no_pod_that_runs_is_said(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    small.put("Deployment", a_deployment(replicas=0))
    assert "no pod of web runs" in forgotten(forgetting(settings, path), local, tmp_path)[0].trouble


def test_nothing_is_removed_while_a_drill_is_open(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    there = forgetting(settings, path)
    opened = open_drill(there, local)
    (found,) = forgotten(there, local, tmp_path)
    assert (found.rows, found.trouble) == (0, f"{opened.id} is still open")
    assert len(names(path)) == 5002
    close_drill(there, local)
    assert forgotten(there, local, tmp_path)[-1].rows == 5000


def test_nothing_is_removed_where_the_cluster_is_not_drills_own(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    theirs = LocalCluster(local._client, local.kubeconfig, "production", local.namespace)
    (found,) = forgotten(forgetting(settings, path), theirs, tmp_path)
    assert (found.rows, found.trouble) == (0, "only in kind-* is anything deleted, and this is production")
    assert len(names(path)) == 5002


def test_a_target_that_names_nothing_is_left_alone(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    there = described(settings, path)
    assert forgetting_parts(local, there) == []
    assert forgotten(there, local, tmp_path) == []
    assert len(names(path)) == 5002
    with pytest.raises(UsageError, match="library: it is not known what drills leave in it"):
        part_named(local, there, "library").forget()


def test_what_a_recovery_put_aside_is_removed_and_nothing_else(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    aside = path.parent / "damaged-20261130-101112"
    aside.mkdir()
    (aside / "library.db").write_bytes(b"damaged")
    (path.parent / "manuscripts").mkdir()
    (path.parent / "damaged-link").symlink_to(path.parent / "manuscripts")
    (path.parent / "notes on damaged-20261130").touch()
    (found,) = forgotten(described(settings, path, 'forget_beside = ["damaged-*"]\n'), local, tmp_path)
    assert (found.rows, found.beside, found.trouble) == (0, 2, "")
    assert sorted(os.listdir(path.parent)) == [path.name, "manuscripts", "notes on damaged-20261130"]
    assert len(names(path)) == 5002


def test_what_was_removed_never_counts_as_a_row_that_was_there(
    small: SmallCluster, settings: Settings, local: LocalCluster, path: Path, tmp_path: Path
) -> None:
    there = forgetting(
        settings, path, FORGET, "DELETE FROM campaigns WHERE description = 'written by a user'"
    )
    assert forgotten(there, local, tmp_path)[0].rows == 5002
    part = dated_part(local, there)
    assert part is not None
    (newest,) = part.newest_rows([0.0]).newest_wall
    assert newest == 1_723_953_540.0  # the newest of the starter library, of 2024


def test_users_come_when_what_earlier_drills_left_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def noted(name: str) -> Callable[..., None]:
        return lambda *arguments: order.append(name)

    def stage(**facts: object) -> SimpleNamespace:
        return SimpleNamespace(**facts)

    for name in ("forget_earlier", "pass_gate", "ask_rows", "open_drill"):
        monkeypatch.setattr(f"drill.conduct.drill.{name}", noted(name))
    made = object.__new__(Drill)
    parts = {
        "facts": stage(faults=()),
        "_scene": stage(settings=None, cluster=None),
        "_acting": stage(check=noted("check")),
        "_calling": stage(begin=noted("calling")),
        "_alerting": stage(prepare=noted("alerting")),
        "_users": stage(there=False, begin=noted("users")),
        "_breaking": stage(prepare=noted("breaking")),
    }
    vars(made).update(parts)
    made.gate()
    assert order.index("forget_earlier") < order.index("users") < order.index("ask_rows")
    order.clear()
    vars(made).update(_users=stage(there=True, begin=noted("users")))
    made.gate()
    assert "forget_earlier" not in order


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('forget = ["DROP TABLE campaigns"]', "a statement DELETE FROM ... WHERE ..."),
        ('forget = ["DELETE FROM campaigns"]', "a statement DELETE FROM ... WHERE ..."),
        ('forget = "DELETE FROM campaigns WHERE true"', "tuple"),
        ('forget_beside = ["../*"]', "the name of a file or folder without /"),
        ('forget_beside = ["*"]', "the name of a file or folder without /"),
        ('forget_beside = ["lib*"]', "a pattern that library [1].db, a file of the database itself"),
        ('forget_beside = ["*.db-wal"]', "a pattern that library [1].db-wal, a file of the database itself"),
    ],
)
def test_what_would_remove_more_than_drills_leave_is_refused_when_it_is_read(
    settings: Settings, path: Path, *, keys: str, expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        described(settings, path, f"{keys}\n")
    assert expected in str(caught.value)
    lines = settings.file.read_text(encoding="utf-8").split("\n")
    assert str(caught.value).startswith(f"{settings.file}:{lines.index(keys) + 1}: ")
