"""The known state of a target: what it was when it was well, and how to get there again. Flows in: the
objects of the namespace. Flows out: .drill/known-state.json, the differences of now from then, and a repair.

A restart by `kubectl rollout restart` is no difference; a number of replicas other than the recorded one is,
also where an autoscaler chose it: a drill starts from the same place each time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from drill import wait
from drill.cluster.access import AbsentError, Cluster, ClusterError, Json
from drill.cluster.health import Health, rollout, statuses_of, target_health
from drill.durable import write_durably
from drill.errors import DeadlineError, InputError, SetupError
from drill.settings import Settings

KINDS = {
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets",
    "CronJob": "/apis/batch/v1/namespaces/{namespace}/cronjobs",
}
RESTARTED = "kubectl.kubernetes.io/restartedAt"
SERVER_ANNOTATIONS = ("deployment.kubernetes.io/revision",)
MADE_BY_CONTROLLERS = "ownerReferences"


class KnownState(msgspec.Struct, frozen=True):
    """Objects of the namespace as they were when the target was well: kind -> name -> object without what the
    server fills in.

    `namespace_uid` tells a cluster that was made anew from the one that was looked at.
    """

    context: str
    namespace: str
    namespace_uid: str
    objects: dict[str, dict[str, Json]]


def file_of(settings: Settings) -> Path:
    """Where the known state of this target is kept."""
    return settings.root / ".drill" / "known-state.json"


def observe(cluster: Cluster) -> KnownState:
    """The objects as they are now."""
    objects = {}
    for kind, path in KINDS.items():
        listed = cluster.get(path.format(namespace=cluster.namespace))
        own = [item for item in listed["items"] if MADE_BY_CONTROLLERS not in item["metadata"]]
        objects[kind] = {
            item["metadata"]["name"]: _stripped(item, listed["apiVersion"], kind) for item in own
        }
    uid = cluster.get(f"/api/v1/namespaces/{cluster.namespace}")["metadata"]["uid"]
    return KnownState(cluster.context, cluster.namespace, uid, objects)


def take(cluster: Cluster, settings: Settings) -> KnownState:
    """Look at the target and keep what is seen as its known state. Raises SetupError when the target is not
    well at this moment.

    The caller makes sure that no fault is open.
    """
    seen = target_health(cluster, settings)
    if not seen.healthy:
        raise SetupError(
            f"{settings.target.name} is not healthy, so its state is not one to return to: {seen.observed}"
        )
    state = observe(cluster)
    path = file_of(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, msgspec.json.format(msgspec.json.encode(state)))
    return state


def recorded(cluster: Cluster, settings: Settings) -> KnownState | None:
    """What was kept, or None when nothing was kept of this very cluster and namespace. Raises InputError when
    the file is damaged.
    """
    path = file_of(settings)
    try:
        state = msgspec.json.decode(path.read_bytes(), type=KnownState)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise InputError(
            path,
            None,
            "its content",
            f"a known state as JSON ({error}); delete the file while the target is well",
        ) from error
    uid = cluster.get(f"/api/v1/namespaces/{cluster.namespace}")["metadata"]["uid"]
    return (
        state
        if (state.context, state.namespace, state.namespace_uid) == (cluster.context, cluster.namespace, uid)
        else None
    )


def differences(known: KnownState, now: KnownState) -> list[str]:
    """What is not as it was, one line each, such as "Deployment/web: spec.replicas is 5, was 3"."""
    found = []
    for kind, then in known.objects.items():
        present = now.objects.get(kind, {})
        found += [f"{kind}/{name}: is missing" for name in then if name not in present]
        found += [f"{kind}/{name}: was not there" for name in present if name not in then]
        for name in then:
            if name in present:
                found += [
                    f"{kind}/{name}: {line}"
                    for line in _compared(_essence(then[name]), _essence(present[name]))
                ]
    return found


def repair(cluster: Cluster, settings: Settings, known: KnownState, *, seconds: float = 180) -> list[str]:
    """Make the target as it was, wait until it is so and well, and return the differences that there were.

    Raises SetupError naming what is still different when `seconds` have passed.
    """
    before = differences(known, observe(cluster))

    def look() -> Health:
        try:
            now = observe(cluster)
            left = differences(known, now)
            if left:
                _put_back(cluster, known, now)
                return Health(False, "; ".join(left))
            for name in known.objects["Deployment"]:
                seen = rollout(cluster, name)
                if not seen.healthy:
                    replace_backed_off(cluster, name)
                    return seen
            return target_health(cluster, settings)
        except ClusterError as error:
            return Health(False, str(error))

    try:
        wait.until(
            f"the known state of {settings.target.name}",
            look,
            lambda seen: seen.healthy,
            seconds=seconds,
            every_seconds=0.5,
        )
    except DeadlineError as error:
        raise SetupError(f"{error}. Build it anew: drill down, then drill up") from error
    return before


def replace_backed_off(cluster: Cluster, deployment: str) -> list[str]:
    """Delete the deployment's pods that wait in the kubelet's back-off, which can last minutes; their names.
    New ones start at once.
    """
    names = []
    for pod in cluster.pods(deployment):
        if any(
            status.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
            for status in statuses_of(pod)
        ):
            names.append(pod["metadata"]["name"])
            cluster.delete(cluster.core("pods", names[-1]))
    return names


def _put_back(cluster: Cluster, known: KnownState, now: KnownState) -> None:
    for kind, then in known.objects.items():
        path = KINDS[kind].format(namespace=cluster.namespace)
        present = now.objects.get(kind, {})
        for name in present.keys() - then.keys():
            cluster.delete(f"{path}/{name}")
        for name, wanted in then.items():
            if name not in present:
                cluster.request("POST", path, wanted)
            elif _essence(wanted) != _essence(present[name]):
                _replace(cluster, f"{path}/{name}", wanted)


def _replace(cluster: Cluster, path: str, wanted: Json) -> None:
    try:
        live = cluster.get(path)
    except AbsentError:
        return
    body: Json = msgspec.json.decode(msgspec.json.encode(wanted))
    restarted = (live["spec"].get("template", {}).get("metadata", {}).get("annotations") or {}).get(RESTARTED)
    if restarted is not None and "template" in body["spec"]:
        # kept, since taking it away would restart every pod once more
        body["spec"]["template"].setdefault("metadata", {}).setdefault("annotations", {})[RESTARTED] = (
            restarted
        )
    cluster.request("PUT", path, body)


def _stripped(item: Json, list_version: str, kind: str) -> Json:
    metadata = item["metadata"]
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key not in SERVER_ANNOTATIONS
    }
    kept = {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "labels": metadata.get("labels") or {},
        "annotations": annotations,
    }
    return {"apiVersion": list_version, "kind": kind, "metadata": kept, "spec": item["spec"]}


def _essence(item: Json) -> Json:
    """What is compared of an object: its labels and spec, without the mark of a restart."""
    spec: Json = msgspec.json.decode(msgspec.json.encode(item["spec"]))
    template = spec.get("template")
    if isinstance(template, dict) and isinstance(template.get("metadata"), dict):
        annotations = template["metadata"].get("annotations") or {}
        annotations.pop(RESTARTED, None)
        template["metadata"]["annotations"] = annotations
    return {"labels": item["metadata"]["labels"], "spec": spec}


def _compared(then: Any, now: Any, place: str = "") -> list[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        lines = []
        for key in sorted(then.keys() | now.keys()):
            lines += _compared(then.get(key), now.get(key), f"{place}.{key}" if place else key)
        return lines
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [
            line
            for number, pair in enumerate(zip(then, now, strict=True))
            for line in _compared(*pair, f"{place}[{number}]")
        ]
    return [] if then == now else [f"{place} is {_shown(now)}, was {_shown(then)}"]


def _shown(value: Any) -> str:
    return "absent" if value is None else repr(value)
