"""The fault of the database: pages of the live file overwritten. Flows in, flows out: see
drill.faults.fault.

A consistent copy is kept beside the ledger, on this machine, before anything is broken: it survives every pod
and every process.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from drill import wait
from drill.cluster.access import Cluster, ClusterError, Json
from drill.cluster.health import (
    Integrity,
    database_integrity,
    integrity_in,
    running_pods,
    wait_until_rolled_out,
)
from drill.durable import write_durably
from drill.errors import FaultError
from drill.faults.fault import Arguments, Injected, Part, Sight, moment_between
from drill.putback.known_state import replace_backed_off
from drill.putback.ledger import Ledger
from drill.recording import now
from drill.settings import Settings, Sqlite

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
roots = connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 1 ORDER BY rootpage").fetchall()
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

HELPER = "drill-database-helper"


class DatabaseCorrupted:
    """Overwrites pages of the live database file: the root pages of every table and index but the schema's
    own.
    """

    name = "database-corrupted"
    needs: tuple[Part, ...] = ("database",)
    witness = "the integrity check finds the database broken"

    def prepare(self, cluster: Cluster, settings: Settings, identity: str) -> Arguments:
        database = _database(settings)
        target = settings.target
        return {
            "deployment": target.deployment,
            "container": target.container,
            "path": database.path,
            "volume_claim": database.volume_claim,
            "replicas": cluster.deployment(target.deployment)["spec"]["replicas"],
            "copy": str(Ledger(settings.root).beside(identity, "sqlite")),
        }

    def inject(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> Injected:
        pods = running_pods(cluster, arguments["deployment"], arguments["container"])
        if not pods:
            raise FaultError(f"no pod of {arguments['deployment']} runs: its database cannot be reached")
        pod, container, path = pods[0]["metadata"]["name"], arguments["container"], arguments["path"]
        copy = Path(arguments["copy"])
        write_durably(copy, cluster.exec(pod, container, ["python", "-c", COPY_SCRIPT, path], seconds=120))
        kept = _integrity_of_copy(copy)
        if not kept.sound:
            raise FaultError(
                f"{copy}: the copy kept for the undo is not sound ({kept.integrity}); nothing was broken"
            )
        before = now()
        broken = json.loads(cluster.exec(pod, container, ["python", "-c", CORRUPT_SCRIPT, path]))
        return Injected(moment_between(before, broken.pop("wall")), {**broken, "pod": pod})

    def look(
        self, cluster: Cluster, settings: Settings, arguments: Arguments, detail: dict[str, Any]
    ) -> Sight:
        try:
            seen = database_integrity(cluster, settings)
        except ClusterError as error:
            return Sight(False, str(error))
        return Sight(not seen.sound, f"integrity check: {seen.integrity[:200]}")

    def undo(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> str:
        copy, deployment = Path(arguments["copy"]), arguments["deployment"]
        kept = _integrity_of_copy(copy) if copy.exists() else None
        pod = _start_helper(cluster, arguments)
        try:
            seen = integrity_in(cluster, pod, "helper", arguments["path"])
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
                _put_back(cluster, arguments, pod, copy)
                done = "put the kept copy back"
        finally:
            cluster.delete(cluster.core("pods", pod), grace_seconds=0)
        if cluster.deployment(deployment)["spec"]["replicas"] == 0:
            cluster.scale(deployment, arguments["replicas"])
        replace_backed_off(cluster, deployment)
        return done


def _database(settings: Settings) -> Sqlite:
    part = settings.part("sqlite")
    if not isinstance(part, Sqlite):
        raise FaultError("expected a part of kind sqlite in the target's file, there is none")
    return part


def _integrity_of_copy(copy: Path) -> Integrity:
    try:
        connection = sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            tables = sorted(
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            )
            return Integrity(
                "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check(3)")), tables
            )
        finally:
            connection.close()
    except sqlite3.Error as error:
        return Integrity(f"{type(error).__name__}: {error}", [])


def _put_back(cluster: Cluster, arguments: Arguments, helper: str, copy: Path) -> None:
    """Stop the application, put the copy in the place of the database, and check it there."""
    deployment = arguments["deployment"]
    cluster.scale(deployment, 0)
    wait_until_rolled_out(cluster, deployment)
    data = copy.read_bytes()
    cluster.exec(
        helper,
        "helper",
        ["python", "-c", PUT_BACK_SCRIPT, arguments["path"], hashlib.sha256(data).hexdigest()],
        stdin=data,
        seconds=120,
    )
    seen = integrity_in(cluster, helper, "helper", arguments["path"])
    if not seen.sound:
        raise FaultError(f"the kept copy was put back and the database is still broken: {seen.integrity}")


def _start_helper(cluster: Cluster, arguments: Arguments) -> str:
    """Start a pod of the application's own image on the database's volume, which does nothing by itself; its
    name.
    """
    cluster.delete(cluster.core("pods", HELPER), grace_seconds=0)
    wait.until("the helper of before to be gone", lambda: _absent(cluster), seconds=30)
    spec = cluster.deployment(arguments["deployment"])["spec"]["template"]["spec"]
    cluster.request("POST", cluster.core("pods"), _helper(spec, arguments))
    wait.until(
        f"pod {HELPER} to run",
        lambda: cluster.get(cluster.core("pods", HELPER)).get("status", {}),
        lambda status: status.get("phase") == "Running",
        seconds=60,
    )
    return HELPER


def _absent(cluster: Cluster) -> bool:
    names = [pod["metadata"]["name"] for pod in cluster.get(cluster.core("pods"))["items"]]
    return HELPER not in names


def _helper(spec: Json, arguments: Arguments) -> Json:
    container = next(each for each in spec["containers"] if each["name"] == arguments["container"])
    volumes = [
        volume
        for volume in spec["volumes"]
        if volume.get("persistentVolumeClaim", {}).get("claimName") == arguments["volume_claim"]
    ]
    if not volumes:
        raise FaultError(
            f"{arguments['deployment']} mounts no volume of the claim {arguments['volume_claim']!r} that "
            "[database] names"
        )
    names = {volume["name"] for volume in volumes}
    helper: Json = {
        "name": "helper",
        "image": container["image"],
        "imagePullPolicy": container["imagePullPolicy"],
        "command": ["python", "-c", "import signal; signal.pause()"],
        "volumeMounts": [mount for mount in container["volumeMounts"] if mount["name"] in names],
        "securityContext": container.get("securityContext") or {},
    }
    pod: Json = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": HELPER},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": spec.get("securityContext") or {},
            "containers": [helper],
            "volumes": volumes,
            "enableServiceLinks": False,
        },
    }
    return pod
