"""What the manifests say exists. Flows in: a folder of Kubernetes manifests, rendered by kustomize where it
is one of kustomize's. Flows out: objects by kind and name, and what rules ask of them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from drill.errors import InputError, ToolMissingError, UsageError

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
RENDER_SECONDS = 60.0
CLUSTER_WIDE = frozenset(
    {
        "Namespace",
        "Node",
        "PersistentVolume",
        "StorageClass",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "PriorityClass",
        "IngressClass",
    }
)
"""Kinds whose objects lie in no namespace."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Container:
    """A container of a workload. `ports`: by number and by name; `durable`: the folders that outlive a
    restart."""

    name: str
    image: str
    ports: frozenset[str]
    durable: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Manifests:
    """The objects of a folder, as mappings. Names are looked up without the namespace: a runbook leaves it
    out."""

    folder: Path
    objects: tuple[Mapping[str, Any], ...]

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        names: dict[str, set[str]] = {}
        for entry in self.objects:
            names.setdefault(kind_of(entry), set()).add(name_of(entry))
        return names

    def names(self, kind: str) -> set[str]:
        """The names of all objects of a kind."""
        return self._names.get(kind, set())

    def find(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """The object of that kind and name."""
        return next(
            (entry for entry in self.objects if kind_of(entry) == kind and name_of(entry) == name), None
        )

    @cached_property
    def namespaces(self) -> set[str]:
        """The namespaces that are made or used."""
        used = {str(_mapping(entry, "metadata").get("namespace")) for entry in self.objects}
        return (used - {"None"}) | self.names("Namespace")

    @cached_property
    def spaces(self) -> dict[tuple[str, str], frozenset[str]]:
        """The namespaces of each object that lies in one, by kind and name; "" where none is written."""
        found: dict[tuple[str, str], frozenset[str]] = {}
        for entry in self.objects:
            if kind_of(entry) not in CLUSTER_WIDE:
                key = (kind_of(entry), name_of(entry))
                space = str(_mapping(entry, "metadata").get("namespace") or "")
                found[key] = found.get(key, frozenset()) | {space}
        return found

    @cached_property
    def paths(self) -> set[str]:
        """Where something is mounted."""
        return {
            str(mount.get("mountPath")).rstrip("/")
            for entry in self.objects
            for container in _listed(pod_spec(entry), "containers")
            for mount in _listed(container, "volumeMounts")
        }

    def containers(self, kind: str, name: str) -> list[Container]:
        """The containers of a workload, those that run before the others last."""
        entry = self.find(kind, name)
        return list(_containers(pod_spec(entry))) if entry is not None else []

    def replicas(self, kind: str, name: str) -> int | None:
        """How many pods the workload has; the autoscaler's least number where one scales it."""
        entry = self.find(kind, name)
        if entry is None:
            return None
        least = [
            count_of(spec, "minReplicas")
            for spec in (_mapping(scaler, "spec") for scaler in self.scalers_of(kind, name))
        ]
        return max([count_of(_mapping(entry, "spec"), "replicas"), *least])

    def scalers_of(self, kind: str, name: str) -> list[Mapping[str, Any]]:
        """The autoscalers whose target is this workload."""
        return [
            entry
            for entry in self.objects
            if kind_of(entry) == "HorizontalPodAutoscaler"
            and _mapping(_mapping(entry, "spec"), "scaleTargetRef").get("kind") == kind
            and _mapping(_mapping(entry, "spec"), "scaleTargetRef").get("name") == name
        ]

    @cached_property
    def pod_labels(self) -> list[dict[str, str]]:
        """The labels of every pod that some object makes."""
        found = []
        for entry in self.objects:
            labels = _mapping(pod_metadata(entry), "labels")
            if labels:
                found.append({str(key): str(value) for key, value in labels.items()})
        return found

    @cached_property
    def object_labels(self) -> list[dict[str, str]]:
        """The labels of every object itself."""
        return [
            {str(key): str(value) for key, value in _mapping(_mapping(entry, "metadata"), "labels").items()}
            for entry in self.objects
        ]

    @cached_property
    def images(self) -> set[str]:
        """Every image that a pod of these manifests runs."""
        return {container.image for entry in self.objects for container in _containers(pod_spec(entry))}

    @cached_property
    def configuration_text(self) -> str:
        """The text of all ConfigMaps, in which a setting of a file is looked up."""
        return "\n".join(
            value
            for entry in self.objects
            if kind_of(entry) == "ConfigMap"
            for value in _mapping(entry, "data").values()
            if isinstance(value, str)
        )

    def pods_behind(self, service: str) -> list[tuple[str, str]]:
        """Kind and name of the workloads that a Service leads to."""
        entry = self.find("Service", service)
        selector = _mapping(_mapping(entry or {}, "spec"), "selector")
        return [
            (kind_of(other), name_of(other))
            for other in self.objects
            if selector and selector.items() <= _mapping(pod_metadata(other), "labels").items()
        ]


def load_manifests(folder: Path) -> Manifests:
    """Read a folder: rendered by `kubectl kustomize` where it is a kustomization, else every YAML file in it.

    Raises UsageError when it is no folder, InputError for what is not YAML or not rendered, ToolMissingError
    when kubectl is needed and missing.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder. --manifests takes a folder of Kubernetes manifests")
    if any((folder / name).is_file() for name in KUSTOMIZATIONS):
        return Manifests(folder, tuple(objects_in(folder, _rendered(folder))))
    files = sorted(
        path for path in folder.rglob("*") if path.suffix in {".yaml", ".yml"} and not path.is_dir()
    )
    if not files:
        raise UsageError(f"{folder}: no manifests in it. --manifests takes a folder with YAML files")
    objects: list[Mapping[str, Any]] = []
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        # a chart's templates are no YAML before helm has rendered them
        if "{{" not in text:
            objects.extend(objects_in(file, text))
    return Manifests(folder, tuple(objects))


def _rendered(folder: Path) -> str:
    try:
        done = subprocess.run(
            ["kubectl", "kustomize", str(folder)],
            capture_output=True,
            text=True,
            timeout=RENDER_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolMissingError(
            f"kubectl is not on this machine: {folder} is a kustomization, which kubectl renders"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise InputError(
            folder,
            None,
            f"kubectl kustomize for {RENDER_SECONDS:.0f} s",
            "a kustomization that can be rendered",
        ) from error
    if done.returncode != 0:
        raise InputError(
            folder, None, done.stderr.strip(), "a kustomization that `kubectl kustomize` renders"
        )
    return done.stdout


def objects_in(source: Path, text: str) -> Iterator[Mapping[str, Any]]:
    """The Kubernetes objects of a YAML text, lists taken apart. Raises InputError for what is not YAML."""
    try:
        documents = list(yaml.load_all(text, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        shown = (text.splitlines()[line - 1 : line] or [""])[0].strip()
        raise InputError(source, line, shown, f"YAML ({error.problem})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(source, None, str(error), "YAML") from error
    yield from _objects(documents)


def _objects(documents: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for document in documents:
        if not isinstance(document, Mapping):
            continue
        if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
            yield from _objects(document["items"])
        elif document.get("kind") and document.get("apiVersion"):
            yield document


def kind_of(entry: Mapping[str, Any]) -> str:
    """An object's kind."""
    return str(entry.get("kind", ""))


def name_of(entry: Mapping[str, Any]) -> str:
    """An object's name; empty where it has none."""
    return str(_mapping(entry, "metadata").get("name", ""))


def _mapping(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, Mapping) else {}


def count_of(spec: Mapping[str, Any], key: str) -> int:
    """A number of pods; 1 where none is written, and where a placeholder stands in its place."""
    value = spec.get(key)
    return value if isinstance(value, int) and value > 0 else 1


def _template(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = _mapping(entry, "spec")
    if kind_of(entry) == "CronJob":
        spec = _mapping(_mapping(spec, "jobTemplate"), "spec")
    return entry if kind_of(entry) == "Pod" else _mapping(spec, "template")


def pod_spec(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pod's specification inside a workload, empty for anything else."""
    return _mapping(_template(entry), "spec")


def pod_metadata(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata that a workload's pods get, empty for anything else."""
    return _mapping(_template(entry), "metadata")


def claims_of(entry: Mapping[str, Any]) -> list[str]:
    """The names of the claims without which an object's pods do not start."""
    claims = [_mapping(volume, "persistentVolumeClaim") for volume in _listed(pod_spec(entry), "volumes")]
    return [str(claim["claimName"]) for claim in claims if claim.get("claimName")]


def mounts_of(entry: Mapping[str, Any]) -> tuple[set[str], list[str]]:
    """The names of an object's volumes, and those that its containers mount."""
    spec = pod_spec(entry)
    claimed = [name_of(template) for template in _listed(_mapping(entry, "spec"), "volumeClaimTemplates")]
    volumes = {str(volume.get("name")) for volume in _listed(spec, "volumes")} | set(claimed)
    containers = [*_listed(spec, "containers"), *_listed(spec, "initContainers")]
    return volumes, [str(mount.get("name")) for each in containers for mount in _listed(each, "volumeMounts")]


def _listed(entry: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = entry.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _containers(spec: Mapping[str, Any]) -> Iterator[Container]:
    durable = {
        str(volume.get("name"))
        for volume in _listed(spec, "volumes")
        if {"persistentVolumeClaim", "hostPath", "nfs", "csi"} & set(volume)
    }
    for entry in [*_listed(spec, "containers"), *_listed(spec, "initContainers")]:
        ports = _listed(entry, "ports")
        yield Container(
            str(entry.get("name", "")),
            str(entry.get("image", "")),
            frozenset(
                str(port[key])
                for port in ports
                for key in ("containerPort", "name")
                if port.get(key) is not None
            ),
            tuple(
                str(mount.get("mountPath"))
                for mount in _listed(entry, "volumeMounts")
                if str(mount.get("name")) in durable
            ),
        )


def service_ports(entry: Mapping[str, Any]) -> set[str]:
    """A Service's ports, by number and by name."""
    return {
        str(port[key])
        for port in _listed(_mapping(entry, "spec"), "ports")
        for key in ("port", "name")
        if port.get(key) is not None
    }
