"""What a kept control or calibration stands on: the target's objects and images, the cluster's version, the
load, the fault. Digests leave out what differs from one start of the same target to the next: addresses,
replicas that an autoscaler chose, marks of a restart, secrets' values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from drill.cluster.access import Cluster, Json
from drill.inject.experiment import experiment_of
from drill.putback import known_state
from drill.run import facts
from drill.run.kept import Ground, digest_of
from drill.settings import Settings

UNSTABLE_KINDS = frozenset({"Pod", "Job", "Node", "NameServer"})
"""Their presence is a state of the target, not what it is made of."""
UNSTABLE_FIELDS = frozenset({"replicas", "clusterIP", "clusterIPs", "volumeName", "annotations"})
MADE_WITH_THE_CLUSTER = frozenset({"kube-root-ca.crt"})
FAULT_CODE = ("faults", "inject")


def cluster_facts(settings: Settings, cluster: Cluster) -> facts.Cluster:
    """The cluster and the target as they are now, for run.json. Raises ClusterError without an answer."""
    version = str(cluster.get("/version").get("gitVersion", ""))
    images = dict(sorted(_images(cluster.get(cluster.core("pods"))["items"])))
    return facts.Cluster(
        context=cluster.context,
        version=version,
        target_digest=target_digest(known_state.observe(cluster).objects, images),
        images=images,
    )


def ground_of(settings: Settings, cluster: facts.Cluster, faults: Sequence[str]) -> Ground:
    """What a control of these faults, or with none a calibration, stands on."""
    load = hashlib.sha256(settings.load.model_dump_json().encode()).hexdigest()
    return Ground(cluster.target_digest, cluster.version, load, _digest_of_faults(settings, faults))


def target_digest(objects: Mapping[str, Mapping[str, Json]], images: Mapping[str, str]) -> str:
    """A digest of what the target is made of. `objects`: kind -> name -> object; `images`: container ->
    image."""
    stable = {
        kind: {name: _stable(item, kind) for name, item in named.items() if name not in MADE_WITH_THE_CLUSTER}
        for kind, named in objects.items()
        if kind not in UNSTABLE_KINDS and named
    }
    encoded = msgspec.json.encode([stable, images], order="deterministic")
    return hashlib.sha256(encoded).hexdigest()


def _stable(item: Any, kind: str) -> Any:
    if isinstance(item, dict):
        if kind == "Secret" and isinstance(item.get("data"), dict):
            item = {**item, "data": sorted(item["data"])}
        return {key: _stable(value, "") for key, value in item.items() if key not in UNSTABLE_FIELDS}
    if isinstance(item, list):
        return [_stable(each, "") for each in item]
    return item


def _images(pods: Sequence[Json]) -> Iterator[tuple[str, str]]:
    """(container, image and digest) of the pods' containers; pods of one workload run the same."""
    for pod in pods:
        for status in pod.get("status", {}).get("containerStatuses") or []:
            owner = (pod["metadata"].get("ownerReferences") or [{}])[0].get("kind", "Pod")
            if owner != "Job":
                yield (
                    f"{_workload(pod)}/{status['name']}",
                    str(status.get("imageID") or status.get("image", "")),
                )


def _workload(pod: Json) -> str:
    """The name of the workload that a pod belongs to: without the digest that its replica set added."""
    name = str(pod["metadata"].get("generateName") or pod["metadata"]["name"]).rstrip("-")
    digest = str((pod["metadata"].get("labels") or {}).get("pod-template-hash", ""))
    return name.removesuffix(f"-{digest}") if digest else name


def _digest_of_faults(settings: Settings, faults: Sequence[str]) -> str:
    if not faults:
        return ""
    code = [path for folder in FAULT_CODE for path in (Path(__file__).parents[1] / folder).glob("*.py")]
    experiments = [digest_of([experiment_of(settings, fault).path]) for fault in faults]
    return hashlib.sha256(" ".join([*experiments, digest_of(code)]).encode()).hexdigest()
