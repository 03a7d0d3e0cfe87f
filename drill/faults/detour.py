"""A part is reached through a pod that stands in its way, such as a proxy that takes its time: the Service
that leads to the part leads to that pod, and another Service leads on from there.

Where policies cut off who is not named in them, the way in and out of the pod is allowed by policies that are
made with it; where there are none, none are made, since a first one would cut off all the rest.
"""

from __future__ import annotations

from typing import Any

from drill import wait
from drill.cluster.access import Cluster, Json
from drill.cluster.health import running_pods
from drill.cluster.objects import path_of
from drill.cluster.stirs import is_ready
from drill.errors import FaultError
from drill.faults.create import Create, CreateParameters
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, StruckWorkload, kind
from drill.faults.name_server import services_of
from drill.faults.patch import Patch, PatchParameters
from drill.faults.sights import Shows

MARK = "drill.detour"
ENTRANCE, BEHIND = "{entrance}", "{behind}"
READY_SECONDS = 30
LED_SECONDS = 15


class DetourParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """`container`: of the pod in the way, with the part's ports by their names. `look` is run by `sh -c` in
    each of the application's containers, `itself` in the part's own; `shows` and `itself_shows` are patterns
    that are found in what they print while the fault is in. `disconnect`: run in the part's containers, so
    that its clients connect anew. {entrance} in them is the Service that users of the part take, {behind} the
    one that leads on to it."""

    container: dict[str, Any]
    disconnect: str
    look: str
    shows: str
    itself: str
    itself_shows: str


@kind("detour")
class Detour(Fault, frozen=True):
    """`made`: the pod, the Service behind it, and policies; `led`: the entrance, which leads to the pod;
    `asks`: from whose containers the way is looked at."""

    parameters = DetourParameters

    made: Create
    led: Patch
    pod: str
    subject: StruckWorkload
    asks: StruckWorkload
    disconnect: str
    shows: Shows
    itself: Shows

    @classmethod
    def prepare(cls, site: Site, parameters: DetourParameters) -> Detour:
        names = services_of(site)
        if len(names) != 1:
            raise FaultError(
                f"expected one Service that leads to {site.workload.name}, there are {len(names)}: "
                f"{', '.join(names) or '-'}"
            )
        entrance, pod = names[0], f"{site.workload.name}-detour"
        behind = f"{site.workload.name}-behind"  # a pod takes its own name for itself

        def filled(value: Any) -> Any:
            if isinstance(value, str):
                return site.filled(value.replace(ENTRANCE, entrance).replace(BEHIND, behind))
            if isinstance(value, list):
                return [filled(each) for each in value]
            return {key: filled(each) for key, each in value.items()} if isinstance(value, dict) else value

        objects = _objects(site, (entrance, pod, behind), filled(parameters.container))
        operations = [{"op": "replace", "path": "/spec/selector", "value": {MARK: pod}}]
        return cls(
            Create.prepare(site, CreateParameters(objects, Shows())),
            Patch.prepare(site, PatchParameters(operations, Shows(), f"Service/{entrance}")),
            pod,
            site.subject,
            site.application,
            filled(parameters.disconnect),
            Shows(look=filled(parameters.look), says=parameters.shows),
            Shows(look=filled(parameters.itself), says=parameters.itself_shows),
        )

    def inject(self, cluster: Cluster) -> Injected:
        self.made.inject(cluster)
        wait.until(
            f"{self.pod} to be ready",
            lambda: cluster.get(path_of("Pod", cluster.namespace, self.pod)),
            is_ready,
            seconds=READY_SECONDS,
        )
        led = self.led.inject(cluster)
        # who is sent away before the entrance leads there comes back by the old way
        wait.until(
            f"{self.led.name} to lead through {self.pod}",
            lambda: self.shows.at(cluster, self.asks),
            lambda sight: sight.shows,
            seconds=LED_SECONDS,
        )
        subject = self.subject
        for pod in running_pods(cluster, subject.workload, subject.container, subject.workload_kind):
            cluster.exec(pod["metadata"]["name"], subject.container, ["sh", "-c", self.disconnect])
        return Injected(led.at, {"entrance": self.led.name, "through": self.pod})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        way, itself = self.shows.at(cluster, self.asks), self.itself.at(cluster, self.subject)
        return Sight(way.shows and itself.shows, f"{way.observed}; {itself.observed}")

    def undo(self, cluster: Cluster) -> str:
        # first the entrance: without the pod it would lead nowhere
        return f"{self.led.undo(cluster)}; {self.made.undo(cluster)}"


def _objects(site: Site, names: tuple[str, str, str], container: Json) -> list[Json]:
    entrance, pod, behind = names
    spec = site.cluster.get(path_of("Service", site.cluster.namespace, entrance))["spec"]
    ports = [
        {key: port[key] for key in ("name", "port", "targetPort", "protocol") if key in port}
        for port in spec.get("ports") or []
    ]
    labels = {MARK: pod}
    leads_on = {"selector": spec["selector"], "ports": ports}
    # one that is left over ends by itself
    proxy = {
        "activeDeadlineSeconds": 3600,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "containers": [container],
    }
    objects: list[Json] = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": behind}, "spec": leads_on},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "labels": labels}, "spec": proxy},
    ]
    at_pod = [{"podSelector": {"matchLabels": labels}}]
    application = site.settings.target.application
    for workload, direction, rule in (
        (application, "Egress", {"egress": [{"to": at_pod}]}),
        (site.workload, "Ingress", {"ingress": [{"from": at_pod}]}),
    ):
        selected = site.labels_of(workload)
        if _cut_off(site.cluster, selected, direction):
            policy = {"podSelector": {"matchLabels": selected}, "policyTypes": [direction], **rule}
            objects.append(
                {
                    "apiVersion": "networking.k8s.io/v1",
                    "kind": "NetworkPolicy",
                    "metadata": {"name": f"{pod}-{direction.lower()}"},
                    "spec": policy,
                }
            )
    return objects


def _cut_off(cluster: Cluster, labels: dict[str, str], direction: str) -> bool:
    """True where a policy says which traffic of these pods is allowed, so that all other is not."""
    policies = cluster.get(path_of("NetworkPolicy", cluster.namespace))["items"]
    return any(
        (each["spec"].get("podSelector", {}).get("matchLabels") or {}).items() <= labels.items()
        and direction in (each["spec"].get("policyTypes") or ["Ingress"])
        for each in policies
    )
