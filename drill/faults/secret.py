"""A part's password changed, in the part and in the Secret, while who uses it goes on with the old one.

Containers take the Secret's value when they start: what started while the fault was in has the new one, and
is replaced by the undo.
"""

from __future__ import annotations

import base64
import secrets
import time
from datetime import datetime
from typing import Any

from drill.cluster.access import AbsentError, Cluster, ClusterError, Json
from drill.cluster.health import running_pods, state_of
from drill.cluster.objects import essence, path_of, replace, stripped
from drill.cluster.pods import container_of
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, StruckWorkload, kind
from drill.faults.sights import Shows
from drill.recording import now
from drill.settings import Workload

OLD, NEW = "{old}", "{new}"
SCRIPT_SECONDS = 15


class SecretParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """`change`: run by `sh -c` in each of the part's containers, makes {new} its password in the place of
    {old} and drops its clients; it may run again. `shows`: looked at in the same containers."""

    change: str
    shows: Shows


@kind("secret")
class Secret(Fault, frozen=True):
    """`before`: the Secret, which is put back; `key`: of it; `old`, `new`: the value then and while the fault
    is in; `since`: seconds since the epoch, before anything was changed; `users`: workload, kind and
    container of all that takes the Secret's value from its environment."""

    parameters = SecretParameters

    before: dict[str, Any]
    key: str
    old: str
    new: str
    since: float
    users: list[tuple[str, str, str]]
    subject: StruckWorkload
    change: str
    shows: Shows

    @classmethod
    def prepare(cls, site: Site, parameters: SecretParameters) -> Secret:
        name, key = _reference(site)
        live = site.cluster.get(path_of("Secret", site.cluster.namespace, name))
        old, new = base64.b64decode(live["data"][key]).decode(), secrets.token_hex(16)
        # a look has the new password in it, which no evidence may show
        shows = Shows(look=parameters.shows.look.replace(NEW, new), says=parameters.shows.says)
        return cls(
            stripped(live, "v1", "Secret"),
            key,
            old,
            new,
            time.time(),
            [each for each in _workloads(site) if name in _secrets_of(site.cluster, *each)],
            site.subject,
            parameters.change,
            shows,
        )

    def shown(self) -> dict[str, Any]:
        return {
            **super().shown(),
            "before": essence(self.before),
            "old": OLD,
            "new": NEW,
            "shows": {"look": self.shows.look.replace(self.new, NEW), "says": self.shows.says},
        }

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        cluster.patch(self._path(cluster), {"data": {self.key: base64.b64encode(self.new.encode()).decode()}})
        self._change(cluster, self.old, self.new)
        return Injected(before, {"secret": self.before["metadata"]["name"], "key": self.key})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        seen = self.shows.at(cluster, self.subject)
        return Sight(seen.shows, seen.observed.replace(self.new, NEW).replace(self.old, OLD))

    def undo(self, cluster: Cluster) -> str:
        done = []
        try:
            live = stripped(cluster.get(self._path(cluster)), "v1", "Secret")
            if essence(live) != essence(self.before):
                replace(cluster, self._path(cluster), self.before)
                done.append("put the Secret back")
        except AbsentError:
            cluster.request("POST", path_of("Secret", cluster.namespace), self.before)
            done.append("made the Secret anew")
        late = self._started_since(cluster)
        for pod in late:
            cluster.delete(cluster.core("pods", pod), grace_seconds=5)
        if late:
            done.append(f"replaced {', '.join(late)}, which started meanwhile")
        try:
            self._change(cluster, self.new, self.old)
        except (ClusterError, FaultError):
            done.append(f"{self.subject.workload} could not be asked: it starts with the Secret's value")
        return "; ".join(done) or "the Secret is as it was, and nothing started meanwhile"

    def _change(self, cluster: Cluster, old: str, new: str) -> None:
        subject = self.subject
        pods = running_pods(cluster, subject.workload, subject.container, subject.workload_kind)
        if not pods:
            raise FaultError(f"no pod of {subject.workload} runs: its password cannot be changed")
        script = self.change.replace(OLD, old).replace(NEW, new)
        for pod in pods:
            command = ["sh", "-c", script]
            cluster.exec(pod["metadata"]["name"], subject.container, command, seconds=SCRIPT_SECONDS)

    def _started_since(self, cluster: Cluster) -> list[str]:
        names = []
        for name, workload_kind, container in self.users:
            try:
                pods = running_pods(cluster, name, container, workload_kind)
            except AbsentError:
                continue  # the known state makes it anew
            names += [pod["metadata"]["name"] for pod in pods if _started(pod, container) >= self.since - 1]
        return names

    def _path(self, cluster: Cluster) -> str:
        return path_of("Secret", cluster.namespace, self.before["metadata"]["name"])


def _reference(site: Site) -> tuple[str, str]:
    """Name and key of the Secret that the part's container takes its password from."""
    container = container_of(site.pod_spec(), site.workload.container)
    for variable in container.get("env") or []:
        found = (variable.get("valueFrom") or {}).get("secretKeyRef")
        if found:
            return found["name"], found["key"]
    raise FaultError(f"{site.workload.name} takes nothing from a Secret: there is no password to change")


def _workloads(site: Site) -> list[tuple[str, str, str]]:
    workloads: tuple[Workload, ...] = site.settings.target.workloads
    return [(each.name, each.kind, each.container) for each in workloads]


def _secrets_of(cluster: Cluster, name: str, workload_kind: str, container: str) -> set[str]:
    spec = cluster.workload(name, workload_kind)["spec"]["template"]["spec"]
    variables = container_of(spec, container).get("env") or []
    references = [(each.get("valueFrom") or {}).get("secretKeyRef") or {} for each in variables]
    return {each["name"] for each in references if each}


def _started(pod: Json, container: str) -> float:
    """Seconds since the epoch, whole ones, at which the container started."""
    return datetime.fromisoformat(state_of(pod, container)["running"]["startedAt"]).timestamp()
