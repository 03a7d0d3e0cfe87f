"""Scripts of the runbook that need no cluster, run by the operator with real tools: as first written, and as
corrected.

The folder /backups of the texts is replaced by one of the test's, and `date` tells one day, in UTC, since
midnight may come between the backup and its verification; nothing else is changed.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sqlite3
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drill.operate import ProcedureResult, World
from drill.runbook import parse

ROOT = Path(__file__).parents[3]
AS_FIRST_WRITTEN = ROOT / "runbook" / "as-first-written.md"
CORRECTED = ROOT / "runbook" / "operations-runbook.md"
DAY = "2024-02-29"
DATE = f"""#!/bin/sh
exec /bin/date --date="{DAY} 12:00" "$@"
"""


def make_backup(folder: Path) -> Path:
    """A database of some pages, where the backup of that day lies."""
    path = folder / DAY / "novel-engine-backup.db"
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE campaigns (id TEXT PRIMARY KEY, name TEXT)")
        database.executemany(
            "INSERT INTO campaigns VALUES (?, ?)", [(f"id-{number}", "name" * 20) for number in range(500)]
        )
    database.close()
    return path


def damage(path: Path) -> None:
    """Alter one key where it stands first, in the table or in its index: the two no longer agree."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b"id-250", b"id-2x0", 1))


def verify(place: Any, runbook: Path, folder: Path) -> ProcedureResult:
    step = parse(runbook).step("Backup Verification")
    moved = replace(step, text=step.text.replace("/backups/", f"{folder}/"))
    tools = place.folder / "tools"
    tools.mkdir()
    (tools / "date").write_text(DATE, encoding="utf-8")
    (tools / "date").chmod(0o755)
    world = World(place.kubeconfig, tools=(tools,), variables={"TZ": "UTC"})
    result: ProcedureResult = place.operator(world).follow("Backup Verification", [moved])
    return result


def printed(result: ProcedureResult) -> str:
    return "".join(command.output for command in result.commands)


def test_as_first_written_a_damaged_backup_is_called_verified(place: Any, tmp_path: Path) -> None:
    damage(make_backup(tmp_path / "backups"))
    result = verify(place, AS_FIRST_WRITTEN, tmp_path / "backups")
    check = next(command for command in result.commands if command.line == 252)
    assert check.status == 0
    assert check.output.strip() != "ok"
    assert "Backup verified" in printed(result)


@pytest.mark.parametrize("runbook", [AS_FIRST_WRITTEN, CORRECTED], ids=["as first written", "corrected"])
def test_a_sound_backup_is_verified(place: Any, tmp_path: Path, runbook: Path) -> None:
    make_backup(tmp_path / "backups")
    assert "Backup verified" in printed(verify(place, runbook, tmp_path / "backups"))


def test_as_corrected_a_damaged_backup_is_found(place: Any, tmp_path: Path) -> None:
    damage(make_backup(tmp_path / "backups"))
    result = verify(place, CORRECTED, tmp_path / "backups")
    assert "❌ Backup corrupted" in printed(result)
    assert result.commands[-1].status == 1


def test_as_corrected_a_missing_backup_is_found(place: Any, tmp_path: Path) -> None:
    result = verify(place, CORRECTED, tmp_path / "backups")
    assert "❌ Backup missing" in printed(result)
    assert result.commands[-1].status == 1


def test_as_corrected_an_old_backup_is_found(place: Any, tmp_path: Path) -> None:
    path = make_backup(tmp_path / "backups")
    long_ago = time.time() - 8 * 3600
    os.utime(path, (long_ago, long_ago))
    result = verify(place, CORRECTED, tmp_path / "backups")
    assert "❌ Backup older than 7 hours" in printed(result)
    assert result.commands[-1].status == 1


KUBECTL = """#!/bin/sh
# pods of the service, and what is run in them: here
case "$*" in
    *"get pods"*) echo "web-1 debug-shell"; exit ;;
esac
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""
LISTED = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   1: 0501F40A:1F40 0100120A:C350 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0
   2: 0501F40A:9C40 1E2C600A:18EB 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0
   3: 0501F40A:9C41 002C600A:0035 06 00000000:00000000 00:00000000 00000000     0        0 0 3 0
"""
OUTWARD = """\
   4: 0501F40A:9C42 002C600A:0035 01 00000000:00000000 00:00000000 00000000  1000        0 4 1 0
   5: 0501F40A:9C43 FE00000A:01BB 02 00000000:00000000 00:00000000 00000000  1000        0 5 1 0
"""
CONNECTIONS = (
    "Security Monitoring / # Connections outward of each pod, but to Redis: on a healthy target none (RB-047)"
)
CHANGED = "Security Monitoring / # Files that changed within a day, but the database (RB-047)"
ISOLATED = "Suspected Breach / # It holds once a pod is told no name any more; what was open goes on (RB-015)"
KEPT = "Suspected Breach / # Is the evidence of every pod here, whole and unchanged? (RB-016)"


