"""What in a namespace is still on its way, by itself, at one moment. Pure: objects of the API in, sentences
out.

A service that is out may be waited for while something is on its way, and is lost to itself when nothing is.
On its way are:

- a rollout that its controller has not looked at yet, or whose pods are still to be made, unless making them
  failed (quota, admission); pods that are ready but not yet long enough to count (minReadySeconds);
- a pod that waits for the scheduler, unless the scheduler has said that no node fits, or something holds it
  back;
- a container that is being created, and one that runs and is not ready yet, each for as long as that may
  take: its probes' own time and some more. One that is never ready is not on its way for ever;
- a pod that is going away, until a while after its grace is over, and one whose node is gone, until it is
  evicted;
- the pod of a job that runs.

Not on its way is what fails again and again: a container started again twice since watching began,
CrashLoopBackOff, ImagePullBackOff, a container that cannot be configured. It may come back by itself once its
cause is gone; from the moment when it is started again it is starting, and counts; but not where it has never
been ready and failed once already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

Json = dict[str, Any]

CREATING_SECONDS = 120.0
"""A container that is being created for longer will not be: its volume, its configuration or its network is
missing.
"""
STARTING_SECONDS = 30.0
"""How long a container may run without being ready, besides the time that its own probes grant."""
HOPELESS_RESTARTS = 2
"""A container that has been started again so often since watching began, and is not ready, fails again and
again.
"""
GOING_SECONDS = 30.0
"""How long a pod may still be there after its grace is over."""
EVICTED_SECONDS = 330.0
"""Kubernetes takes a pod off a lost node after 300 s, unless the pod tolerates it for another time."""
PROBE_PERIOD_SECONDS, PROBE_FAILURES = 10, 3
"""What Kubernetes takes where a probe does not say."""
BEING_CREATED = ("ContainerCreating", "PodInitializing", "")


def on_its_way(
    workloads: Iterable[Json], pods: Iterable[Json], wall: float, restarts: Mapping[str, int] | None = None
) -> list[str]:
    """One sentence for each thing on its way. `workloads`: Deployments and StatefulSets; `wall`: now, seconds
    since the epoch; `restarts`: of `restarts_of`, when watching began."""
    found = [sentence for workload in workloads for sentence in _of_workload(workload)]
    return found + [sentence for pod in pods for sentence in _of_pod(pod, wall, restarts)]


def restarts_of(pods: Iterable[Json]) -> dict[str, int]:
    """How often each container has been started again, by "pod/container"."""
    return {
        f"{pod['metadata']['name']}/{status['name']}": status.get("restartCount", 0)
        for pod in pods
        for status in pod.get("status", {}).get("containerStatuses") or []
    }


def _of_workload(workload: Json) -> Iterator[str]:
    spec, status = workload.get("spec", {}), workload.get("status", {})
    name = f"{workload.get('kind') or 'workload'} {workload['metadata']['name']}"
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        yield f"{name}: its rollout has just been asked for"
        return
    wanted, there = spec.get("replicas", 1), status.get("replicas", 0)
    ready = status.get("readyReplicas", 0)
    failed = any(
        condition["type"] == "ReplicaFailure" and condition["status"] == "True"
        for condition in status.get("conditions") or []
    )
    one_by_one = "serviceName" in spec and spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"
    if there < wanted and not failed and (ready == there or not one_by_one):
        yield f"{name}: {there} of {wanted} pods are made"
    if ready > status.get("availableReplicas", ready):
        yield f"{name}: {ready - status.get('availableReplicas', ready)} pods are ready, not yet available"


def _of_pod(pod: Json, wall: float, restarts: Mapping[str, int] | None) -> Iterator[str]:
    metadata, status = pod["metadata"], pod.get("status", {})
    name = f"pod {metadata['name']}"
    if "deletionTimestamp" in metadata:
        if wall < _wall(metadata["deletionTimestamp"]) + GOING_SECONDS:
            yield f"{name}: goes away"
        return
    if status.get("phase") in ("Succeeded", "Failed"):
        return
    if not pod.get("spec", {}).get("nodeName"):
        scheduled = _condition(pod, "PodScheduled")
        if scheduled.get("status") != "False":
            yield f"{name}: waits for a node"
        return
    owners = metadata.get("ownerReferences") or []
    if status.get("phase") == "Running" and any(owner["kind"] == "Job" for owner in owners):
        yield f"{name}: a job runs"
        return
    containers = list(_containers(pod))
    starting = [
        each
        for container, state in containers
        if not _fails_again_and_again(pod, state, restarts)
        for each in _of_container(pod, container, state, wall)
    ]
    yield from (f"{name}: {each}" for each in starting)
    ready = _condition(pod, "Ready")
    if not starting and containers and all(state.get("ready") for _, state in containers):
        since = ready.get("lastTransitionTime")
        if ready.get("status") == "False" and since and wall < _wall(since) + EVICTED_SECONDS:
            yield f"{name}: its node is gone, it will be moved"


def _containers(pod: Json) -> Iterator[tuple[Json, Json]]:
    """Each container that is to run now, with its status: init containers until they are done, then the
    others.
    """
    spec, status = pod["spec"], pod.get("status", {})
    initial = {each["name"]: each for each in status.get("initContainerStatuses") or []}
    for container in spec.get("initContainers") or []:
        state = initial.get(container["name"], {})
        done = state.get("state", {}).get("terminated", {}).get("exitCode") == 0
        if not done and container.get("restartPolicy") != "Always":
            yield container, state
            return
    states = {each["name"]: each for each in status.get("containerStatuses") or []}
    for container in spec["containers"]:
        yield container, states.get(container["name"], {})


def _of_container(pod: Json, container: Json, status: Json, wall: float) -> Iterator[str]:
    name, state = container["name"], status.get("state", {})
    if "running" in state:
        may_take = STARTING_SECONDS + _probes_seconds(container)
        in_time = wall < _wall(state["running"]["startedAt"]) + may_take
        if not status.get("ready") and in_time and not _failed_to_start(pod, status):
            yield f"{name} has started and is not ready yet"
    elif "terminated" in state:
        again = pod["spec"].get("restartPolicy", "Always") != "Never"
        if again and not status.get("restartCount", 0):
            yield f"{name} has ended and is started again"
    elif state.get("waiting", {}).get("reason", "") in BEING_CREATED:
        since = _condition(pod, "PodScheduled").get("lastTransitionTime") or pod.get("status", {}).get(
            "startTime"
        )
        if since is None or wall < _wall(since) + CREATING_SECONDS:
            yield f"{name} is being created"


def _fails_again_and_again(pod: Json, status: Json, restarts: Mapping[str, int] | None) -> bool:
    """True where a container has been started again more than once since watching began, and is still not
    ready.
    """
    if restarts is None:
        return False
    before = restarts.get(f"{pod['metadata']['name']}/{status.get('name', '')}", 0)
    return not status.get("ready") and status.get("restartCount", 0) - before >= HOPELESS_RESTARTS


def _failed_to_start(pod: Json, status: Json) -> bool:
    """True where a container is started again in a pod that has never been ready: it failed once, from its
    very beginning, and nothing says that this time will be another."""
    ready, since = _condition(pod, "Ready"), _condition(pod, "PodScheduled").get("lastTransitionTime")
    never = ready.get("status") == "False" and ready.get("lastTransitionTime") == since
    return bool(status.get("restartCount", 0)) and never


def _probes_seconds(container: Json) -> float:
    """How long its probes themselves give it to become ready."""
    seconds = 0.0
    startup, readiness = container.get("startupProbe"), container.get("readinessProbe")
    if startup:
        period = startup.get("periodSeconds", PROBE_PERIOD_SECONDS)
        seconds += startup.get("initialDelaySeconds", 0) + period * startup.get(
            "failureThreshold", PROBE_FAILURES
        )
    if readiness:
        period = readiness.get("periodSeconds", PROBE_PERIOD_SECONDS)
        seconds += readiness.get("initialDelaySeconds", 0) + period * readiness.get("successThreshold", 1)
    return seconds


def _condition(pod: Json, kind: str) -> Json:
    conditions = pod.get("status", {}).get("conditions") or []
    return next((condition for condition in conditions if condition["type"] == kind), {})


def _wall(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
