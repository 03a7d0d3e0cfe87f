"""One look at what the application's pods expose and at what runs beside them. Flows in: the API server, and
through it each pod's metrics. Flows out: a MetricsLook, from which all take what they need, so that nothing
is asked for twice.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from drill.cluster.access import Cluster, ClusterError, Json
from drill.cluster.health import is_running
from drill.settings import Metrics, Settings

TIMEOUT_SECONDS = 2.0
"""Of one pod's answer. Prometheus waits for 10 s unless told otherwise; a look must end before the next."""
WORKLOADS = ("deployments", "statefulsets")


@dataclass(frozen=True)
class MetricsLook:
    """`monotonic`: when it began, seconds; `pods`: all of the target's namespace; `application`: those of the
    application that have an address and have not ended, as Prometheus would find them; `answers`: the text of
    each of these, or why there is none; `workloads`: by plural, of those that were asked for."""

    monotonic: float
    pods: list[Json]
    application: list[Json]
    answers: Mapping[str, str | ClusterError]
    workloads: Mapping[str, list[Json]]


class MetricsReader:
    """Looks again and again. The application's selector is remembered: pods are found also where the workload
    itself is gone."""

    def __init__(self, settings: Settings, cluster: Cluster, metrics: Metrics) -> None:
        self._settings, self._cluster, self._metrics = settings, cluster, metrics
        self._selector: dict[str, str] | None = None

    def look(self, workloads: Collection[str] = ()) -> MetricsLook:
        """One look. `workloads`: plurals of what else is to be listed. Raises ClusterError where the API
        server does not answer; a pod that does not is in `answers`."""
        began = time.monotonic()
        selector = self._labels()
        pods: list[Json] = self._cluster.get(self._cluster.core("pods"))["items"]
        application = [pod for pod in pods if _is_target(pod, selector)]
        listed = {plural: self._cluster.get(self._cluster.apps(plural))["items"] for plural in workloads}
        names = [pod["metadata"]["name"] for pod in application]
        with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
            answers = dict(zip(names, pool.map(self._ask, names), strict=True))
        return MetricsLook(began, pods, application, answers, listed)

    def running(self, look: MetricsLook) -> list[str]:
        """The application's pods whose container ran then and that were not being deleted."""
        container = self._settings.target.container
        return [pod["metadata"]["name"] for pod in look.application if is_running(pod, container)]

    def _labels(self) -> dict[str, str]:
        if self._selector is None:
            application = self._settings.target.application
            found = self._cluster.workload(application.name, application.kind)
            self._selector = dict(found["spec"]["selector"].get("matchLabels", {}))
        return self._selector

    def _ask(self, pod: str) -> str | ClusterError:
        metrics = self._metrics
        path = f"{self._cluster.core('pods', f'{pod}:{metrics.port}')}/proxy/{metrics.path.lstrip('/')}"
        try:
            return self._cluster.request("GET", path, seconds=TIMEOUT_SECONDS).decode(errors="replace")
        except ClusterError as error:
            return error


def _is_target(pod: Json, selector: Mapping[str, str]) -> bool:
    status = pod.get("status", {})
    return (
        selector.items() <= (pod["metadata"].get("labels") or {}).items()
        and bool(status.get("podIP"))
        and status.get("phase") not in ("Succeeded", "Failed")
    )
