"""Numbers out of what Kubernetes and the target expose: what of the Prometheus text means what, no I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

import msgspec
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

PARTS_OF_FAMILY = ("_bucket", "_sum", "_count", "_total")
NAME_BEGINS = re.compile(r"[a-zA-Z_:]")
NAME_ENDS = re.compile(r"[{ \t]")


class Usage(msgspec.Struct, frozen=True):
    """What a container has used: CPU seconds since it started, as of `wall` (seconds since the epoch), and
    its working set."""

    pod: str
    cpu_seconds: float
    wall: float
    memory_bytes: float


class Exposed(NamedTuple):
    """One sample of a target's text: its metric, its own labels, and what kind of number it is."""

    name: str
    labels: dict[str, str]
    kind: Literal["counter", "gauge"]
    value: float


class DatabaseTotals(msgspec.Struct, frozen=True):
    """Since the process started: seconds spent in queries, and how many there were."""

    seconds: float
    queries: float


class CacheTotals(msgspec.Struct, frozen=True):
    """Since the process started: lookups that the cache answered, and those that it did not."""

    hits: float
    misses: float


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
    totals = _totals(text, (f"{name}_sum", f"{name}_count"))
    if len(totals) < 2:
        raise ValueError(f"expected a histogram or summary {name!r} among the metrics, there is none")
    return DatabaseTotals(totals[f"{name}_sum"], totals[f"{name}_count"])


def cache_totals(text: str, hits: str, misses: str) -> CacheTotals:
    """Sums over all labels of two counters. Raises ValueError when the target does not expose both, or no
    Prometheus text."""
    totals = _totals(text, (hits, misses))
    for name in (hits, misses):
        if name not in totals:
            raise ValueError(f"expected a counter {name!r} among the metrics, there is none")
    return CacheTotals(totals[hits], totals[misses])


def _totals(text: str, names: Collection[str]) -> dict[str, float]:
    """The sum over all labels of each of these that is exposed."""
    totals = dict[str, float]()
    for sample in exposed(text, names):
        totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    return totals


def exposed(text: str, names: Collection[str]) -> list[Exposed]:
    """The samples of these names. Lines of others are not parsed, which is most of the work. Raises
    ValueError for what is no Prometheus text."""
    found = []
    for family in text_string_to_metric_families("".join(_lines_of(text, names))):
        for sample in family.samples:
            counts = family.type == "counter" or (
                family.type in ("histogram", "summary") and "quantile" not in sample.labels
            )
            if sample.name in names:
                found.append(
                    Exposed(sample.name, sample.labels, "counter" if counts else "gauge", float(sample.value))
                )
    return found


def _lines_of(text: str, names: Collection[str]) -> Iterator[str]:
    """The lines of samples of these names, and those that say what kind their families are."""
    families = {
        name for each in names for name in (each, *(each.removesuffix(end) for end in PARTS_OF_FAMILY))
    }
    for line in text.splitlines(keepends=True):
        if line.startswith("# TYPE "):
            if line.split(" ", 3)[2] in families:
                yield line
        elif not line.startswith("#") and line.strip():
            if not NAME_BEGINS.match(line):
                raise ValueError(f"expected Prometheus text, got {line[:80].strip()!r}")
            if NAME_ENDS.split(line, maxsplit=1)[0] in names:
                yield line


def quantity(text: str) -> float:
    """The number that a Kubernetes quantity stands for: "500m" of a core is 0.5, "512Mi" are bytes. Raises
    ValueError."""
    # of the Kubernetes client, which takes long to import, and is there where a cluster is looked at
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415

    try:
        return float(parse_quantity(text))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ValueError(f"expected a Kubernetes quantity such as 500m or 512Mi, got {text!r}") from error


def _samples(text: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        yield from family.samples
