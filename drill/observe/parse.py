"""Numbers out of what Kubernetes and the target expose. Flows in: the Prometheus text format, quantities.
Flows out: plain numbers. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+(?P<milliseconds>-?\d+))?$"
)
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
QUANTITY = re.compile(r"(\d+(?:\.\d+)?(?:e\d+)?)([a-zA-Z]*)")
FACTORS = {
    "": 1.0,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


class Sample(msgspec.Struct, frozen=True):
    """One line of the text format; `wall`: its own time stamp in seconds since the epoch, None where it
    carries none.
    """

    name: str
    labels: dict[str, str]
    value: float
    wall: float | None


class Usage(msgspec.Struct, frozen=True):
    """What a container has used: CPU seconds since it started, as of `wall` (seconds since the epoch), and
    its working set.
    """

    pod: str
    cpu_seconds: float
    wall: float
    memory_bytes: float


class DatabaseTotals(msgspec.Struct, frozen=True):
    """Since the process started: seconds spent in queries, and how many there were."""

    seconds: float
    queries: float


def samples(text: str) -> Iterator[Sample]:
    """Every sample of a Prometheus exposition; comments and what is not a sample are left out."""
    for line in text.splitlines():
        matched = SAMPLE.match(line)
        if matched and not line.startswith("#"):
            stamp = matched["milliseconds"]
            yield Sample(
                matched["name"],
                dict(LABEL.findall(matched["labels"] or "")),
                float(matched["value"]),
                int(stamp) / 1000 if stamp else None,
            )


def usage_of(text: str, namespace: str, container: str) -> list[Usage]:
    """Usage of every container of that name in the namespace, out of the kubelet's /metrics/resource. A pod
    without both numbers is left out.
    """
    cpu: dict[str, tuple[float, float]] = {}
    memory: dict[str, float] = {}
    for sample in samples(text):
        if sample.labels.get("namespace") != namespace or sample.labels.get("container") != container:
            continue
        pod = sample.labels["pod"]
        if sample.name == "container_cpu_usage_seconds_total" and sample.wall is not None:
            cpu[pod] = (sample.value, sample.wall)
        elif sample.name == "container_memory_working_set_bytes":
            memory[pod] = sample.value
    return [Usage(pod, *cpu[pod], memory[pod]) for pod in cpu if pod in memory]


def database_totals(text: str, name: str) -> DatabaseTotals:
    """Sums over all labels of NAME_sum and NAME_count. Raises ValueError when the target exposes no such
    histogram or summary.
    """
    seconds = [sample.value for sample in samples(text) if sample.name == f"{name}_sum"]
    queries = [sample.value for sample in samples(text) if sample.name == f"{name}_count"]
    if not queries:
        raise ValueError(f"expected a histogram or summary {name!r} among the metrics, there is none")
    return DatabaseTotals(sum(seconds), sum(queries))


def cpu_cores(quantity: str) -> float:
    """Cores of a Kubernetes quantity such as "500m"."""
    return _quantity(quantity)


def memory_bytes(quantity: str) -> float:
    """Bytes of a Kubernetes quantity such as "512Mi"."""
    return _quantity(quantity)


def _quantity(text: str) -> float:
    matched = QUANTITY.fullmatch(text)
    if not matched or matched[2] not in FACTORS:
        raise ValueError(f"expected a Kubernetes quantity such as 500m or 512Mi, got {text!r}")
    return float(matched[1]) * FACTORS[matched[2]]
