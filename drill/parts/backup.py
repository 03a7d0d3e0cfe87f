"""The target's own backups. Flows in: the CronJob that drill.toml names. Flows out: a backup made now, or the
newest one as a file here.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import msgspec

from drill import wait
from drill.cluster.access import Cluster, Json
from drill.durable import write_durably
from drill.errors import DeadlineError, SetupError, UsageError
from drill.settings import Backup, Settings

READER = "drill-backup-reader"
START_SECONDS = 60


class Made(msgspec.Struct, frozen=True):
    """One backup made by hand. `started`, `finished`: monotonic seconds around the job; what was acknowledged
    before `started` is in it.
    """

    name: str
    started: float
    finished: float


def make_backup(cluster: Cluster, settings: Settings, *, seconds: float) -> Made:
    """Start the backup job by hand and wait until it has succeeded. Raises SetupError with the job's log when
    it does not.
    """
    backup = _backup(settings)
    name = f"drill-backup-{uuid.uuid4().hex[:8]}"
    path = f"/apis/batch/v1/namespaces/{cluster.namespace}/jobs/{name}"
    started = time.monotonic()
    cluster.kubectl("create", "job", name, f"--from=cronjob/{backup.cronjob}", "-n", cluster.namespace)
    try:
        status = wait.until(
            f"the backup job {name} to end",
            lambda: cluster.get(path).get("status", {}),
            lambda seen: bool(seen.get("succeeded") or seen.get("failed")),
            seconds=seconds,
        )
        finished = time.monotonic()
        if not status.get("succeeded"):
            log = cluster.kubectl("logs", f"job/{name}", "-n", cluster.namespace).decode(errors="replace")
            raise SetupError(
                f"the backup job {name} failed, so there is nothing to restore from; its log: "
                f"{log.strip()[-400:]}"
            )
    except DeadlineError as error:
        raise SetupError(f"no backup could be made: {error}") from error
    finally:
        cluster.request("DELETE", path, query={"propagationPolicy": "Background"})
    return Made(name, started, finished)


def fetch_newest_backup(cluster: Cluster, settings: Settings, destination: Path) -> None:
    """Copy the newest backup to `destination` on this machine, through a pod made from the backup job's own
    template.
    """
    backup = _backup(settings)
    template = cluster.get(f"/apis/batch/v1/namespaces/{cluster.namespace}/cronjobs/{backup.cronjob}")[
        "spec"
    ]["jobTemplate"]["spec"]["template"]["spec"]
    container = template["containers"][0]
    reader: Json = {**container, "command": ["sleep", "300"], "args": []}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": READER},
        "spec": {**template, "containers": [reader], "restartPolicy": "Never"},
    }
    path = cluster.core("pods", READER)
    cluster.delete(path, grace_seconds=0)
    cluster.request("POST", cluster.core("pods"), body)
    try:
        wait.until(
            f"pod {READER} to run",
            lambda: cluster.get(path).get("status", {}).get("phase"),
            lambda phase: phase == "Running",
            seconds=START_SECONDS,
        )
        newest = f'set -- {backup.newest}; for each; do newest=$each; done; cat "$newest"'
        write_durably(destination, cluster.exec(READER, container["name"], ["sh", "-c", newest]))
    finally:
        cluster.delete(path, grace_seconds=0)


def _backup(settings: Settings) -> Backup:
    part = settings.part("backup")
    if not isinstance(part, Backup):
        raise UsageError(f"{settings.file}: a scenario needs a backup and there is no part of kind backup")
    return part
