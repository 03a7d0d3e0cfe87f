"""The target's own backups, which a CronJob makes: one made now, or the newest one as a file here."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from drill import wait
from drill.cluster.access import Cluster, Json
from drill.durable import write_durably
from drill.errors import DeadlineError, SetupError
from drill.parts.part import Made, TargetPart
from drill.settings import Backup

READER = "drill-backup-reader"
START_SECONDS = 60


class Part(TargetPart):
    """The backups of a target."""

    def back_up(self, *, seconds: float) -> Made:
        """Start the job by hand and wait until it has succeeded. Raises SetupError with its log when it does
        not."""
        return _make(self.cluster, self.described_as(Backup), seconds)

    def fetch_newest_backup(self, destination: Path) -> None:
        """Through a pod made from the backup job's own template."""
        _fetch_newest(self.cluster, self.described_as(Backup), destination)


def _make(cluster: Cluster, backup: Backup, seconds: float) -> Made:
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


def _fetch_newest(cluster: Cluster, backup: Backup, destination: Path) -> None:
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
