"""The file of a SQLite database, reached where it is mounted: in a container of the workload that opens it,
or in a helper's, where none of these runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from drill import wait
from drill.cluster.access import Cluster, Json
from drill.cluster.health import running_pods
from drill.cluster.pods import container_of
from drill.errors import FaultError
from drill.settings import Sqlite, Workload

HELPER = "drill-database-helper"


class DatabaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`path`: in the workload's container; `helper`: a pod on the database's volume, which does nothing by
    itself."""

    workload: str
    workload_kind: str
    container: str
    path: str
    helper: dict[str, Any]

    @classmethod
    def of(cls, part: Sqlite, workload: Workload, spec: Json) -> DatabaseFile:
        """That of a part which `workload` opens, whose pods are made from `spec`. Raises FaultError where
        these mount nothing of the part's volume claim."""
        helper = helper_of(spec, workload.container, part.volume_claim)
        return cls(workload.name, workload.kind, workload.container, part.path, helper)

    def pods(self, cluster: Cluster) -> list[str]:
        """The names of the workload's pods that have the file open now."""
        pods = running_pods(cluster, self.workload, self.container, self.workload_kind)
        return [pod["metadata"]["name"] for pod in pods]

    @contextmanager
    def reached(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        """A pod and container that have the file: one of the workload's, else the helper's."""
        pods = self.pods(cluster)
        if pods:
            yield pods[0], self.container
            return
        with self.in_helper(cluster) as place:
            yield place

    @contextmanager
    def in_helper(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        """The helper's pod and container, whatever the workload does; it is gone afterwards."""
        _start_helper(cluster, self.helper)
        try:
            yield HELPER, "helper"
        finally:
            cluster.delete(cluster.core("pods", HELPER), grace_seconds=0)


def _start_helper(cluster: Cluster, helper: Json) -> None:
    """Start the helper, and wait until it runs."""
    cluster.delete(cluster.core("pods", HELPER), grace_seconds=0)
    wait.until("the helper of before to be gone", lambda: _absent(cluster), seconds=30)
    cluster.request("POST", cluster.core("pods"), helper)
    wait.until(
        f"pod {HELPER} to run",
        lambda: cluster.get(cluster.core("pods", HELPER)).get("status", {}),
        lambda status: status.get("phase") == "Running",
        seconds=60,
    )


def _absent(cluster: Cluster) -> bool:
    names = [pod["metadata"]["name"] for pod in cluster.get(cluster.core("pods"))["items"]]
    return HELPER not in names


def helper_of(spec: Json, container_name: str, volume_claim: str) -> Json:
    """The helper's object, made from the pods that open the database."""
    container = container_of(spec, container_name)
    volumes = [
        volume
        for volume in spec.get("volumes") or []
        if volume.get("persistentVolumeClaim", {}).get("claimName") == volume_claim
    ]
    if not volumes:
        raise FaultError(f"its pods mount no volume of the claim {volume_claim!r} that [parts] names")
    names = {volume["name"] for volume in volumes}
    helper: Json = {
        "name": "helper",
        "image": container["image"],
        "imagePullPolicy": container["imagePullPolicy"],
        "command": ["python", "-c", "import signal; signal.pause()"],
        "volumeMounts": [mount for mount in container["volumeMounts"] if mount["name"] in names],
        "securityContext": container.get("securityContext") or {},
    }
    return {
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
