"""Who drills this cluster. Flows in: who wants to. Flows out: the cluster for as long as the block runs, and
for nobody else.

One Lease object in the cluster itself, since runs from other checkouts and other machines count too. It is
renewed by a thread, removed at the end, and free by itself once its holder has been silent for
EXPIRES_SECONDS: counted on the waiting side's monotonic clock, so no machine's wall clock matters. A holder
on this very machine whose process is gone is not waited for.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drill import wait
from drill.cluster.access import AbsentError, Cluster, ClusterError, ConflictError, Json
from drill.errors import DeadlineError, SetupError

NAMESPACE, NAME = "kube-system", "drill"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
EXPIRES_SECONDS = 30
RENEW_EVERY_SECONDS = 8.0
LOOK_EVERY_SECONDS = 0.5
WAIT_SECONDS = 60.0
"""For so long a run waits for another on the same cluster."""
MACHINE, PROCESS, STARTED = "drill/machine", "drill/process", "drill/started"
"""Annotations that tell a waiting run on the same machine whether the holder still lives."""


class LeaseError(SetupError):
    """Another run drills the cluster, or took it over."""


@dataclass(frozen=True)
class Holder:
    """A run. `machine`: of this boot and this space of process ids; `started`: of the process, as the kernel
    counts; `name`: of the run, for people."""

    name: str
    host: str
    process: int
    machine: str
    started: str

    @staticmethod
    def of_this_process(name: str) -> Holder:
        """This very run."""
        process = os.getpid()
        return Holder(name, socket.gethostname(), process, _machine(), _started(process))

    @property
    def identity(self) -> str:
        """What the Lease shows."""
        return f"run {self.name}, process {self.process} on {self.host}, started {self.started}"


class Held:
    """The lease while it is held."""

    def __init__(self, cluster: Cluster, holder: Holder) -> None:
        self._cluster, self._holder = cluster, holder
        self._over = threading.Event()
        self._lost = ""
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise LeaseError where another run has the cluster by now: nothing that follows is this run's
        alone.
        """
        if self._lost:
            raise LeaseError(self._lost)

    def release(self) -> None:
        """Let others in. A cluster that does not answer lets them in by itself after a while."""
        self._over.set()
        self._thread.join()
        with contextlib.suppress(ClusterError):
            lease = self._cluster.get(f"{LEASES}/{NAME}")
            if lease["spec"].get("holderIdentity") == self._holder.identity:
                version = lease["metadata"]["resourceVersion"]
                only = {
                    "apiVersion": "v1",
                    "kind": "DeleteOptions",
                    "preconditions": {"resourceVersion": version},
                }
                self._cluster.request("DELETE", f"{LEASES}/{NAME}", only)

    def _renew(self) -> None:
        while not self._over.wait(RENEW_EVERY_SECONDS) and not self._lost:
            # a fault may take the API server away for a while; what matters is who holds the lease afterwards
            with contextlib.suppress(ClusterError):
                self._renew_once()

    def _renew_once(self) -> None:
        try:
            lease = self._cluster.get(f"{LEASES}/{NAME}")
        except AbsentError:
            with contextlib.suppress(ConflictError):
                self._cluster.request("POST", LEASES, _lease(self._holder))
            return
        by = lease["spec"].get("holderIdentity")
        if by != self._holder.identity:
            self._lost = (
                f"{self._cluster.context}: this run ({self._holder.identity}) was silent for "
                f"{EXPIRES_SECONDS} s, and another drills the cluster now: {by}"
            )
            return
        lease["spec"]["renewTime"] = _now()
        with contextlib.suppress(ConflictError):
            self._cluster.request("PUT", f"{LEASES}/{NAME}", lease)


@contextmanager
def hold(cluster: Cluster, holder: Holder, wait_seconds: float = WAIT_SECONDS) -> Iterator[Held]:
    """Have the cluster for this run alone. Waits up to `wait_seconds` for another to finish; then raises
    LeaseError that says who has it. Released at the end, whatever happens."""
    held = _acquire(cluster, holder, wait_seconds)
    try:
        yield held
    finally:
        held.release()


def _acquire(cluster: Cluster, holder: Holder, wait_seconds: float) -> Held:
    watched = _Watched()

    def look() -> str:
        """Who has it; empty once it is ours."""
        try:
            lease = cluster.get(f"{LEASES}/{NAME}")
        except AbsentError:
            lease = None
        try:
            if lease is None:
                cluster.request("POST", LEASES, _lease(holder))
            elif watched.is_free(lease):
                cluster.request(
                    "PUT", f"{LEASES}/{NAME}", _lease(holder, lease["metadata"]["resourceVersion"])
                )
            else:
                return str(lease["spec"].get("holderIdentity"))
        except ConflictError:
            return "a run that was quicker"
        return ""

    try:
        wait.until(
            f"the cluster {cluster.context} to be free",
            look,
            lambda seen: not seen,
            seconds=wait_seconds,
            every_seconds=LOOK_EVERY_SECONDS,
        )
    except DeadlineError as error:
        raise LeaseError(
            f"{cluster.context} is being drilled by another run ({error.last_seen}); waited for it "
            f"{wait_seconds:g} s. Two runs on one cluster would judge each other's faults: wait, or drill "
            "another cluster"
        ) from error
    return Held(cluster, holder)


class _Watched:
    """The lease as a waiting run sees it change."""

    def __init__(self) -> None:
        self._version, self._since = "", 0.0

    def is_free(self, lease: Json) -> bool:
        """Whether nobody has it, or who had it is gone or has been silent for as long as the lease lasts."""
        spec, metadata = lease["spec"], lease["metadata"]
        if not spec.get("holderIdentity") or _is_gone(metadata.get("annotations") or {}):
            return True
        if metadata["resourceVersion"] != self._version:
            self._version, self._since = metadata["resourceVersion"], time.monotonic()
        return time.monotonic() - self._since > float(spec.get("leaseDurationSeconds") or EXPIRES_SECONDS)


def _is_gone(annotations: dict[str, str]) -> bool:
    """Whether the holder was a process of this machine that has ended. Of other machines nothing is known."""
    if annotations.get(MACHINE) != _machine() or not annotations.get(PROCESS, "").isdigit():
        return False
    return _started(int(annotations[PROCESS])) != annotations.get(STARTED)


def _machine() -> str:
    """This boot of this machine, and the space in which process ids mean something."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{os.readlink('/proc/self/ns/pid')}"


def _started(process: int) -> str:
    """When a process started, in the kernel's ticks since boot; empty where it has ended or is only to be
    reaped.
    """
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _lease(holder: Holder, version: str = "") -> dict[str, Any]:
    """The object, in place of the one of that resource version."""
    metadata: dict[str, Any] = {
        "name": NAME,
        "namespace": NAMESPACE,
        "annotations": {MACHINE: holder.machine, PROCESS: str(holder.process), STARTED: holder.started},
    }
    if version:
        metadata["resourceVersion"] = version
    moment = _now()
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": holder.identity,
            "leaseDurationSeconds": EXPIRES_SECONDS,
            "acquireTime": moment,
            "renewTime": moment,
        },
    }
