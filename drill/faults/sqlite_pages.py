"""Pages of a live SQLite file overwritten: the root pages of every table and index but the schema's own.

A consistent copy is kept beside the ledger, on this machine, before anything is broken: it survives every pod
and every process.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drill.cluster.access import Cluster, ClusterError
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Sight, Site, kind, moment_between
from drill.parts.database_copy import put_copy_back, take_copy
from drill.parts.database_file import DatabaseFile
from drill.parts.integrity import integrity_in
from drill.recording import now

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


@kind("sqlite-pages")
class SqlitePages(Fault, frozen=True):
    """`replicas`: of the workload that opens the file; `copy`: the file on this machine."""

    file: DatabaseFile
    replicas: int
    copy: str

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> SqlitePages:
        file = site.database_file
        spec = site.cluster.workload(file.workload, file.workload_kind)["spec"]
        return cls(file, spec.get("replicas", 1), str(site.beside("sqlite")))

    def inject(self, cluster: Cluster) -> Injected:
        file, copy = self.file, Path(self.copy)
        pods = file.pods(cluster)
        if not pods:
            raise FaultError(f"no pod of {file.workload} runs: its database cannot be reached")
        pod = pods[0]
        take_copy(cluster, pod, file.container, file.path, copy)
        before = now()
        broken = json.loads(cluster.exec(pod, file.container, ["python", "-c", CORRUPT_SCRIPT, file.path]))
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
        if put_copy_back(cluster, self.file, Path(self.copy), self.replicas):
            return "put the kept copy back"
        return "the database is sound: nothing was left to undo"
