"""What the target and this machine do while a drill runs: samples from threads of their own, and at the end
the cluster's events.

A sample that cannot be taken is an event too (SampleFailed) and ends nothing: the judge says how many samples
it had.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from drill.cluster.access import Cluster, ClusterError, Json, connect, node_of
from drill.cluster.health import running_pods, status_of
from drill.cluster.pods import container_of
from drill.cluster.stirs import event_wall
from drill.observe import machine
from drill.observe.metrics import MetricsLook, MetricsReader
from drill.observe.parse import Usage, cache_totals, database_totals, quantity, usage_of
from drill.observe.progress import on_its_way, restarts_of
from drill.recording import Moment, Recorder, monotonic_of, now
from drill.recording.events import (
    CacheSampled,
    ClusterEvent,
    ClusterProgress,
    DatabaseSampled,
    MachineSampled,
    PodCache,
    PodDatabase,
    PodResources,
    ResourcesSampled,
    SampleFailed,
)
from drill.settings import Metrics, Settings

RESOURCES_EVERY_SECONDS = 2.0
MACHINE_EVERY_SECONDS = 2.0
METRICS_EVERY_SECONDS = 3.0
PROGRESS_EVERY_SECONDS = 1.0
CLOSE_LOOKS_EVERY_SECONDS = 1.0
CLUSTER_EVENTS_AT_MOST = 500


class MetricsListener(Protocol):
    """Who else wants each look at the metrics. `workloads`: plurals of what is to be listed in it;
    `every_seconds`: at least so often."""

    workloads: tuple[str, ...]
    every_seconds: float

    def seen(self, look: MetricsLook) -> None:
        """One look was taken. Called from the sampler's own thread."""


