"""Numbers out of what Kubernetes and the target expose: what of the Prometheus text means what, no I/O."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from kubernetes.utils.quantity import parse_quantity
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class Usage(msgspec.Struct, frozen=True):
    """What a container has used: CPU seconds since it started, as of `wall` (seconds since the epoch), and
    its working set."""

    pod: str
    cpu_seconds: float
    wall: float
    memory_bytes: float


class DatabaseTotals(msgspec.Struct, frozen=True):
    """Since the process started: seconds spent in queries, and how many there were."""

    seconds: float
    queries: float


def usage_of(text: str, namespace: str, containers: set[str]) -> list[Usage]:
    """Usage of every container of these names in the namespace, out of the kubelet's /metrics/resource. A pod
    without both numbers is left out. Raises ValueError for what is no Prometheus text."""
    cpu: dict[str, tuple[float, float]] = {}
    memory: dict[str, float] = {}
    for sample in _samples(text):
        if sample.labels.get("namespace") != namespace or sample.labels.get("container") not in containers:
            continue
        pod = sample.labels["pod"]
        if sample.name == "container_cpu_usage_seconds_total" and sample.timestamp is not None:
            cpu[pod] = (sample.value, float(sample.timestamp))
        elif sample.name == "container_memory_working_set_bytes":
            memory[pod] = sample.value
    return [Usage(pod, *cpu[pod], memory[pod]) for pod in cpu if pod in memory]


def database_totals(text: str, name: str) -> DatabaseTotals:
    """Sums over all labels of NAME_sum and NAME_count. Raises ValueError when the target exposes no such
    histogram or summary, or no Prometheus text."""
    totals = {f"{name}_sum": 0.0, f"{name}_count": 0.0}
    seen = set()
    for sample in _samples(text):
        if sample.name in totals:
            totals[sample.name] += sample.value
            seen.add(sample.name)
    if len(seen) < len(totals):
        raise ValueError(f"expected a histogram or summary {name!r} among the metrics, there is none")
    return DatabaseTotals(*totals.values())


def quantity(text: str) -> float:
    """The number that a Kubernetes quantity stands for: "500m" of a core is 0.5, "512Mi" are bytes. Raises
    ValueError."""
    try:
        return float(parse_quantity(text))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ValueError(f"expected a Kubernetes quantity such as 500m or 512Mi, got {text!r}") from error


def _samples(text: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        yield from family.samples
