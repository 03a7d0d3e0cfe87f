"""What the platform shows of a fault, as an experiment states it: every field that is given must be so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import msgspec

from drill.cluster.access import Cluster, ClusterError, Json, node_of
from drill.cluster.autoscalers import autoscalers_of
from drill.cluster.health import running_pods, statuses_of
from drill.faults.fault import Sight, Site, StruckWorkload

Some = Literal["some", "none"]
Count = Annotated[int, msgspec.Meta(ge=0)]
CONNECT_SECONDS = 1
LOOK_SECONDS = 15
DRY_RUN = {"dryRun": "All"}
LOG_LINES = 20


class Shows(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is looked at.

    Of the target's Service: `endpoints`, its ready addresses; `answering`, those of them at which somebody
    listens, tried from the node.
    Of the workload's pods: `ready`, `running`, its containers; `starting`, pods whose init containers have
    not ended; `pending`, pods that no node has taken; `waiting`, a pattern of the reason for which a
    container waits; `ended`, the same of the last end of a container; `restarts`, so many at least.
    `created`: a pattern of what the API server answers when one more of its pods is asked for (a dry run).
    `autoscalers`: those that aim at the workload; `scaling`: a pattern that each one's conditions match.
    `says`: a pattern that is found in what `look`, run by `sh -c`, prints in each of its containers.
    `logs`: of pods, by name, a pattern that is found in the last lines that each has logged."""

    endpoints: Some | None = None
    answering: Some | None = None
    ready: Some | None = None
    running: Some | None = None
    starting: Some | None = None
    pending: Some | None = None
    waiting: str = ""
    ended: str = ""
    restarts: Count | None = None
    created: str = ""
    autoscalers: Count | None = None
    scaling: str = ""
    look: str = ""
    says: str = ""
    logs: dict[str, str] = {}

    def filled(self, site: Site) -> Shows:
        """The same with the names of a site in it."""
        return msgspec.convert(site.filled_in(msgspec.to_builtins(self)), Shows)

    def at(self, cluster: Cluster, subject: StruckWorkload) -> Sight:
        """Look once at all that is stated."""
        fits: list[bool] = []
        seen: list[str] = []
        for looked_at, look in LOOKS.items():
            if any(getattr(self, field) not in (None, "", {}) for field in looked_at):
                for fit, words in look(self, cluster, subject):
                    fits.append(fit)
                    seen.append(words)
        return Sight(bool(fits) and all(fits), "; ".join(filter(None, seen)))


Looks = Iterator[tuple[bool, str]]
"""Whether it fits, and what was seen, in words; empty where other words say it."""


def _endpoints(shows: Shows, cluster: Cluster, subject: StruckWorkload) -> Looks:
    count = len(cluster.endpoints(subject.service))
    yield _some(shows.endpoints, count), f"{count} endpoints of service {subject.service}"


def _answering(shows: Shows, cluster: Cluster, subject: StruckWorkload) -> Looks:
    nodes = [node_of(pod) for pod in cluster.pods(subject.workload, subject.workload_kind)]
    if not any(nodes):
        yield False, f"no pod of {subject.workload} is on a node: nobody can try its addresses"
        return
    node = next(filter(None, nodes))
    places = cluster.endpoint_places(subject.service)
    answering = sum(_connects(cluster, node, address, port) for address, port in places)
    yield _some(shows.answering, answering), f"{answering} of {len(places)} of its addresses answer"


def _connects(cluster: Cluster, node: str, address: str, port: int) -> bool:
    script = f"timeout {CONNECT_SECONDS} bash -c '</dev/tcp/{address}/{port}' 2>/dev/null && echo yes || true"
    return cluster.on_node(node, ["bash", "-c", script]).strip() == b"yes"


