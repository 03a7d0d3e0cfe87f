"""The target's namespace deleted, with all of its objects; its claims lose their volumes.

What lay on the volumes is kept on the nodes: they are not given back while the fault is in, and claims that
the undo makes anew get them again. Where somebody has made the namespace anew meanwhile, it is theirs: the
undo leaves it, and gives the old volumes back.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from drill import wait
from drill.cluster.access import AbsentError, Cluster, ConflictError, Json
from drill.cluster.objects import PATHS, path_of, stripped
from drill.errors import FaultError
from drill.faults.fault import Fault, Injected, Sight, Site, kind
from drill.recording import now

OTHERS = ("Node", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
FOLLOWING = ("Pod", "Job")
"""What is outside a namespace, and what others make again."""
LAST = ("ResourceQuota", "LimitRange")
MARK = "drill/being-put-back"
CLAIM = "PersistentVolumeClaim"
VOLUMES = "/api/v1/persistentvolumes"
GONE_SECONDS = 120
BOUND_SECONDS = 30


class KeptVolume(msgspec.Struct, frozen=True):
    """A volume by name, the claim that has it, and what becomes of it without one."""

    name: str
    claim: str
    policy: str


@kind("namespace")
class Namespace(Fault, frozen=True):
    """`uid`: of the namespace as it was; `objects`: all of it, without what the server fills in, in the order
    in which they are made anew; `mark`: on a namespace that the undo has begun to make anew."""

    uid: str
    labels: dict[str, str]
    objects: list[dict[str, Any]]
    volumes: list[KeptVolume]
    mark: str

    @classmethod
    def prepare(cls, site: Site, parameters: Any) -> Namespace:
        cluster = site.cluster
        live = cluster.get(_path(cluster))
        objects = [item for kind_ in _kinds() for item in _listed(cluster, kind_)]
        return cls(
            live["metadata"]["uid"],
            live["metadata"].get("labels") or {},
            objects,
            [_volume(cluster, each) for each in _bound(cluster)],
            secrets.token_hex(8),
        )

    def shown(self) -> dict[str, Any]:
        """Objects by kind and name: what they hold may be secret."""
        names = [f"{item['kind']}/{item['metadata']['name']}" for item in self.objects]
        return {**super().shown(), "objects": names}

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        for volume in self.volumes:
            _set_policy(cluster, volume.name, "Retain")
        cluster.delete(_path(cluster))
        return Injected(before, {"objects": len(self.objects), "volumes": len(self.volumes)})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        live = _live(cluster)
        if live is None:
            return Sight(True, f"the namespace {cluster.namespace} is gone")
        phase = live.get("status", {}).get("phase", "there")
        return Sight(False, f"the namespace {cluster.namespace} is {phase}")

    def undo(self, cluster: Cluster) -> str:
        live = _live(cluster)
        if live is not None and "deletionTimestamp" in live["metadata"]:
            wait.until(
                f"the namespace {cluster.namespace} to be gone",
                lambda: _live(cluster),
                lambda seen: seen is None,
                seconds=GONE_SECONDS,
            )
            live = None
        if live is not None and live["metadata"]["uid"] == self.uid:
            self._set_policies_back(cluster)
            return "the namespace is there: nothing was left to undo"
        if live is not None and (live["metadata"].get("annotations") or {}).get(MARK) != self.mark:
            self._set_policies_back(cluster)
            return "the namespace was made anew by somebody: it is left as it is"
        self._make_anew(cluster, begun=live is not None)
        return f"made the namespace anew, with {len(self.objects)} objects and {len(self.volumes)} volumes"

    def _make_anew(self, cluster: Cluster, *, begun: bool) -> None:
        if not begun:
            metadata = {"name": cluster.namespace, "labels": self.labels, "annotations": {MARK: self.mark}}
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
            cluster.request("POST", "/api/v1/namespaces", namespace)
        volumes = {volume.claim: volume for volume in self.volumes}
        for volume in self.volumes:
            _release(cluster, volume)
        for item in self.objects:
            body = _with_volume(item, volumes)
            try:
                cluster.request("POST", path_of(body["kind"], cluster.namespace), body)
            except ConflictError:
                continue  # made before this was killed, or by the cluster itself
        wait.until(
            "the claims to have their volumes again",
            lambda: [each["metadata"]["name"] for each in _bound(cluster)],
            lambda bound: set(volumes) <= set(bound),
            seconds=BOUND_SECONDS,
        )
        self._set_policies_back(cluster)
        cluster.patch(_path(cluster), {"metadata": {"annotations": {MARK: None}}})

    def _set_policies_back(self, cluster: Cluster) -> None:
        for volume in self.volumes:
            try:
                _set_policy(cluster, volume.name, volume.policy)
            except AbsentError:
                continue  # given back, since its namespace is somebody else's


def _with_volume(item: Json, volumes: dict[str, KeptVolume]) -> Json:
    """A claim with the volume that it had; any other object as it is."""
    volume = volumes.get(item["metadata"]["name"]) if item["kind"] == CLAIM else None
    return item if volume is None else {**item, "spec": {**item["spec"], "volumeName": volume.name}}


def _kinds() -> list[str]:
    wanted = [kind_ for kind_ in PATHS if kind_ not in (*OTHERS, *FOLLOWING, *LAST)]
    # whatever starts pods comes after what they need
    starting = [kind_ for kind_ in wanted if PATHS[kind_].startswith(("/apis/apps/", "/apis/batch/"))]
    return [*(kind_ for kind_ in wanted if kind_ not in starting), *starting, *LAST]


def _listed(cluster: Cluster, kind_: str) -> list[Json]:
    found = cluster.get(path_of(kind_, cluster.namespace))
    return [
        stripped(item, found["apiVersion"], kind_)
        for item in found["items"]
        if "ownerReferences" not in item["metadata"]
    ]


def _live(cluster: Cluster) -> Json | None:
    try:
        return cluster.get(_path(cluster))
    except AbsentError:
        return None


def _bound(cluster: Cluster) -> list[Json]:
    """The claims that have a volume."""
    claims = cluster.get(path_of(CLAIM, cluster.namespace))["items"]
    return [each for each in claims if each.get("status", {}).get("phase") == "Bound"]


def _volume(cluster: Cluster, claim: Json) -> KeptVolume:
    name = claim["spec"]["volumeName"]
    policy = cluster.get(f"{VOLUMES}/{name}")["spec"]["persistentVolumeReclaimPolicy"]
    return KeptVolume(name, claim["metadata"]["name"], policy)


def _set_policy(cluster: Cluster, volume: str, policy: str) -> None:
    cluster.patch(f"{VOLUMES}/{volume}", {"spec": {"persistentVolumeReclaimPolicy": policy}})


def _release(cluster: Cluster, volume: KeptVolume) -> None:
    """Let a claim of the same name take the volume, whatever its uid. Raises FaultError where it is gone."""
    try:
        live = cluster.get(f"{VOLUMES}/{volume.name}")
    except AbsentError as error:
        raise FaultError(
            f"the volume {volume.name} of {volume.claim} is gone, and what lay on it: restore a backup"
        ) from error
    if live.get("status", {}).get("phase") == "Released":
        reference = {"uid": None, "resourceVersion": None}
        cluster.patch(f"{VOLUMES}/{volume.name}", {"spec": {"claimRef": reference}})


def _path(cluster: Cluster) -> str:
    return f"/api/v1/namespaces/{cluster.namespace}"
