"""A consistent copy of a live SQLite database on this machine, and its way back: it survives every pod, every
volume and every process."""

from __future__ import annotations

import hashlib
from pathlib import Path

from drill.cluster.access import AbsentError, Cluster
from drill.cluster.health import wait_until_rolled_out
from drill.cluster.pods import replace_backed_off
from drill.durable import write_durably
from drill.errors import FaultError
from drill.parts.database_file import DatabaseFile
from drill.parts.integrity import integrity_in, integrity_of

COPY_SCRIPT = """
import sqlite3, sys
live = sqlite3.connect(sys.argv[1], timeout=10)
size = live.execute("PRAGMA page_count").fetchone()[0] * live.execute("PRAGMA page_size").fetchone()[0]
if len(sys.argv) > 2 and size > int(sys.argv[2]):
    sys.exit()
copy = sqlite3.connect(":memory:")
live.backup(copy)
sys.stdout.buffer.write(copy.serialize())
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


def take_copy(
    cluster: Cluster, pod: str, container: str, path: str, copy: Path, *, most_bytes: int | None = None
) -> bool:
    """Copy the database at `path` in that container to the file `copy`; False where it is larger than
    `most_bytes`. Raises FaultError where the copy is not sound or cannot be written, ClusterError where none
    can be had."""
    script = ["python", "-c", COPY_SCRIPT, path, *([] if most_bytes is None else [str(most_bytes)])]
    data = cluster.exec(pod, container, script, seconds=COPY_SECONDS)
    if not data and most_bytes is not None:
        return False
    try:
        write_durably(copy, data)
    except OSError as error:
        raise FaultError(
            f"{copy}: the copy of the database could not be written ({error.strerror}); nothing was broken. "
            "Make room there and run again"
        ) from error
    kept = integrity_of(copy)
    if not kept.sound:
        raise FaultError(f"{copy}: the copy that was to be kept is not sound ({kept.integrity})")
    return True


def put_copy_back(cluster: Cluster, file: DatabaseFile, copy: Path, replicas: int) -> bool:
    """Where the database is broken, or lacks a table that the copy has, put the copy in its place; whether
    that was done. Afterwards the application has its `replicas`, where it had none, and no pod is left
    waiting. Raises FaultError where the copy is no help, ClusterError or DeadlineError where the database
    cannot be reached."""
    kept = integrity_of(copy) if copy.exists() else None
    with file.in_helper(cluster) as (pod, container):
        seen = integrity_in(cluster, pod, container, file.path)
        broken = not (seen.sound and (kept is None or set(kept.tables) <= set(seen.tables)))
        if broken:
            if kept is None or not kept.sound:
                why = "is not there" if kept is None else f"is broken too ({kept.integrity})"
                raise FaultError(
                    f"the database is broken ({seen.integrity}) and {copy} {why}: restore a backup by hand"
                )
            _put_in_place(cluster, pod, container, file, copy.read_bytes())
    _start_again(cluster, file, replicas)
    return broken


def _put_in_place(cluster: Cluster, pod: str, container: str, file: DatabaseFile, data: bytes) -> None:
    """Stop the application, put the copy in the place of the database, and check it there."""
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


def _start_again(cluster: Cluster, file: DatabaseFile, replicas: int) -> None:
    """Replicas as before, and no pod in the kubelet's back-off, which can last minutes."""
    try:
        spec = cluster.workload(file.workload, file.workload_kind)["spec"]
    except AbsentError:
        return  # the known state brings it back
    if spec.get("replicas", 1) == 0:
        cluster.scale(file.workload, replicas, file.workload_kind)
    replace_backed_off(cluster, file.workload, file.workload_kind)
