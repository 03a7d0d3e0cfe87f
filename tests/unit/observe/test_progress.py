"""What in a cluster is still on its way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from drill.observe.progress import (
    CREATING_SECONDS,
    EVICTED_SECONDS,
    GOING_SECONDS,
    STARTING_SECONDS,
    on_its_way,
    restarts_of,
)

Json = dict[str, Any]
WALL = 1_795_000_000.0
"""2026-11-18T10:26:40Z"""


def at(seconds: float) -> str:
    """The moment so many seconds before now, as Kubernetes writes it."""
    return datetime.fromtimestamp(WALL - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def deployment(wanted: int = 3, there: int = 3, ready: int = 3, **more: Any) -> Json:
    status = {"observedGeneration": 4, "replicas": there, "readyReplicas": ready, "availableReplicas": ready}
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "generation": 4},
        "spec": {"replicas": wanted},
        "status": {**status, **more},
    }


def pod(state: Json | None = None, *, ready: bool = False, restarts: int = 0, **more: Any) -> Json:
    """A pod on a node since a second, with one container in this state."""
    container: Json = {"name": "web"}
    status: Json = {"name": "web", "ready": ready, "restartCount": restarts, "state": state or {}}
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": at(1)},
        {"type": "Ready", "status": str(ready), "lastTransitionTime": at(1)},
    ]
    return {
        "metadata": {"name": "web-1", **more.get("metadata", {})},
        "spec": {"nodeName": "node", "containers": [{**container, **more.get("container", {})}]},
        "status": {"phase": "Running", "containerStatuses": [status], "conditions": conditions},
    }


def running(seconds: float) -> Json:
    return {"running": {"startedAt": at(seconds)}}


def waiting(reason: str) -> Json:
    return {"waiting": {"reason": reason}}


def of_pod(one: Json) -> list[str]:
    return on_its_way([], [one], WALL)


def test_nothing_is_on_its_way_where_everything_has_arrived() -> None:
    assert on_its_way([deployment()], [pod(running(5), ready=True)], WALL) == []


def test_a_deployment_of_nothing_has_arrived_with_nothing() -> None:
    assert on_its_way([deployment(0, 0, 0)], [], WALL) == []


def test_a_rollout_that_was_just_asked_for() -> None:
    assert on_its_way([deployment(observedGeneration=3)], [], WALL) == [
        "Deployment web: its rollout has just been asked for"
    ]


def test_pods_that_are_still_to_be_made_unless_making_them_failed() -> None:
    assert on_its_way([deployment(there=1, ready=1)], [], WALL) == ["Deployment web: 1 of 3 pods are made"]
    failed = [{"type": "ReplicaFailure", "status": "True"}]
    assert on_its_way([deployment(there=1, ready=1, conditions=failed)], [], WALL) == []


def test_a_stateful_set_makes_its_next_pod_only_when_the_one_before_is_ready() -> None:
    stateful = {**deployment(there=1, ready=0), "spec": {"replicas": 3, "serviceName": "web"}}
    assert on_its_way([stateful], [], WALL) == []
    stateful["spec"]["podManagementPolicy"] = "Parallel"
    assert len(on_its_way([stateful], [], WALL)) == 1


def test_ready_and_not_yet_available() -> None:
    assert on_its_way([deployment(availableReplicas=1)], [], WALL) == [
        "Deployment web: 2 pods are ready, not yet available"
    ]


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", ""])
def test_a_container_that_is_being_created(reason: str) -> None:
    state = waiting(reason) if reason else {}
    assert of_pod(pod(state)) == ["pod web-1: web is being created"]


@pytest.mark.parametrize(
    "reason",
    [
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "InvalidImageName",
        "RunContainerError",
    ],
)
def test_what_fails_again_and_again_is_not_on_its_way(reason: str) -> None:
    assert of_pod(pod(waiting(reason), restarts=4)) == []


def test_a_container_that_is_never_created_is_not_on_its_way_for_ever() -> None:
    one = pod(waiting("ContainerCreating"))
    one["status"]["conditions"][0]["lastTransitionTime"] = at(CREATING_SECONDS - 1)
    assert of_pod(one)
    one["status"]["conditions"][0]["lastTransitionTime"] = at(CREATING_SECONDS + 1)
    assert not of_pod(one)


def test_a_container_that_runs_is_starting_until_it_is_ready() -> None:
    assert of_pod(pod(running(5))) == ["pod web-1: web has started and is not ready yet"]


def test_one_that_failed_is_starting_again_only_where_it_was_ready_before() -> None:
    one = pod(running(5), restarts=5)
    assert of_pod(one) == [], "it has never been ready, since it was scheduled"
    one["status"]["conditions"][1]["lastTransitionTime"] = at(0)
    assert of_pod(one) == ["pod web-1: web has started and is not ready yet"]


@pytest.mark.parametrize(
    ("container", "seconds"),
    [
        ({}, STARTING_SECONDS),
        ({"readinessProbe": {"initialDelaySeconds": 60, "periodSeconds": 5}}, STARTING_SECONDS + 65),
        ({"startupProbe": {"failureThreshold": 30}}, STARTING_SECONDS + 300),
    ],
)
def test_for_as_long_as_its_probes_grant_and_no_longer(container: Json, seconds: float) -> None:
    assert of_pod(pod(running(seconds - 1), container=container))
    assert not of_pod(pod(running(seconds + 1), container=container))


def test_a_container_that_ended_is_started_again_once() -> None:
    assert of_pod(pod({"terminated": {"exitCode": 1}}))
    assert not of_pod(pod({"terminated": {"exitCode": 1}}, restarts=1))


def test_an_init_container_comes_before_the_others() -> None:
    one = pod(waiting("PodInitializing"))
    one["spec"]["initContainers"] = [{"name": "migrate"}]
    one["status"]["initContainerStatuses"] = [{"name": "migrate", "state": running(5)}]
    assert of_pod(one) == ["pod web-1: migrate has started and is not ready yet"]
    one["status"]["initContainerStatuses"] = [{"name": "migrate", "state": running(STARTING_SECONDS + 1)}]
    assert of_pod(one) == [], "it hangs"
    one["status"]["initContainerStatuses"][0]["state"] = {"terminated": {"exitCode": 0}}
    assert of_pod(one) == ["pod web-1: web is being created"]


def unscheduled(*conditions: Json) -> Json:
    one = pod()
    del one["spec"]["nodeName"]
    one["status"] = {"phase": "Pending", "conditions": list(conditions)}
    return one


def test_a_pod_that_waits_for_the_scheduler_unless_no_node_fits() -> None:
    assert of_pod(unscheduled()) == ["pod web-1: waits for a node"]
    for reason in ("Unschedulable", "SchedulingGated"):
        condition = {"type": "PodScheduled", "status": "False", "reason": reason}
        assert of_pod(unscheduled(condition)) == []


def test_a_pod_that_goes_away_until_its_grace_is_long_over() -> None:
    deleted = {"deletionTimestamp": at(-5)}
    assert of_pod(pod(running(500), ready=True, metadata=deleted)) == ["pod web-1: goes away"]
    stuck = {"deletionTimestamp": at(GOING_SECONDS + 1)}
    assert of_pod(pod(running(500), ready=True, metadata=stuck)) == []


def test_a_pod_whose_node_is_gone_until_it_is_evicted() -> None:
    one = pod(running(500), ready=True)
    one["status"]["conditions"][1] = {
        "type": "Ready",
        "status": "False",
        "lastTransitionTime": at(EVICTED_SECONDS - 1),
    }
    assert of_pod(one) == ["pod web-1: its node is gone, it will be moved"]
    one["status"]["conditions"][1]["lastTransitionTime"] = at(EVICTED_SECONDS + 1)
    assert of_pod(one) == []


def test_a_job_that_runs_and_one_that_has_ended() -> None:
    of_job = {"ownerReferences": [{"kind": "Job", "name": "restore"}]}
    one = pod(running(500), ready=True, metadata=of_job)
    assert of_pod(one) == ["pod web-1: a job runs"]
    one["status"]["phase"] = "Succeeded"
    assert of_pod(one) == []


def test_a_container_that_fails_again_and_again_is_not_on_its_way() -> None:
    """One restart since watching began is what a killed container needs; a second one is a loop."""
    again = pod(running(5), restarts=4)
    again["status"]["conditions"][1]["lastTransitionTime"] = at(0)
    key = next(iter(restarts_of([again])))
    assert on_its_way([], [again], WALL, {key: 3}) != []
    assert on_its_way([], [again], WALL, {key: 2}) == []