def _pods(shows: Shows, cluster: Cluster, subject: StruckWorkload) -> Looks:
    pods = [
        pod
        for pod in cluster.pods(subject.workload, subject.workload_kind)
        if "deletionTimestamp" not in pod["metadata"]
    ]
    statuses = [status for pod in pods for status in statuses_of(pod)]
    ready = sum(bool(status.get("ready")) for status in statuses)
    running = sum("running" in status.get("state", {}) for status in statuses)
    starting = sum(any("running" in each.get("state", {}) for each in _init_statuses(pod)) for pod in pods)
    pending = sum(not node_of(pod) for pod in pods)
    restarts = sum(status.get("restartCount", 0) for status in statuses)
    waiting = {status.get("state", {}).get("waiting", {}).get("reason", "") for status in statuses}
    ended = {
        status.get(state, {}).get("terminated", {}).get("reason", "")
        for status in statuses
        for state in ("state", "lastState")
    }
    yield _some(shows.ready, ready), f"{subject.workload}: {ready} containers ready"
    yield _some(shows.running, running), f"{running} running"
    yield _some(shows.starting, starting), f"{starting} pods starting" if shows.starting else ""
    yield _some(shows.pending, pending), f"{pending} pods that no node has taken" if shows.pending else ""
    yield _found(shows.waiting, waiting), f"waiting: {_listed(waiting)}"
    yield _found(shows.ended, ended), f"ended: {_listed(ended)}" if shows.ended else ""
    if shows.restarts is not None:
        yield restarts >= shows.restarts, f"{restarts} restarts"


def _created(shows: Shows, cluster: Cluster, subject: StruckWorkload) -> Looks:
    template = cluster.workload(subject.workload, subject.workload_kind)["spec"]["template"]
    labels = template["metadata"].get("labels") or {}
    pod = {"metadata": {"generateName": "drill-asks-", "labels": labels}, "spec": template["spec"]}
    body = {"apiVersion": "v1", "kind": "Pod", **pod}
    try:
        cluster.request("POST", cluster.core("pods"), body, query=DRY_RUN)
    except ClusterError as error:
        said = str(error)
    else:
        said = "it would be made"
    yield bool(re.search(shows.created, said)), f"another pod of {subject.workload}: {said}"


def _autoscalers(shows: Shows, cluster: Cluster, subject: StruckWorkload) -> Looks:
    found = autoscalers_of(cluster, subject.workload, subject.workload_kind)
    if shows.autoscalers is not None:
        names = ", ".join(each["metadata"]["name"] for each in found)
        yield (
            len(found) == shows.autoscalers,
            f"{len(found)} autoscalers of {subject.workload}: {names or '-'}",
        )
    if shows.scaling:
        said = [_conditions(each) for each in found]
        yield bool(said) and all(re.search(shows.scaling, each) for each in said), "; ".join(said)


def _conditions(autoscaler: Json) -> str:
    conditions = autoscaler.get("status", {}).get("conditions") or []
    return ", ".join(f"{each['type']} {each['status']}: {each.get('reason', '')}" for each in conditions)


def _says(shows: Shows, cluster: Cluster, subject: StruckWorkload) -> Looks:
    pods = running_pods(cluster, subject.workload, subject.container, subject.workload_kind)
    answers = []
    for pod in pods:
        command = ["sh", "-c", shows.look]
        said = cluster.exec(pod["metadata"]["name"], subject.container, command, seconds=LOOK_SECONDS)
        answers.append(said.decode(errors="replace").strip())
    fits = bool(answers) and all(re.search(shows.says, answer) for answer in answers)
    yield fits, f"{subject.workload} answers {', '.join(answers) or 'nothing: no pod runs'}"


def _logs(shows: Shows, cluster: Cluster, subject: StruckWorkload) -> Looks:
    for name, pattern in shows.logs.items():
        path = f"{cluster.core('pods', name)}/log"
        text = cluster.request("GET", path, query={"tailLines": str(LOG_LINES)}).decode(errors="replace")
        found = re.search(pattern, text)
        last = text.strip().splitlines()[-1:]
        yield bool(found), f"{name} logs: {found[0] if found else ''.join(last) or 'nothing'}"


def _init_statuses(pod: Json) -> list[Json]:
    statuses: list[Json] = pod.get("status", {}).get("initContainerStatuses") or []
    return statuses


def _some(wanted: Some | None, count: int) -> bool:
    return wanted is None or (count > 0) == (wanted == "some")


def _found(pattern: str, texts: set[str]) -> bool:
    return not pattern or any(text and re.search(pattern, text) for text in texts)


def _listed(texts: set[str]) -> str:
    return ", ".join(sorted(filter(None, texts))) or "none"


OF_PODS = ("ready", "running", "starting", "pending", "waiting", "ended", "restarts")
LOOKS: dict[tuple[str, ...], Callable[[Shows, Cluster, StruckWorkload], Looks]] = {
    ("endpoints",): _endpoints,
    ("answering",): _answering,
    OF_PODS: _pods,
    ("created",): _created,
    ("autoscalers", "scaling"): _autoscalers,
    ("says",): _says,
    ("logs",): _logs,
}
"""Which look tells of which fields."""
