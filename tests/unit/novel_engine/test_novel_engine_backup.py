"""Backups of all four kinds: real files, real SQLite, real tar. A good one is verified; a missing,
unfinished, truncated, altered or old one is refused, by the command's status and words; a bad one never gets
the name.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from novel_engine.app import database
from novel_engine.backup import configuration, data, infrastructure, store
from novel_engine.backup import database as database_backup
from novel_engine.backup.kinds import CONFIGURATION, DATA, DATABASE, INFRASTRUCTURE, KINDS
from novel_engine.backup.store import BackupError, RefusedError

ROOT = Path(__file__).parents[3]
STATE = (
    Path(__file__).parents[3] / "features" / "held" / "last-applied.tfstate"
)  # as Terraform 1.11.4 left it
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as the jobs and the runbook call it."""
    command = [sys.executable, "-m", "novel_engine.backup", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def objects() -> list[dict[str, Any]]:
    """What the API server might say of a small namespace, in the form in which lists are answered."""
    bare = [("ConfigMap", "c"), ("PersistentVolumeClaim", "p"), ("Service", "s"), ("NetworkPolicy", "n")]
    return [
        {"kind": kind, "metadata": {"name": name, "namespace": "x"}, "spec": {"a": 1}}
        for kind, name in [*bare, ("Deployment", "d"), ("Secret", "secret")]
    ]


class Server:
    """Answers as an API server that has `objects`."""

    namespace = "x"

    def get(self, path: str) -> dict[str, Any]:
        if path == "/api/v1/namespaces/x":
            return {"metadata": {"name": "x", "uid": "1"}, "spec": {"finalizers": ["kubernetes"]}}
        plurals = {plural: kind for _, kind, plural in configuration.KINDS}
        kind = plurals[path.rsplit("/", 1)[1]]
        found = [each for each in objects() if each["kind"] == kind]
        return {"items": [{key: value for key, value in each.items() if key != "kind"} for each in found]}


def make(kind: store.Kind, path: Path, folder: Path, now: datetime = NOW) -> Path:
    """A backup of the kind; `path` is the database's, in the folder of the application's data."""
    writers = {
        "database": partial(database_backup.write, path),
        "data": partial(data.write, path.parent),
        "infrastructure": partial(infrastructure.write, STATE),
        "configuration": partial(configuration.write, Server()),
    }
    made = store.keep(kind, writers[kind.name], folder, now)
    for each in (made, store.manifest_of(made)):
        os.utime(each, (now.timestamp(), now.timestamp()))
    return made


def verify(kind: store.Kind, made: Path, now: datetime = NOW) -> dict[str, Any]:
    return store.verify(kind, made, now, kind.at_most_hours)


def names(path: Path) -> set[str]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = {row[0] for row in connection.execute("SELECT name FROM campaigns")}
    connection.close()
    return found


def test_backup_holds_what_is_still_in_the_write_ahead_log(path, folder):
    reader = sqlite3.connect(path)  # keeps the write-ahead log from being folded into the file
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM campaigns LIMIT 1").fetchone()
    database.add_campaign(path, "only in the log", "", ["aria"])
    assert b"only in the log" not in path.read_bytes()
    made = make(DATABASE, path, folder)
    reader.close()
    assert made == folder / "2026-01-02" / "novel-engine-backup.db"
    assert "only in the log" in names(made)
    assert sorted(leftover.name for leftover in made.parent.iterdir()) == [
        made.name,
        f"{made.name}.manifest.json",
    ]


def test_backup_is_one_file_that_can_be_checked_read_only(path, folder):
    made = make(DATABASE, path, folder)
    connection = sqlite3.connect(f"file:{made}?mode=ro", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_a_restored_backup_serves_in_wal_mode_again(path, folder):
    restored = folder / "restored.db"
    restored.write_bytes(make(DATABASE, path, folder).read_bytes())
    database.prepare(restored)
    assert database.add_campaign(restored, "after", "", ["aria"])["name"] == "after"
    connection = sqlite3.connect(restored)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_rows_that_the_copy_lacks_are_named():
    before = {"campaigns": 3, "characters": 8, "gone": 0}
    assert database_backup.lacking_rows(before, {"campaigns": 2, "characters": 9}) == (
        "campaigns: 2 of 3, gone: 0 of 0"
    )
    assert database_backup.lacking_rows(before, {**before, "campaigns": 4}) == ""


def overwrite_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xa5" * 4096 * 8)


def break_a_constraint(path: Path) -> None:
    """Every page stays readable; only integrity_check's text, not an error of SQLite, tells."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, 'status TEXT NOT NULL', 'status TEXT CHECK (0)')"
    )
    connection.commit()
    connection.close()


@pytest.mark.parametrize("kind", [DATABASE, DATA], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (overwrite_pages, "malformed|integrity_check should say ok"),
        (break_a_constraint, "integrity_check should say ok"),
    ],
)
def test_damaged_database_gives_no_backup_and_leaves_the_earlier_one(path, folder, kind, damage, told):
    earlier = make(kind, path, folder)
    good, described = earlier.read_bytes(), store.manifest_of(earlier).read_text()
    damage(path)
    with pytest.raises(BackupError, match=told):
        make(kind, path, folder)
    assert (earlier.read_bytes(), store.manifest_of(earlier).read_text()) == (good, described)
    assert len(list(earlier.parent.iterdir())) == 2


def test_database_without_campaigns_is_not_backed_up(tmp_path, folder):
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).execute("CREATE TABLE other (x)").connection.close()
    with pytest.raises(BackupError, match="no such table: campaigns"):
        make(DATABASE, empty, folder)


def test_what_the_file_turns_out_not_to_hold_is_no_backup(path, folder):
    def write(partial_file: Path) -> dict[str, Any]:
        return infrastructure.write(STATE, partial_file) | {"serial": 0}

    serial = json.loads(STATE.read_text(encoding="utf-8"))["serial"]
    with pytest.raises(BackupError, match=rf'expected .*"serial": 0.* the file holds .*"serial": {serial}'):
        store.keep(INFRASTRUCTURE, write, folder, NOW)
    assert list((folder / "2026-01-02").iterdir()) == []


EVERY_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@EVERY_KIND
def test_a_good_one_is_verified_until_it_is_too_old(path, folder, kind):
    made = make(kind, path, folder)
    assert kind.newest_in(folder) == made
    assert verify(kind, made)["file"] == made.name
    limit = timedelta(hours=kind.at_most_hours)
    verify(kind, made, NOW + limit)
    with pytest.raises(RefusedError, match=r"^stale: .* hours old"):
        verify(kind, made, NOW + limit + timedelta(seconds=1))


@EVERY_KIND
def test_one_whose_file_is_old_is_stale_whatever_its_manifest_says(path, folder, kind):
    made = make(kind, path, folder)
    long_ago = NOW.timestamp() - kind.at_most_hours * 3600 - 1
    os.utime(made, (long_ago, long_ago))
    with pytest.raises(RefusedError, match=r"^stale: "):
        verify(kind, made)


@EVERY_KIND
def test_one_from_the_future_is_refused(path, folder, kind):
    made = make(kind, path, folder)
    verify(kind, made, NOW - timedelta(seconds=300))
    with pytest.raises(RefusedError, match="a clock is wrong"):
        verify(kind, made, NOW - timedelta(seconds=301))


@EVERY_KIND
def test_a_truncated_one_is_damaged(path, folder, kind):
    made = make(kind, path, folder)
    os.truncate(made, made.stat().st_size // 2)
    with pytest.raises(RefusedError, match=r"^damaged: \d+ bytes were written"):
        verify(kind, made)


@EVERY_KIND
def test_one_altered_byte_is_damage(path, folder, kind):
    made = make(kind, path, folder)
    content = bytearray(made.read_bytes())
    content[-1] ^= 1
    made.write_bytes(content)
    os.utime(made, (NOW.timestamp(), NOW.timestamp()))
    with pytest.raises(RefusedError, match=r"^damaged: its SHA-256 was"):
        verify(kind, made)


@EVERY_KIND
def test_a_manifest_that_was_made_to_fit_does_not_save_a_file_that_cannot_be_read(path, folder, kind):
    made = make(kind, path, folder)
    os.truncate(made, made.stat().st_size // 2)
    rewrite(made, bytes=made.stat().st_size, sha256=store.sha256(made))
    with pytest.raises(RefusedError, match=r"^damaged: |^incomplete: .* were written, it holds"):
        verify(kind, made)


@EVERY_KIND
def test_one_without_its_manifest_was_never_finished(path, folder, kind):
    made = make(kind, path, folder)
    store.manifest_of(made).unlink()
    with pytest.raises(RefusedError, match=r"^incomplete: its manifest .* is missing"):
        verify(kind, made)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"kind": "database"}', "\x00"])
def test_a_manifest_that_cannot_be_read_is_damage(path, folder, text):
    made = make(DATABASE, path, folder)
    store.manifest_of(made).write_text(text)
    with pytest.raises(RefusedError, match=r"^damaged: its manifest cannot be read"):
        verify(DATABASE, made)


def test_a_backup_of_another_kind_is_refused(path, folder):
    with pytest.raises(RefusedError, match="expected a database backup, its manifest says 'data'"):
        verify(DATABASE, make(DATA, path, folder))


def rewrite(made: Path, **facts: Any) -> None:
    described = json.loads(store.manifest_of(made).read_text())
    store.manifest_of(made).write_text(json.dumps(described | facts))


def test_fewer_rows_than_were_written_are_incomplete(path, folder):
    made = make(DATABASE, path, folder)
    connection = sqlite3.connect(made)
    connection.execute("DELETE FROM campaigns WHERE number = 7")
    connection.commit()
    connection.close()
    os.utime(made, (NOW.timestamp(), NOW.timestamp()))
    rewrite(made, bytes=made.stat().st_size, sha256=store.sha256(made))
    with pytest.raises(RefusedError, match=r'^incomplete: .*"campaigns": 240.*holds.*"campaigns": 239'):
        verify(DATABASE, made)


def test_the_data_archive_is_all_but_the_live_database_and_what_was_set_aside(path, folder):
    (path.parent / "manuscripts").mkdir()
    (path.parent / "manuscripts" / "one.md").write_text("a story")
    (path.parent / "damaged-20260101-000000").mkdir()
    (path.parent / "damaged-20260101-000000" / "novel-engine.db").write_bytes(b"\xa5")
    (path.parent / "link").symlink_to("/etc/passwd")
    reader = sqlite3.connect(path)  # keeps -wal and -shm in place
    reader.execute("SELECT count(*) FROM campaigns").fetchone()
    database.add_campaign(path, "only in the log", "", ["aria"])
    assert path.with_name("novel-engine.db-wal").stat().st_size > 0
    made = make(DATA, path, folder)
    reader.close()
    assert made == folder / "2026-01-02" / "backup-data-20260102.tar.gz"
    assert set(verify(DATA, made)["contents"]["files"]) == {"novel-engine.db", "manuscripts/one.md"}
    with tarfile.open(made) as archive:
        archive.extractall(folder, filter="data")
    assert (folder / "backup-data" / "manuscripts" / "one.md").read_text() == "a story"
    assert "only in the log" in names(folder / "backup-data" / "novel-engine.db")


def test_an_archive_without_the_database_is_no_backup(path, folder):
    made = make(DATA, path, folder)
    with tarfile.open(made, "w:gz") as archive:
        archive.add(STATE, "backup-data/other")
    with pytest.raises(BackupError, match=r"lacks backup-data/novel-engine.db"):
        data.inspect(made)


def test_the_saved_objects_are_what_another_cluster_takes(path, folder):
    made = make(CONFIGURATION, path, folder)
    assert made == folder / "2026-01-02" / "backup-k8s-20260102.yaml"
    assert made.stat().st_mode & 0o077 == 0
    assert verify(CONFIGURATION, made)["contents"] == {
        "objects": {
            "ConfigMap": ["c"],
            "Deployment": ["d"],
            "Namespace": ["x"],
            "NetworkPolicy": ["n"],
            "PersistentVolumeClaim": ["p"],
            "Secret": ["secret"],
            "Service": ["s"],
        }
    }


def test_a_kind_that_may_not_be_read_is_an_error_and_not_left_out(path, folder):
    class Refusing(Server):
        def get(self, path: str) -> dict[str, Any]:
            if path.endswith("/secrets"):
                raise BackupError(f"{path} cannot be read: HTTP Error 403: Forbidden")
            return super().get(path)

    with pytest.raises(BackupError, match="secrets cannot be read"):
        store.keep(CONFIGURATION, partial(configuration.write, Refusing()), folder, NOW)
    assert list((folder / "2026-01-02").iterdir()) == []


@pytest.mark.parametrize("kind", configuration.REQUIRED)
def test_a_file_without_what_no_recovery_can_do_without_is_no_backup(tmp_path, kind):
    path = tmp_path / "saved.yaml"
    kept = [each for each in configuration.REQUIRED if each != kind]
    path.write_text("".join(f"---\nkind: {each}\nmetadata: {{name: x}}\n" for each in kept))
    with pytest.raises(BackupError, match=f"lacking: {kind}"):
        configuration.inspect(path)


def test_what_the_cluster_adds_is_taken_away():
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "s",
            "labels": {"app": "s"},
            "uid": "1",
            "resourceVersion": "2",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "kept"},
        },
        "spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ports": [{"nodePort": 30080}]},
        "status": {"loadBalancer": {}},
    }
    assert configuration.cleaned(service) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "labels": {"app": "s"}, "annotations": {"note": "kept"}},
        "spec": {"ports": [{"nodePort": 30080}]},
    }
    headless = {**service, "spec": {"clusterIP": "None"}}
    assert configuration.cleaned(headless)["spec"] == {"clusterIP": "None"}


@pytest.mark.parametrize(
    ("each", "others"),
    [
        ({"kind": "ConfigMap", "metadata": {"name": "redis"}}, False),
        ({"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}}, True),
        ({"kind": "ServiceAccount", "metadata": {"name": "default"}}, True),
        ({"kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque"}, False),
        ({"kind": "Secret", "metadata": {"name": "s"}, "type": "kubernetes.io/service-account-token"}, True),
        ({"kind": "Deployment", "metadata": {"name": "d", "ownerReferences": [{"kind": "X"}]}}, True),
    ],
)
def test_what_others_make_is_left_out(each, others):
    assert configuration.made_by_others(each) is others


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"resources": []}, "names no resource"),
        ({"version": 3}, "expected a state of version 4, found 3"),
        ({"resources": [{"type": "x"}]}, "not a Terraform state: KeyError"),
    ],
)
def test_a_state_of_nothing_is_no_backup(tmp_path, change, told):
    path = tmp_path / "tfstate"
    path.write_text(json.dumps(json.loads(STATE.read_text()) | change))
    with pytest.raises(BackupError, match=told):
        infrastructure.write(path, tmp_path / "copy")


def test_where_nothing_was_applied_the_error_says_what_is_expected(tmp_path):
    with pytest.raises(BackupError, match=r"expected the Secret terraform-state"):
        infrastructure.write(tmp_path / "tfstate", tmp_path / "copy")


def test_configuration_outside_of_a_pod_says_where_it_runs(tmp_path):
    with pytest.raises(BackupError, match="expected to run in a pod"):
        configuration.api_server_of_pod({}, tmp_path)


SOURCES = [
    ("database", "novel-engine.db", "no backup of .*: DatabaseError: file is not a database"),
    ("data", ".", "no backup of .*: DatabaseError: file is not a database"),
    ("infrastructure", "tfstate", "not a Terraform state"),
]


@pytest.mark.parametrize(("kind", "source", "told"), SOURCES, ids=[source[0] for source in SOURCES])
def test_commands_end_with_a_status_that_tells(path, folder, kind, source, told):
    shutil.copy(STATE, path.with_name("tfstate"))
    given = path.parent / source
    made = run("make", kind, "--source", given, "--folder", folder)
    assert made.returncode == 0, made.stderr
    (manifest,) = folder.glob("*/*.manifest.json")
    backup = manifest.with_name(json.loads(manifest.read_text())["file"])
    verified = run("verify", kind, "--folder", folder)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.startswith(f"verified: {backup}: {kind}, made 20")
    assert run("verify", kind, "--file", backup, "--at-most-hours", 1).returncode == 0
    for spoilt in (path, path.with_name("tfstate")):
        spoilt.write_bytes(b"neither this nor that" * 1000)
    failed = run("make", kind, "--source", given, "--folder", folder)
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert failed.stderr.startswith("error: ")
    assert re.search(told, failed.stderr), failed.stderr
    assert run("verify", kind, "--folder", folder).returncode == 0  # the earlier one is untouched
    os.truncate(backup, 10)
    refused = run("verify", kind, "--folder", folder)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"refused: {backup}: damaged: ")


def test_verify_without_a_kind_is_of_all_and_fails_when_one_does(path, folder):
    run("make", "database", "--source", path, "--folder", folder)
    said = run("verify", "--folder", folder)
    assert said.returncode == 1
    assert said.stdout.startswith("verified: ")
    assert said.stderr.count(": missing: there is no such file") == 3
    for kind in (DATA, INFRASTRUCTURE, CONFIGURATION):
        make(kind, path, folder, datetime.now(UTC))
    said = run("verify", "--folder", folder)
    assert (said.returncode, said.stdout.count("verified: "), said.stderr) == (0, 4, "")


@pytest.mark.parametrize(
    "arguments",
    [("verify", "--file", "x"), ("make", "configuration", "--source", "x"), ("make",), ("verify", "other")],
)
def test_a_command_that_says_too_little_is_a_usage_error(arguments):
    said = run(*arguments)
    assert said.returncode == 2
    assert "usage: " in said.stderr


def test_a_named_file_that_is_not_there_is_missing(tmp_path):
    said = run("verify", "database", "--file", tmp_path / "none.db")
    assert said.returncode == 1
    assert said.stderr == f"refused: {tmp_path}/none.db: missing: there is no such file\n"


def test_newest_is_by_day(path, folder):
    for day in (3, 1, 2):
        make(CONFIGURATION, path, folder, NOW.replace(day=day))
    assert CONFIGURATION.newest_in(folder) == folder / "2026-01-03" / "backup-k8s-20260103.yaml"
    shutil.rmtree(folder / "2026-01-03")
    assert CONFIGURATION.newest_in(folder) == folder / "2026-01-02" / "backup-k8s-20260102.yaml"


def test_only_the_newest_days_are_kept(folder):
    for day in range(1, 6):
        (folder / f"2026-01-{day:02d}").mkdir()
    (folder / "by-hand").mkdir()
    removed = store.prune(folder, 3)
    assert [path.name for path in removed] == ["2026-01-01", "2026-01-02"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "2026-01-03",
        "2026-01-04",
        "2026-01-05",
        "by-hand",
    ]
    assert store.prune(folder, 3) == []


def test_a_backup_that_another_pod_makes_meanwhile_does_not_take_its_file_away(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container every process is number 1, and the schedule's job may meet one that somebody started."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    monkeypatch.setattr(socket, "gethostname", lambda: "scheduled")

    def meanwhile(partial_file: Path) -> store.Contents:
        written = database_backup.write(path, partial_file)
        monkeypatch.setattr(socket, "gethostname", lambda: "started-by-hand")
        make(DATABASE, path, folder)
        monkeypatch.setattr(socket, "gethostname", lambda: "scheduled")
        return written

    made = store.keep(DATABASE, meanwhile, folder, NOW)
    for each in (made, store.manifest_of(made)):
        os.utime(each, (NOW.timestamp(), NOW.timestamp()))
    assert store.verify(DATABASE, made, NOW, DATABASE.at_most_hours)
    assert sorted(each.name for each in made.parent.iterdir()) == [made.name, store.manifest_of(made).name]