def look(
    place: Any, name: str, replaced: dict[str, str], tools: dict[str, str] | None = None, **world: Any
) -> ProcedureResult:
    """Follow a paragraph of the corrected runbook, with a kubectl that runs on this machine what is to run in
    a pod."""
    step = parse(CORRECTED).step(name)
    text = step.text
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    folder = place.folder / "tools"
    folder.mkdir()
    for tool, script in {"kubectl": KUBECTL, **(tools or {})}.items():
        (folder / tool).write_text(script, encoding="utf-8")
        (folder / tool).chmod(0o755)
    operator = place.operator(World(place.kubeconfig, tools=(folder,), **world))
    result: ProcedureResult = operator.follow(name, [replace(step, text=text)])
    return result


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (LISTED, []),
        (LISTED + OUTWARD, ["talks to 10.96.44.0:53", "tries to reach 10.0.0.254:443"]),
    ],
    ids=["users and Redis", "somebody outside"],
)
def test_connections_outward_are_told(place: Any, tmp_path: Path, listed: str, said: list[str]) -> None:
    (tmp_path / "tcp").write_text(listed, encoding="utf-8")
    result = look(place, CONNECTIONS, {"/proc/net/tcp": str(tmp_path / "tcp")})
    expected = [f"{pod} {each}" for pod in ("web-1", "debug-shell") for each in said]
    assert printed(result).splitlines() == expected
    assert result.status == 0


def test_the_kernel_lists_a_connection_as_the_runbook_reads_it(place: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address):
            result = look(place, CONNECTIONS, {})
    assert f"debug-shell talks to 127.0.0.1:{address[1]}" in printed(result).splitlines()


def test_a_changed_file_is_told_with_its_time_and_the_database_is_not(place: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "manuscripts").mkdir(parents=True)
    (data / "manuscripts" / "one.md").write_text("once", encoding="utf-8")
    (data / "novel-engine.db-wal").write_bytes(b"always")
    result = look(place, CHANGED, {"/app/data": str(data)})
    (line,) = printed(result).splitlines()
    moment, _, name = line.partition(" ")
    assert name == f"{data}/manuscripts/one.md"
    assert time.strptime(moment.partition(".")[0], "%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    ("answer", "status", "said"), [(2, 0, "isolated"), (0, 1, "not isolated")], ids=["no name", "a name"]
)
def test_isolation_holds_where_no_name_is_told(place: Any, answer: int, status: int, said: str) -> None:
    tools = {"getent": f"#!/bin/sh\nexit {answer}\n", "sleep": "#!/bin/sh\n"}
    result = look(place, ISOLATED, {}, tools)
    assert (result.status, printed(result).strip()) == (status, said)


@pytest.mark.parametrize("wrong", ["nothing", "changed", "cut off", "a pod without any"])
def test_evidence_is_here_only_where_it_is_of_every_pod_whole_and_as_it_was(
    place: Any, tmp_path: Path, wrong: str
) -> None:
    source = tmp_path / "web.log"
    source.write_bytes(os.urandom(4096))
    files: dict[str, Path] = {}
    for pod in ("web-1", "debug-shell"):
        path = tmp_path / f"forensic-{pod}-20240229-120000.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            archive.add(source, "app/logs/web.log")
        files[path.name] = path
    last = files["forensic-debug-shell-20240229-120000.tar.gz"]
    if wrong == "cut off":
        last.write_bytes(last.read_bytes()[:-1000])
    if wrong == "a pod without any":
        del files[last.name]
    digests = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{name}\n" for name, path in files.items()]
    (tmp_path / "forensic.sha256").write_text("".join(digests), encoding="utf-8")
    if wrong == "changed":
        with tarfile.open(last, "w:gz") as archive:
            archive.add(source, "app/logs/another.log")
    result = look(place, KEPT, {}, files={"forensic.sha256": tmp_path / "forensic.sha256", **files})
    assert (result.status == 0) == (wrong == "nothing")
    assert (f"{last.name}: OK" in printed(result)) == (wrong in ("nothing", "cut off"))
