"""What the operator changed. Flows in: the API server's audit log. Flows out: cluster.changed events, one
each, and changes.read.

Only a cluster that `drill up` made has such a log, and an identity of the operator's own in it
(cluster/audit, drill/cluster/identity.py). Whether the log is alive is seen, not assumed: a request that
changes nothing is sent under that identity, and must appear in it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import msgspec

from drill import wait
from drill.cluster.access import Cluster, ClusterError, open_cluster
from drill.cluster.identity import USER, has_own_identity, operator_kubeconfig
from drill.errors import DeadlineError
from drill.recording import Moment, Recorder, monotonic_of, now
from drill.recording.events import ChangesRead, ClusterChanged

LOG = "/var/log/drill-audit"
REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ASKING = frozenset(
    {
        "selfsubjectreviews",
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "subjectaccessreviews",
        "localsubjectaccessreviews",
        "tokenreviews",
    }
)
"""Created by those who ask a question; nothing is kept of them."""
RUNNING = frozenset({"exec", "attach"})
REFUSED = 400
APPEARS_SECONDS = 5.0
TOLERANCE_SECONDS = 0.01


@dataclass(frozen=True)
class AuditedChange:
    """One change and when it was made; for a command in a pod: when it began."""

    at: Moment
    data: ClusterChanged


class _Object(msgspec.Struct, frozen=True):
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""


class _User(msgspec.Struct, frozen=True):
    username: str = ""


class _Status(msgspec.Struct, frozen=True):
    code: int = 0


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """A line of the audit log, as far as it is read here."""

    audit_id: str = msgspec.field(name="auditID")
    verb: str
    request_uri: str = msgspec.field(name="requestURI")
    request_received_timestamp: datetime
    stage_timestamp: datetime
    user: _User = _User()
    user_agent: str = ""
    object_ref: _Object = _Object()
    response_status: _Status = _Status()


def record_changes(cluster: Cluster, recorder: Recorder, started: Moment) -> None:
    """Record what the operator changed since `started`, the moment before its first command. Call it once,
    after the last procedure."""
    try:
        changes = read_changes(cluster, started)
    except ClusterError as error:
        recorder.record(ChangesRead(available=False, why=str(error)))
        return
    for change in changes:
        recorder.record(change.data, at=change.at)
    recorder.record(ChangesRead(available=True, count=len(changes)))


def read_changes(cluster: Cluster, started: Moment) -> list[AuditedChange]:
    """What the operator changed since `started`, in the order in which it was done. Raises ClusterError where
    there is no log, or where it does not follow."""
    if not has_own_identity(cluster.context):
        raise ClusterError(
            f"{cluster.context} is no cluster that `drill up` made: the operator has no identity of its own "
            "there, and no audit log says what it changed"
        )
    mark = f"drill-mark/{uuid.uuid4()}"
    operator = open_cluster(operator_kubeconfig(cluster.context), cluster.context, cluster.namespace)
    operator.request(
        "POST",
        REVIEW,
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
        user_agent=mark,
    )
    try:
        lines = wait.until(
            "the audit log to hold what the operator did last",
            lambda: _lines(cluster),
            lambda seen: any(mark.encode() in line for line in reversed(seen[-200:])),
            seconds=APPEARS_SECONDS,
            every_seconds=0.1,
        )
    except DeadlineError as error:
        raise ClusterError(
            f"{cluster.context}: the audit log does not follow: a request under {USER} did not appear in it "
            f"within {APPEARS_SECONDS:g} s"
        ) from error
    return changes_in(lines, cluster.namespace, started, now())


def _lines(cluster: Cluster) -> list[bytes]:
    node = cluster.context.removeprefix("kind-") + "-control-plane"
    return cluster.on_node(node, ["sh", "-c", f"cat {LOG}/*.log"]).splitlines()


def changes_in(lines: Sequence[bytes], namespace: str, started: Moment, read: Moment) -> list[AuditedChange]:
    """The changes among the log's lines that were made between `started` and `read`."""
    decoder = msgspec.json.Decoder(Entry)
    seen: set[str] = set()
    found = []
    for line in lines:
        try:
            entry = decoder.decode(line)
        except msgspec.DecodeError:
            continue  # a last line that is still being written
        at = _moment(entry, started, read)
        if at is None or entry.user.username != USER or entry.audit_id in seen or not _changes(entry):
            continue
        seen.add(entry.audit_id)
        found.append(AuditedChange(at, _data(entry, namespace)))
    return sorted(found, key=lambda change: change.at.monotonic)


def _moment(entry: Entry, started: Moment, read: Moment) -> Moment | None:
    """When it happened; None where it was not between the two, by either's clock: a wall clock may have been
    set meanwhile."""
    began = entry.object_ref.subresource in RUNNING
    wall = (entry.request_received_timestamp if began else entry.stage_timestamp).timestamp()
    for reference in (read, started):
        monotonic = monotonic_of(wall, reference)
        if started.monotonic - TOLERANCE_SECONDS <= monotonic <= read.monotonic + TOLERANCE_SECONDS:
            return Moment(wall, monotonic)
    return None


def _changes(entry: Entry) -> bool:
    what = entry.object_ref
    if entry.response_status.code >= REFUSED or what.resource in ASKING or what.subresource == "token":
        return False
    return "dryRun" not in parse_qs(urlsplit(entry.request_uri).query)


def _data(entry: Entry, namespace: str) -> ClusterChanged:
    what = entry.object_ref
    name = "/".join(part for part in (what.resource, what.name) if part)
    if what.subresource in RUNNING:
        words = parse_qs(urlsplit(entry.request_uri).query).get("command", [])
        verb, command = "exec", " ".join(words)
    else:
        verb, command = entry.verb, ""
        name += f"/{what.subresource}" if what.subresource else ""
    if what.namespace and what.namespace != namespace:
        name += f" in {what.namespace}"
    return ClusterChanged(verb=verb, object=name, code=entry.response_status.code, command=command)