class Sampler:
    """Samples from `start` to `stop`, or while used as a context manager."""

    def __init__(
        self,
        settings: Settings,
        recorder: Recorder,
        *,
        allow_context: str | None = None,
        listener: MetricsListener | None = None,
    ) -> None:
        """Each of its threads opens connections of its own. `listener`: sees the metrics too."""
        self._listener = listener
        self._closely = listener is not None
        self._settings, self._recorder, self._allow_context = settings, recorder, allow_context
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._started = now()
        self._following = threading.Event()
        self._on_its_way: list[str] | None = None
        self._restarts: dict[str, int] | None = None

    def start(self) -> None:
        """Begin to sample, at once."""
        self._started = now()
        self._run("resources", self._sample_resources, RESOURCES_EVERY_SECONDS)
        self._run_alone("machine", _MachineSampler(self._recorder).sample, MACHINE_EVERY_SECONDS)
        metrics = self._settings.metrics
        if metrics is not None and (metrics.sampled or self._listener is not None):
            reader = MetricsReader(self._settings, self._cluster(), metrics)
            often = [METRICS_EVERY_SECONDS] if metrics.sampled else []
            often += [] if self._listener is None else [self._listener.every_seconds]
            self._run_alone(
                "metrics",
                lambda: self._sample_metrics(reader, metrics),
                lambda: CLOSE_LOOKS_EVERY_SECONDS if self._closely else min(often),
            )

    def look_less_closely(self) -> None:
        """Users are served again: from now on look at the metrics as often as is usual. Until then it is
        every second where somebody listens, for a fault may be in for a few seconds only."""
        self._closely = False

    def follow_progress(self) -> None:
        """From now on look every second at what in the cluster is on its way. May be called again."""
        if not self._following.is_set():
            self._following.set()
            self._run("progress", self._sample_progress, PROGRESS_EVERY_SECONDS)

    @property
    def on_its_way(self) -> list[str] | None:
        """What the newest look at the progress saw; None while there is none, or when it failed."""
        return self._on_its_way

    def stop(self) -> None:
        """End sampling and record the cluster's events since the start. May be called again."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._guarded("cluster events", lambda: self._record_cluster_events(self._cluster()))

    def __enter__(self) -> Sampler:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _cluster(self) -> Cluster:
        return connect(self._settings, self._allow_context)

    def _run(self, what: str, take: Callable[[Cluster], None], every_seconds: float) -> None:
        cluster = self._cluster()
        self._run_alone(what, lambda: take(cluster), every_seconds)

    def _run_alone(
        self, what: str, take: Callable[[], None], every_seconds: float | Callable[[], float]
    ) -> None:
        def loop() -> None:
            due = time.monotonic()
            while not self._stopping.wait(max(0.0, due - time.monotonic())):
                self._guarded(what, take)
                seconds = every_seconds() if callable(every_seconds) else every_seconds
                due = max(due + seconds, time.monotonic())

        thread = threading.Thread(target=loop, name=f"sample {what}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, what: str, take: Callable[[], None]) -> None:
        try:
            take()
        except (ClusterError, LookupError, OSError, TypeError, ValueError) as error:
            self._recorder.record(SampleFailed(what, f"{type(error).__name__}: {error}"))

    def _sample_resources(self, cluster: Cluster) -> None:
        namespace, container = self._settings.target.namespace, self._settings.target.container
        pods = {pod["metadata"]["name"]: pod for pod in self._application_pods(cluster)}
        sampled = []
        for node in sorted({node_of(pod) for pod in pods.values()}):
            text = cluster.request("GET", f"/api/v1/nodes/{node}/proxy/metrics/resource").decode()
            sampled += [
                _resources(usage, pods[usage.pod], container, self._started)
                for usage in usage_of(text, namespace, {container})
                if usage.pod in pods
            ]
        self._recorder.record(ResourcesSampled(sampled, sorted(pods)))

    def _sample_progress(self, cluster: Cluster) -> None:
        try:
            workloads, pods = _objects(cluster)
            if self._restarts is None:
                self._restarts = restarts_of(pods)
            self._on_its_way = on_its_way(workloads, pods, now().wall, self._restarts)
        except ClusterError:
            self._on_its_way = None
            raise
        self._recorder.record(ClusterProgress(self._on_its_way))

    def _sample_metrics(self, reader: MetricsReader, metrics: Metrics) -> None:
        look = reader.look(self._listener.workloads if self._listener is not None else ())
        listener = self._listener
        if listener is not None:
            self._guarded("what alerts look at", lambda: listener.seen(look))
        if not metrics.sampled:
            return
        texts = self._answered(look, reader.running(look))
        if metrics.cache is not None:
            self._record_cache(texts, *metrics.cache)
        if metrics.database_seconds is not None:
            self._record_database(texts, metrics.database_seconds)

    def _answered(self, look: MetricsLook, running: list[str]) -> dict[str, str]:
        """The text of each of these pods that gave one."""
        texts = {}
        for pod in running:
            answer = look.answers[pod]
            if isinstance(answer, ClusterError):
                self._recorder.record(SampleFailed(f"metrics of {pod}", str(answer)))
            else:
                texts[pod] = answer
        return texts

    def _record_database(self, texts: dict[str, str], name: str) -> None:
        totals = []
        for pod, text in texts.items():
            found = database_totals(text, name)
            totals.append(PodDatabase(pod, found.seconds, found.queries))
        self._recorder.record(DatabaseSampled(totals))

    def _record_cache(self, texts: dict[str, str], hits: str, misses: str) -> None:
        totals = []
        for pod, text in texts.items():
            try:
                found = cache_totals(text, hits, misses)
            except ValueError as error:
                self._recorder.record(SampleFailed(f"the cache of {pod}", str(error)))
            else:
                totals.append(PodCache(pod, found.hits, found.misses))
        self._recorder.record(CacheSampled(totals))

    def _application_pods(self, cluster: Cluster) -> list[Json]:
        application = self._settings.target.application
        return running_pods(cluster, application.name, application.container, application.kind)

    def _record_cluster_events(self, cluster: Cluster) -> None:
        items = cluster.get(cluster.core("events"), query={"limit": "5000"})["items"]
        later = sorted(
            (event_wall(item), number, item)
            for number, item in enumerate(items)
            if event_wall(item) >= int(self._started.wall)
        )
        for wall, _, item in later[-CLUSTER_EVENTS_AT_MOST:]:
            about = item["involvedObject"]
            at = Moment(wall=wall, monotonic=monotonic_of(wall, self._started))
            name = f"{about.get('kind')}/{about.get('name')}"
            event = ClusterEvent(item.get("reason") or "", name, item.get("message") or "", wall)
            self._recorder.record(event, at=at)


class _MachineSampler:
    """Each sample is about the time since the one before."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._before: machine.Ticks | None = None

    def sample(self) -> None:
        """Look, and record how busy all cores were since the last look."""
        before, self._before = self._before, machine.look()
        if before is not None:
            self._recorder.record(MachineSampled(machine.busy_share(before, self._before)))


def _objects(cluster: Cluster) -> tuple[list[Json], list[Json]]:
    """The workloads and the pods of the target's namespace."""
    workloads: list[Json] = []
    for path, kind in (
        (cluster.apps("deployments"), "Deployment"),
        (cluster.apps("statefulsets"), "StatefulSet"),
    ):
        workloads += [{**each, "kind": kind} for each in cluster.get(path)["items"]]
    return workloads, cluster.get(cluster.core("pods"))["items"]


def _resources(usage: Usage, pod: Json, container: str, reference: Moment) -> PodResources:
    limits: Json = container_of(pod["spec"], container).get("resources", {}).get("limits", {})
    return PodResources(
        pod=usage.pod,
        cpu_seconds=usage.cpu_seconds,
        cpu_at=monotonic_of(usage.wall, reference),
        memory_bytes=usage.memory_bytes,
        cpu_limit_cores=quantity(limits["cpu"]) if "cpu" in limits else None,
        memory_limit_bytes=quantity(limits["memory"]) if "memory" in limits else None,
        container_id=str(status_of(pod, container).get("containerID", "")),
    )
