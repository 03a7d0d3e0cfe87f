"""The cluster's name server says of a part that there is no such name.

CoreDNS gets a block of its own for the names of the Services that lead to the part, before all others, and
is started anew with it; then the part's clients lose their connections, since who is connected asks for no
name.
"""

from __future__ import annotations

import re
from typing import Any

from drill import wait
from drill.cluster.access import Cluster, Json
from drill.cluster.health import running_pods
from drill.cluster.objects import essence, path_of, replace, stripped
from drill.cluster.stirs import is_ready
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, StruckWorkload, kind
from drill.faults.sights import Shows
from drill.recording import now

NAMESPACE, CONFIGURATION, KEY = "kube-system", "coredns", "Corefile"
PODS = "/api/v1/namespaces/kube-system/pods"
LABEL = {"labelSelector": "k8s-app=kube-dns"}
DOMAIN = re.compile(r"^\s*kubernetes\s+(\S+)", re.MULTILINE)
BLOCK = """{name}:53 {{
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""
START_SECONDS = 30


class NameServerParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """`disconnect`: run by `sh -c` in each container of the part, so that its clients connect anew."""

    disconnect: str


@kind("name-server")
class NameServer(Fault, frozen=True):
    """`names`: that are not there while the fault is in; `before`: the name server's configuration, which is
    put back; `asks`: whose containers are asked for the names."""

    parameters = NameServerParameters

    names: list[str]
    before: dict[str, Any]
    workload: str
    workload_kind: str
    container: str
    disconnect: str
    asks: StruckWorkload

    @classmethod
    def prepare(cls, site: Site, parameters: NameServerParameters) -> NameServer:
        live = site.cluster.get(_path())
        found = DOMAIN.search(live.get("data", {}).get(KEY, ""))
        if found is None:
            raise FaultError(
                f"ConfigMap {NAMESPACE}/{CONFIGURATION}: expected a {KEY} with a line `kubernetes`"
            )
        names = [f"{name}.{site.cluster.namespace}.svc.{found[1]}" for name in services_of(site)]
        if not names:
            raise FaultError(f"no Service leads to {site.workload.name}: it has no name that could be lost")
        return cls(
            names,
            stripped(live, "v1", "ConfigMap"),
            site.workload.name,
            site.workload.kind,
            site.workload.container,
            parameters.disconnect,
            site.application,
        )

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        blocks = "".join(BLOCK.format(name=name) for name in self.names)
        changed = {**self.before, "data": {**self.before["data"], KEY: blocks + self.before["data"][KEY]}}
        replace(cluster, _path(), changed)
        _start_anew(cluster)
        for pod in running_pods(cluster, self.workload, self.container, self.workload_kind):
            cluster.exec(pod["metadata"]["name"], self.container, ["sh", "-c", self.disconnect])
        return Injected(before, {"names": self.names})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        script = f"for each in {' '.join(self.names)}; do getent hosts $each || echo no $each; done"
        return Shows(look=script, says=rf"\A(no \S+\s*){{{len(self.names)}}}\Z").at(cluster, self.asks)

    def undo(self, cluster: Cluster) -> str:
        live = stripped(cluster.get(_path()), "v1", "ConfigMap")
        as_before = essence(live) == essence(self.before)
        if not as_before:
            replace(cluster, _path(), self.before)
        # also where the configuration is as it was: who put it back may have been killed before this
        _start_anew(cluster)
        return "started the name server anew" if as_before else "put the name server's configuration back"


def services_of(site: Site) -> list[str]:
    """Services whose selector finds the pods of the site's workload."""
    labels = site.labels_of(site.workload)
    found = site.cluster.get(path_of("Service", site.cluster.namespace))["items"]
    return [
        each["metadata"]["name"]
        for each in found
        if each["spec"].get("selector") and each["spec"]["selector"].items() <= labels.items()
    ]


def _start_anew(cluster: Cluster) -> None:
    """Replace the name server's pods, and wait until as many new ones are ready."""
    old = {pod["metadata"]["uid"] for pod in _pods(cluster)}
    for pod in _pods(cluster):
        cluster.delete(f"{PODS}/{pod['metadata']['name']}", grace_seconds=0)
    wait.until(
        "the name server to start anew",
        lambda: [pod for pod in _pods(cluster) if pod["metadata"]["uid"] not in old and is_ready(pod)],
        lambda ready: len(ready) >= len(old),
        seconds=START_SECONDS,
    )


def _pods(cluster: Cluster) -> list[Json]:
    pods: list[Json] = cluster.get(PODS, query=LABEL)["items"]
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def _path() -> str:
    return path_of("ConfigMap", NAMESPACE, CONFIGURATION)
