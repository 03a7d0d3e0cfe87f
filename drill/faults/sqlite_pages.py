"""Pages of a live SQLite file overwritten: the root pages of every table and index but the schema's own.

A consistent copy is kept beside the ledger, on this machine, before anything is broken: it survives every pod
and every process.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from drill.cluster.access import AbsentError, Cluster, ClusterError
from drill.cluster.health import wait_until_rolled_out
from drill.cluster.pods import replace_backed_off
from drill.durable import write_durably
from drill.errors import FaultError
from drill.faults.database_file import DatabaseFile
from drill.faults.fault import Fault, Injected, Sight, Site, kind, moment_between
from drill.parts.sqlite import Integrity, integrity_in
from drill.recording import now

COPY_SCRIPT = """
import sqlite3, sys
live = sqlite3.connect(sys.argv[1], timeout=10)
copy = sqlite3.connect(":memory:")
live.backup(copy)
sys.stdout.buffer.write(copy.serialize())
"""

# The write-ahead log is emptied first and a writer's lock held while pages are overwritten, so that no newer
# page in the log hides a broken one; the empty commit at the end makes other connections forget the sound
# pages that they have cached.
CORRUPT_SCRIPT = """
import json, os, sqlite3, sys, time
path = sys.argv[1]
connection = sqlite3.connect(path, timeout=10, isolation_level=None)
page_size = connection.execute("PRAGMA page_size").fetchone()[0]
file = os.open(path, os.O_RDWR)
deadline = time.monotonic() + 8
while True:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    if not os.path.exists(path + "-wal") or os.path.getsize(path + "-wal") == 0:
        break
    connection.execute("ROLLBACK")
    if time.monotonic() > deadline:
        sys.exit("the write-ahead log could not be emptied within 8 s")
pages = "SELECT name, rootpage FROM sqlite_master WHERE rootpage > 1 ORDER BY rootpage"
roots = connection.execute(pages).fetchall()
version = connection.execute("PRAGMA user_version").fetchone()[0]
at = time.time()
for name, root in roots:
    os.pwrite(file, os.urandom(page_size), (root - 1) * page_size)
os.fsync(file)
connection.execute(f"PRAGMA user_version = {version}")
connection.execute("COMMIT")
print(json.dumps({"wall": at, "pages": {name: root for name, root in roots}, "page_bytes": page_size}))
"""

PUT_BACK_SCRIPT = """
import hashlib, os, sys
path, expected = sys.argv[1:]
data = sys.stdin.buffer.read()
if hashlib.sha256(data).hexdigest() != expected:
    sys.exit("the copy did not arrive whole")
for suffix in ("-wal", "-shm", "-journal"):
    if os.path.exists(path + suffix):
        os.unlink(path + suffix)
partial = path + ".drill-partial"
with open(partial, "wb") as file:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
os.replace(partial, path)
folder = os.open(os.path.dirname(path), os.O_RDONLY)
os.fsync(folder)
"""

COPY_SECONDS = 120


@kind("sqlite-pages")
class SqlitePages(Fault, frozen=True):
    """`replicas`: of the workload that opens the file; `copy`: the file on this machine."""

    file: DatabaseFile
    replicas: int
    copy: str

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> SqlitePages:
        file = DatabaseFile.of(site)
        spec = site.cluster.workload(file.workload, file.workload_kind)["spec"]
        return cls(file, spec.get("replicas", 1), str(site.beside("sqlite")))

    def inject(self, cluster: Cluster) -> Injected:
        file, copy = self.file, Path(self.copy)
        pods = file.pods(cluster)
        if not pods:
            raise FaultError(f"no pod of {file.workload} runs: its database cannot be reached")
        pod, python = pods[0], ["python", "-c"]
        data = cluster.exec(pod, file.container, [*python, COPY_SCRIPT, file.path], seconds=COPY_SECONDS)
        write_durably(copy, data)
        kept = integrity_of(copy)
        if not kept.sound:
            raise FaultError(
                f"{copy}: the copy kept for the undo is not sound ({kept.integrity}); nothing was broken"
            )
        before = now()
        broken = json.loads(cluster.exec(pod, file.container, [*python, CORRUPT_SCRIPT, file.path]))
        return Injected(moment_between(before, broken.pop("wall")), {**broken, "pod": pod})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        pods = self.file.pods(cluster)
        if not pods:
            return Sight(False, f"no pod of {self.file.workload} runs: its database cannot be asked")
        try:
            seen = integrity_in(cluster, pods[0], self.file.container, self.file.path)
        except ClusterError as error:
            return Sight(False, str(error))
        return Sight(not seen.sound, f"integrity check: {seen.integrity[:200]}")

    def undo(self, cluster: Cluster) -> str:
        copy = Path(self.copy)
        kept = integrity_of(copy) if copy.exists() else None
        with self.file.in_helper(cluster) as (pod, container):
            seen = integrity_in(cluster, pod, container, self.file.path)
            if seen.sound and (kept is None or set(kept.tables) <= set(seen.tables)):
                done = "the database is sound: nothing was left to undo"
            elif kept is None:
                raise FaultError(
                    f"the database is broken ({seen.integrity}) and {copy} is not there: restore a backup "
                    "by hand"
                )
            elif not kept.sound:
                raise FaultError(
                    f"the database is broken ({seen.integrity}) and so is {copy} ({kept.integrity}): "
                    "restore a backup by hand"
                )
            else:
                self._put_back(cluster, pod, container, copy.read_bytes())
                done = "put the kept copy back"
        self._start_again(cluster)
        return done

    def _put_back(self, cluster: Cluster, pod: str, container: str, data: bytes) -> None:
        """Stop the application, put the copy in the place of the database, and check it there."""
        file = self.file
        try:
            cluster.scale(file.workload, 0, file.workload_kind)
            wait_until_rolled_out(cluster, file.workload, file.workload_kind)
        except AbsentError:
            pass  # whoever deleted it has stopped it
        put_back = ["python", "-c", PUT_BACK_SCRIPT, file.path, hashlib.sha256(data).hexdigest()]
        cluster.exec(pod, container, put_back, stdin=data, seconds=COPY_SECONDS)
        seen = integrity_in(cluster, pod, container, file.path)
        if not seen.sound:
            raise FaultError(f"the kept copy was put back and the database is still broken: {seen.integrity}")

    def _start_again(self, cluster: Cluster) -> None:
        """Replicas as before, and no pod in the kubelet's back-off, which can last minutes."""
        name, workload_kind = self.file.workload, self.file.workload_kind
        try:
            spec = cluster.workload(name, workload_kind)["spec"]
        except AbsentError:
            return  # the known state brings it back
        if spec.get("replicas", 1) == 0:
            cluster.scale(name, self.replicas, workload_kind)
        replace_backed_off(cluster, name, workload_kind)


def integrity_of(copy: Path) -> Integrity:
    """Whether a file on this machine is a sound database."""
    try:
        connection = sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            tables = sorted(
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            )
            checked = "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check(3)"))
            return Integrity(checked, tables)
        finally:
            connection.close()
    except sqlite3.Error as error:
        return Integrity(f"{type(error).__name__}: {error}", [])
