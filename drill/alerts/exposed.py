"""What Prometheus would hold after one scrape of everything. Flows in: a MetricsLook and the names that rules
ask for. Flows out: samples with the labels that a production's scrape gives them.

Labels are those of the usual scrape configuration: `job`, `namespace`, `pod` and `instance` for pods;
kube-state-metrics keeps its own beside `job` (honor_labels). What it would give is read from the API server,
as it does itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from drill.alerts.series import Kind
from drill.cluster.access import ClusterError, Json
from drill.cluster.health import statuses_of
from drill.observe.metrics import MetricsLook
from drill.observe.parse import exposed

STATE_JOB = "kube-state-metrics"
PHASES = ("Failed", "Pending", "Running", "Succeeded", "Unknown")
STATES = ("running", "terminated", "waiting")
Samples = list[tuple[Mapping[str, str], Kind, float]]


class TargetScrape(NamedTuple):
    """One target: the labels that it gives to each series, and its samples."""

    labels: dict[str, str]
    samples: Samples


class _Told(NamedTuple):
    """What one metric of kube-state-metrics says of one object: labels beside the object's, and a value."""

    labels: dict[str, str]
    value: float


class StateMetric(NamedTuple):
    """A metric of kube-state-metrics. `of`: pods, deployments or statefulsets."""

    of: str
    kind: Kind
    tell: Callable[[Json], Iterator[_Told]]


def _replicas(*path: str) -> Callable[[Json], Iterator[_Told]]:
    def tell(item: Json) -> Iterator[_Told]:
        found: object = item
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        yield _Told({}, float(found) if isinstance(found, int | float) else 0.0)

    return tell


def _restarts(pod: Json) -> Iterator[_Told]:
    for status in statuses_of(pod):
        yield _Told({"container": status["name"]}, float(status.get("restartCount", 0)))


def _ready_containers(pod: Json) -> Iterator[_Told]:
    for status in statuses_of(pod):
        yield _Told({"container": status["name"]}, float(bool(status.get("ready"))))


def _in_state(state: str) -> Callable[[Json], Iterator[_Told]]:
    def tell(pod: Json) -> Iterator[_Told]:
        for status in statuses_of(pod):
            yield _Told({"container": status["name"]}, float(state in status.get("state", {})))

    return tell


def _waiting_reason(pod: Json) -> Iterator[_Told]:
    for status in statuses_of(pod):
        reason = status.get("state", {}).get("waiting", {}).get("reason")
        if reason:
            yield _Told({"container": status["name"], "reason": reason}, 1.0)


def _phase(pod: Json) -> Iterator[_Told]:
    for phase in PHASES:
        yield _Told({"phase": phase}, float(pod.get("status", {}).get("phase") == phase))


def _ready(pod: Json) -> Iterator[_Told]:
    conditions = pod.get("status", {}).get("conditions") or []
    found = next((each["status"] for each in conditions if each["type"] == "Ready"), None)
    for status in ("true", "false", "unknown") if found is not None else ():
        yield _Told({"condition": status}, float(str(found).lower() == status))


STATE_METRICS = {
    "kube_pod_container_status_restarts_total": StateMetric("pods", "counter", _restarts),
    "kube_pod_container_status_ready": StateMetric("pods", "gauge", _ready_containers),
    "kube_pod_container_status_waiting_reason": StateMetric("pods", "gauge", _waiting_reason),
    "kube_pod_status_phase": StateMetric("pods", "gauge", _phase),
    "kube_pod_status_ready": StateMetric("pods", "gauge", _ready),
    "kube_deployment_spec_replicas": StateMetric("deployments", "gauge", _replicas("spec", "replicas")),
    "kube_statefulset_replicas": StateMetric("statefulsets", "gauge", _replicas("spec", "replicas")),
    **{
        f"kube_pod_container_status_{state}": StateMetric("pods", "gauge", _in_state(state))
        for state in STATES
    },
    **{
        f"kube_deployment_status_replicas{end}": StateMetric("deployments", "gauge", _replicas("status", key))
        for end, key in (
            ("", "replicas"),
            ("_available", "availableReplicas"),
            ("_ready", "readyReplicas"),
            ("_unavailable", "unavailableReplicas"),
            ("_updated", "updatedReplicas"),
        )
    },
    **{
        f"kube_statefulset_status_replicas{end}": StateMetric(
            "statefulsets", "gauge", _replicas("status", key)
        )
        for end, key in (("", "replicas"), ("_ready", "readyReplicas"), ("_available", "availableReplicas"))
    },
}
"""What drill can tell in place of kube-state-metrics v2, by name."""
LABEL_OF = {"pods": "pod", "deployments": "deployment", "statefulsets": "statefulset"}


def workloads_for(names: Collection[str]) -> tuple[str, ...]:
    """Plurals of the workloads that a look must list so that these metrics can be told."""
    wanted = {STATE_METRICS[name].of for name in names if name in STATE_METRICS}
    return tuple(sorted(wanted - {"pods"}))


def scrapes_of(
    look: MetricsLook, names: Collection[str], *, job: str, namespace: str, port: int
) -> list[TargetScrape]:
    """Each target of one look with its samples; a pod that did not answer, or with what is no Prometheus
    text, has `up` 0 and nothing else."""
    made = []
    for pod in look.application:
        name = pod["metadata"]["name"]
        labels = {
            "job": job,
            "namespace": namespace,
            "pod": name,
            "instance": f"{pod['status']['podIP']}:{port}",
        }
        made.append(TargetScrape(labels, _of_pod(look.answers[name], names)))
    states: Samples = [
        ({"__name__": name, "namespace": namespace, **own}, metric.kind, value)
        for name, metric in STATE_METRICS.items()
        if name in names
        for own, value in _of_objects(look, metric)
    ]
    if "up" in names:
        states.append(({"__name__": "up"}, "gauge", 1.0))
    return [*made, TargetScrape({"job": STATE_JOB}, states)]


def _of_pod(answer: str | ClusterError, names: Collection[str]) -> Samples:
    samples: Samples = []
    answered = not isinstance(answer, ClusterError)
    if not isinstance(answer, ClusterError):
        try:
            samples = [
                ({"__name__": each.name, **each.labels}, each.kind, each.value)
                for each in exposed(answer, names)
            ]
        except ValueError:
            answered = False
    if "up" in names:
        samples.append(({"__name__": "up"}, "gauge", float(answered)))
    return samples


def _of_objects(look: MetricsLook, metric: StateMetric) -> Iterator[tuple[dict[str, str], float]]:
    items = look.pods if metric.of == "pods" else look.workloads.get(metric.of, [])
    for item in items:
        about = {LABEL_OF[metric.of]: item["metadata"]["name"]}
        if metric.of == "pods":
            about["uid"] = item["metadata"].get("uid", "")
        for told in metric.tell(item):
            yield {**about, **told.labels}, told.value
