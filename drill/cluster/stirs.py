"""What last happened to pods, and what is happening to them now. Flows in: pods and events as the API server
has them. Flows out: when, in seconds since the epoch by the cluster's clock, and what, in words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from drill.cluster.access import Json
from drill.cluster.health import state_of, status_of, statuses_of

CONTAINER = re.compile(r"spec\.containers\{(.+)\}")
USUAL_GRACE_SECONDS = 30


class Stir(NamedTuple):
    """`wall`: seconds since the epoch, which the API server cuts off to whole ones; `what` happened then."""

    wall: float
    what: str


def last_stir(pods: Sequence[Json]) -> Stir | None:
    """The last time that one of these pods was made, that a container of it started, or that it became ready
    or ceased to be; None where there are no pods.
    """
    return max((stir for pod in pods for stir in _stirs(pod)), default=None)


def under_way(pods: Sequence[Json], killings: Sequence[Json], wall: float, seconds: float) -> str:
    """What is happening to one of these pods at the moment `wall`, in words; empty where nothing is.
    `killings`: the events Killing. The kubelet writes one when it begins, up to the pod's grace before the
    container ends, and until then nothing else shows it. One that is older than that by `seconds` has come to
    nothing.
    """
    for pod in pods:
        name = pod["metadata"]["name"]
        if "deletionTimestamp" in pod["metadata"]:
            return f"pod {name} is being deleted"
        grace = pod["spec"].get("terminationGracePeriodSeconds", USUAL_GRACE_SECONDS)
        for event in killings:
            began = event_wall(event)
            if wall - began < grace + seconds and _aims_at(event, pod, began):
                return f"pod {name}: {event.get('message', 'a container is being ended')}"
    return ""


def marks_of(pods: Sequence[Json]) -> frozenset[tuple[str, str, int]]:
    """Which containers these are: pod, container, and how often it was started again. Others, or more starts,
    are other marks.
    """
    return frozenset(
        (pod["metadata"]["uid"], status["name"], status.get("restartCount", 0))
        for pod in pods
        for status in statuses_of(pod)
    )


def is_ready(pod: Json) -> bool:
    """What the pod's own condition says."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in _conditions(pod))


def addresses_of(pod: Json) -> set[str]:
    """Its addresses, of each family."""
    status = pod.get("status", {})
    found = {each["ip"] for each in status.get("podIPs") or []}
    return found | ({status["podIP"]} if status.get("podIP") else set())


def event_wall(event: Json) -> float:
    """When an event last happened, seconds since the epoch; whole seconds for the older kind of events."""
    series = event.get("series") or {}
    for value in (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"]["creationTimestamp"],
    ):
        if value:
            return _wall(value)
    return 0.0


def _stirs(pod: Json) -> list[Stir]:
    name = pod["metadata"]["name"]
    found = [Stir(_wall(pod["metadata"]["creationTimestamp"]), f"pod {name} was made")]
    for status in statuses_of(pod):
        started = state_of(pod, status["name"]).get("running", {}).get("startedAt")
        if started:
            found.append(Stir(_wall(started), f"container {status['name']} of {name} started"))
    for condition in _conditions(pod):
        if condition["type"] == "Ready" and condition.get("lastTransitionTime"):
            became = "became ready" if condition["status"] == "True" else "is not ready any more"
            found.append(Stir(_wall(condition["lastTransitionTime"]), f"pod {name} {became}"))
    return found


def _aims_at(event: Json, pod: Json, began: float) -> bool:
    """Whether the event is about a container of the pod that has not been started anew since."""
    about = event["involvedObject"]
    if about.get("uid") != pod["metadata"]["uid"]:
        return False
    named = CONTAINER.fullmatch(about.get("fieldPath") or "")
    if named is None:
        return False
    started = status_of(pod, named[1]).get("state", {}).get("running", {}).get("startedAt")
    return not started or _wall(started) <= began


def _conditions(pod: Json) -> list[Json]:
    found: list[Json] = pod.get("status", {}).get("conditions") or []
    return found


def _wall(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
