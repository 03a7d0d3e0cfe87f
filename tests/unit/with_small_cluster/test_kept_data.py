"""A drill keeps a copy of what the target's parts hold, and put-back puts it in the place of what was broken:
no object of the cluster tells of that. This machine stands for the container, the database is a real one."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from small_cluster import LocalCluster, SmallCluster, with_volume

from drill import settings as target_settings
from drill.cluster.access import Cluster
from drill.errors import FaultError, SetupError
from drill.parts import part_named
from drill.parts.integrity import integrity_of
from drill.putback import close_drill, open_drill, put_back
from drill.putback.known_state import observe
from drill.putback.place import state_folder
from drill.putback.repair import repair
from drill.settings import Settings

PART = """
[parts.notes]
kind = "sqlite"
path = "{path}"
volume_claim = "data"
"""
KILLED_DRILL = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from small_cluster import LocalCluster
from drill import settings as target_settings
from drill.cluster.access import connect
from drill.putback import open_drill
settings = target_settings.load(sys.argv[1])
there = connect(settings)
open_drill(settings, LocalCluster(there._client, there.kubeconfig, there.context, there.namespace))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drill.putback.repair.UNWELL_SECONDS", 0.0)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "notes.db"
    with sqlite3.connect(made) as connection:
        connection.execute("CREATE TABLE notes (body)")
        connection.execute("INSERT INTO notes VALUES ('of before')")
    connection.close()
    return made


@pytest.fixture
def noted(small: SmallCluster, settings: Settings, path: Path) -> Settings:
    small.put("Deployment", with_volume())
    settings.file.write_text(settings.file.read_text() + PART.format(path=path), encoding="utf-8")
    return target_settings.load(settings.file)


def notes(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    found = [body for (body,) in connection.execute("SELECT body FROM notes")]
    connection.close()
    return found


def copies(cluster: Cluster) -> list[Path]:
    return list((state_folder(cluster) / "ledger").glob("*.copy"))


def break_it(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def test_a_database_that_was_broken_is_put_back(noted: Settings, local: LocalCluster, path: Path) -> None:
    open_drill(noted, local)
    assert [notes(copy) for copy in copies(local)] == [["of before"]]
    break_it(path)
    assert close_drill(noted, local) == ["notes: was broken, and holds what it held before the drill"]
    assert notes(path) == ["of before"]
    assert copies(local) == []


def test_a_sound_one_keeps_what_was_written_since(noted: Settings, local: LocalCluster, path: Path) -> None:
    part = part_named(local, noted, "notes")
    copy = path.with_suffix(".copy")
    assert part.keep(copy)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO notes VALUES ('of since')")
    connection.close()
    assert not part.return_kept(copy)
    assert notes(path) == ["of before", "of since"]


def test_one_that_lost_a_table_is_put_back(noted: Settings, local: LocalCluster, path: Path) -> None:
    part = part_named(local, noted, "notes")
    copy = path.with_suffix(".copy")
    part.keep(copy)
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE notes RENAME TO other")
    connection.close()
    assert part.return_kept(copy)
    assert notes(path) == ["of before"]


def test_it_is_put_back_after_a_kill(noted: Settings, local: LocalCluster, path: Path) -> None:
    words = [sys.executable, "-c", KILLED_DRILL, str(noted.file), str(Path(__file__).parent)]
    assert subprocess.run(words, check=False).returncode == -9
    break_it(path)
    done = put_back(noted, local)
    assert done.differences == ["notes: was broken, and holds what it held before the drill"]
    assert integrity_of(path).sound
    assert copies(local) == []


def test_a_copy_that_is_no_help_is_told(noted: Settings, local: LocalCluster, path: Path) -> None:
    known = observe(local)
    copy = path.with_suffix(".copy")
    copy.write_bytes(b"not a database, but as long as a page of one".ljust(4096))
    break_it(path)
    kept = [(part_named(local, noted, "notes"), copy)]
    with pytest.raises(SetupError, match=r"notes: the database is broken .* is broken too"):
        repair(local, noted, known, copies=kept, seconds=2)


def test_a_large_one_is_not_kept(
    noted: Settings, local: LocalCluster, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drill.parts.sqlite.KEEP_MOST_BYTES", path.stat().st_size - 1)
    open_drill(noted, local)
    assert copies(local) == []
    monkeypatch.setattr("drill.parts.sqlite.KEEP_MOST_BYTES", path.stat().st_size)
    assert part_named(local, noted, "notes").keep(path.with_suffix(".copy"))


def test_a_broken_one_is_not_taken_for_a_copy(noted: Settings, local: LocalCluster, path: Path) -> None:
    path.unlink()
    with pytest.raises(FaultError, match="the copy that was to be kept is not sound"):
        part_named(local, noted, "notes").keep(path.with_suffix(".copy"))


def test_a_copy_that_cannot_be_written_is_told(noted: Settings, local: LocalCluster, path: Path) -> None:
    there = path.parent / "no-such-folder" / "notes.copy"
    with pytest.raises(FaultError, match=r"notes\.copy: .* could not be written .*nothing was broken"):
        part_named(local, noted, "notes").keep(there)


def test_nothing_is_copied_from_a_cluster_that_is_not_drills_own(
    noted: Settings, local: LocalCluster, path: Path
) -> None:
    theirs = LocalCluster(local._client, local.kubeconfig, "production", local.namespace)
    open_drill(noted, theirs)
    assert copies(theirs) == []
