"""The known state of a target: its objects as they were before a drill changed anything, and how they differ
now.

Looked at are the objects of the namespace, and what lies outside it and stops a target: nodes, the name
server's configuration, webhooks. What controllers make (replica sets, their pods) is not: it follows.

Replicas: where an autoscaler rules a workload, any number that it may choose is no difference by itself, and
the number that is known is the one that somebody asked for, not the one that the autoscaler happened to have
chosen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from drill.cluster.access import AbsentError, Cluster, ForbiddenError, Json
from drill.cluster.objects import LAST_APPLIED, PATHS, essence, path_of, stripped

MADE_BY_CONTROLLERS = "ownerReferences"
WORKLOADS = ("Deployment", "StatefulSet")
EXISTENCE_ONLY = ("Pod", "Job")
"""Of these only that they are there counts: what they are made of does not change, and their state is their
own."""
ENDED = ("Succeeded", "Failed")
OWN_TAINTS = "node.kubernetes.io/"
"""Taints that the cluster itself sets and takes away."""
NAME_SERVER = ("kube-system", "coredns")
Objects = dict[str, dict[str, Json]]


class KnownState(msgspec.Struct, frozen=True):
    """kind -> name -> object without what the server fills in. `unseen`: kinds that the kubeconfig's user may
    not list, of which nothing is known."""

    context: str
    namespace: str
    objects: Objects
    unseen: list[str] = []


def observe(cluster: Cluster) -> KnownState:
    """The objects as they are now. Raises ClusterError where the cluster does not answer, AbsentError where
    there is no such namespace: its lists would be empty, and an empty state is none to return to."""
    cluster.get(f"/api/v1/namespaces/{cluster.namespace}")
    objects: Objects = {}
    unseen = []
    for kind in PATHS:
        try:
            objects[kind] = _listed(cluster, kind)
        except ForbiddenError:
            unseen.append(kind)
        except AbsentError:
            continue  # the cluster has no such kind at all
    try:
        objects["NameServer"] = _name_server(cluster)
    except ForbiddenError:
        unseen.append("NameServer")
    return KnownState(cluster.context, cluster.namespace, objects, unseen)


def _listed(cluster: Cluster, kind: str) -> dict[str, Json]:
    found = cluster.get(path_of(kind, cluster.namespace))
    objects = {}
    for item in found["items"]:
        metadata = item["metadata"]
        if MADE_BY_CONTROLLERS in metadata or "deletionTimestamp" in metadata:
            continue
        if kind in EXISTENCE_ONLY and item.get("status", {}).get("phase") in ENDED:
            continue
        name = metadata["name"]
        objects[name] = _node(item) if kind == "Node" else stripped(item, found["apiVersion"], kind)
        if kind == "Pod":
            objects[name]["spec"].pop("nodeName", None)
    return objects


def _node(item: Json) -> Json:
    """Of a node: whether pods may be put on it, and whether it is ready."""
    spec = item["spec"]
    taints = [taint for taint in spec.get("taints") or [] if not taint["key"].startswith(OWN_TAINTS)]
    conditions = item.get("status", {}).get("conditions") or []
    ready = next((each["status"] for each in conditions if each["type"] == "Ready"), "Unknown")
    return {
        "kind": "Node",
        "metadata": {"name": item["metadata"]["name"], "labels": {}},
        "spec": {"unschedulable": bool(spec.get("unschedulable")), "taints": taints},
        "ready": ready == "True",
    }


def _name_server(cluster: Cluster) -> dict[str, Json]:
    namespace, name = NAME_SERVER
    try:
        item = cluster.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}")
    except AbsentError:
        return {}
    return {name: stripped(item, "v1", "ConfigMap")}


def settled(now: KnownState, previous: KnownState | None) -> KnownState:
    """What is to be known of what is seen now: where an autoscaler rules a workload, the replicas that
    somebody asked for. They are those known before, where nothing else of the workload has changed since;
    without a state known before, those of the manifest that was applied, where it is still the one that runs.
    """
    objects = {kind: dict(items) for kind, items in now.objects.items()}
    for kind in WORKLOADS:
        for name, item in objects.get(kind, {}).items():
            ruled = rule_of(now, kind, name)
            if ruled is None:
                continue
            asked = _asked_before(item, previous, kind, name) if previous else _asked_in_manifest(item)
            if asked is not None and ruled[0] <= asked <= ruled[1]:
                objects[kind][name] = {**item, "spec": {**item["spec"], "replicas": asked}}
    return msgspec.structs.replace(now, objects=objects)


def _asked_before(item: Json, previous: KnownState, kind: str, name: str) -> int | None:
    before = previous.objects.get(kind, {}).get(name)
    if before is None or _without_replicas(before) != _without_replicas(item):
        return None  # somebody's release: what runs now is what is known
    replicas: int | None = before["spec"].get("replicas")
    return replicas


def _asked_in_manifest(item: Json) -> int | None:
    try:
        applied = json.loads(item["metadata"]["annotations"][LAST_APPLIED])
        if _images(applied) != _images(item):
            return None
        replicas: int | None = applied["spec"].get("replicas")
    except (KeyError, TypeError, ValueError):
        return None
    return replicas


def _images(item: Json) -> list[str]:
    return [container["image"] for container in item["spec"]["template"]["spec"]["containers"]]


def _without_replicas(item: Json) -> Json:
    body = essence(item)
    return {**body, "spec": {key: value for key, value in body["spec"].items() if key != "replicas"}}


def rule_of(state: KnownState, kind: str, name: str) -> tuple[int, int] | None:
    """Fewest and most replicas that an autoscaler may choose for a workload; None where none rules it."""
    for ruler in state.objects.get("HorizontalPodAutoscaler", {}).values():
        aimed = ruler["spec"]["scaleTargetRef"]
        if (aimed["kind"], aimed["name"]) == (kind, name):
            return ruler["spec"].get("minReplicas", 1), ruler["spec"]["maxReplicas"]
    return None


def differences(known: KnownState, now: KnownState) -> list[str]:
    """What is not as it was, one line each, such as "Deployment/web: spec.replicas is 5, was 3"."""
    return [line for _, _, lines in _differing(known, now) for line in lines]


def lasting_differences(known: KnownState, now: KnownState) -> list[str]:
    """The same, without replicas that the autoscaler which is known may have chosen meanwhile."""
    return differences(_with_chosen_replicas(known, now), now)


def differing(known: KnownState, now: KnownState) -> list[tuple[str, str]]:
    """Kind and name of each object that is not as it was."""
    return [(kind, name) for kind, name, _ in _differing(known, now)]


def _with_chosen_replicas(known: KnownState, now: KnownState) -> KnownState:
    objects = {kind: dict(items) for kind, items in known.objects.items()}
    for kind in WORKLOADS:
        for name, item in objects.get(kind, {}).items():
            ruled, present = rule_of(known, kind, name), now.objects.get(kind, {}).get(name)
            if ruled is None or present is None:
                continue
            chosen = present["spec"].get("replicas", 1)
            if ruled[0] <= chosen <= ruled[1]:
                objects[kind][name] = {**item, "spec": {**item["spec"], "replicas": chosen}}
    return msgspec.structs.replace(known, objects=objects)


def _differing(known: KnownState, now: KnownState) -> Iterator[tuple[str, str, list[str]]]:
    for kind, then in known.objects.items():
        if kind in now.unseen:
            continue
        present = now.objects.get(kind, {})
        for name in then:
            if name not in present and kind != "Job":
                yield kind, name, [f"{kind}/{name}: is missing"]
        for name in present:
            if name not in then:
                yield kind, name, [f"{kind}/{name}: was not there"]
        for name in then:
            if name in present and kind not in EXISTENCE_ONLY:
                lines = list(_compared(essence(then[name]), essence(present[name]), ""))
                if lines:
                    yield kind, name, [f"{kind}/{name}: {line}" for line in lines]


def _compared(then: Any, now: Any, place: str) -> Iterator[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted(then.keys() | now.keys()):
            yield from _compared(then.get(key), now.get(key), f"{place}.{key}" if place else key)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, pair in enumerate(zip(then, now, strict=True)):
            yield from _compared(*pair, f"{place}[{number}]")
    elif then != now:
        yield f"{place} is {_shown(now)}, was {_shown(then)}"


def _shown(value: Any) -> str:
    shown = "absent" if value is None else repr(value)
    return shown if len(shown) <= 200 else f"{shown[:200]}…"
