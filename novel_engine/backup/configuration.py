"""The namespace's objects. Flows in: the API server, through the pod's service account. Flows out: one YAML
file that `kubectl apply -f` takes where nothing is left.

What the cluster adds to an object is taken away, and what other objects or controllers make is left out.
"""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from novel_engine.backup.store import BackupError, Contents

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ASK_SECONDS = 30
Object = dict[str, Any]

# In the order in which they are applied.
KINDS = (
    ("v1", "ServiceAccount", "serviceaccounts"),
    ("rbac.authorization.k8s.io/v1", "Role", "roles"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
    ("v1", "ResourceQuota", "resourcequotas"),
    ("v1", "LimitRange", "limitranges"),
    ("v1", "ConfigMap", "configmaps"),
    ("v1", "Secret", "secrets"),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("v1", "Service", "services"),
    ("apps/v1", "Deployment", "deployments"),
    ("batch/v1", "CronJob", "cronjobs"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    ("networking.k8s.io/v1", "Ingress", "ingresses"),
)
REQUIRED = ("Namespace", "ConfigMap", "PersistentVolumeClaim", "Service", "Deployment", "NetworkPolicy")
OTHERS = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
ADDED_METADATA = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
ADDED_ANNOTATIONS = (
    "autoscaling.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "kubectl.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "volume.kubernetes.io/",
)
ADDED_SPEC = {
    "Namespace": ("finalizers",),
    "PersistentVolumeClaim": ("volumeName",),
    "Service": ("clusterIP", "clusterIPs"),
}


@dataclass(frozen=True)
class ApiServer:
    """The API server as a service account reaches it; `authority` is the file of those who vouch for it."""

    address: str
    namespace: str
    token: str
    authority: Path

    def get(self, path: str) -> Object:
        """BackupError where it does not answer with an object, a refusal included."""
        request = urllib.request.Request(
            f"{self.address}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        try:
            context = ssl.create_default_context(cafile=str(self.authority))
            with urllib.request.urlopen(request, timeout=ASK_SECONDS, context=context) as answer:
                return dict(json.load(answer))
        except (OSError, ValueError) as error:
            raise BackupError(f"{path} cannot be read: {type(error).__name__}: {error}") from error


def api_server_of_pod(environment: Mapping[str, str] = os.environ, account: Path = ACCOUNT) -> ApiServer:
    """What Kubernetes tells every pod with a service account. BackupError outside of one."""
    try:
        return ApiServer(
            "https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}".format_map(environment),
            (account / "namespace").read_text(),
            (account / "token").read_text(),
            account / "ca.crt",
        )
    except (KeyError, OSError) as error:
        raise BackupError(f"expected to run in a pod with a service account: {error}") from error


def write(server: ApiServer, partial: Path) -> Contents:
    """Save the namespace and all of its objects; their names by kind."""
    namespace = server.get(f"/api/v1/namespaces/{server.namespace}")
    found = [cleaned(namespace | {"apiVersion": "v1", "kind": "Namespace"})]
    for version, kind, plural in KINDS:
        start = "/api" if version == "v1" else "/apis"
        listed = server.get(f"{start}/{version}/namespaces/{server.namespace}/{plural}")["items"]
        objects = [each | {"apiVersion": version, "kind": kind} for each in listed]
        found += [cleaned(each) for each in objects if not made_by_others(each)]
    with partial.open("w") as file:
        os.fchmod(file.fileno(), 0o600)  # Secrets are in it
        yaml.safe_dump_all(found, file, sort_keys=False)
    return _names(found)


def made_by_others(each: Object) -> bool:
    return (
        bool(each["metadata"].get("ownerReferences"))
        or (each["kind"], each["metadata"]["name"]) in OTHERS
        or each.get("type") == "kubernetes.io/service-account-token"
    )


def cleaned(each: Object) -> Object:
    """The object without what the cluster has added to it, so that another cluster takes it."""
    metadata = {key: value for key, value in each["metadata"].items() if key not in ADDED_METADATA}
    annotations = metadata.pop("annotations", {})
    if kept := {key: value for key, value in annotations.items() if not key.startswith(ADDED_ANNOTATIONS)}:
        metadata["annotations"] = kept
    if each["kind"] == "Namespace" or each["kind"] == "PersistentVolumeClaim":
        metadata.pop("finalizers", None)
    whole = {"apiVersion": each["apiVersion"], "kind": each["kind"], "metadata": metadata}
    whole |= {key: value for key, value in each.items() if key not in (*whole, "status")}
    if left_out := ADDED_SPEC.get(each["kind"]):
        # A headless Service is one on purpose.
        headless = each.get("spec", {}).get("clusterIP") == "None"
        spec = {key: value for key, value in each["spec"].items() if headless or key not in left_out}
        whole["spec"] = spec
        if not spec:
            del whole["spec"]
    return whole


def inspect(path: Path) -> Contents:
    """The names of the objects by kind; those that no recovery can do without must be there."""
    try:
        with path.open() as file:
            objects = list(yaml.safe_load_all(file))
        contents = _names(objects)
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise BackupError(f"not a file of Kubernetes objects: {error!r}"[:300]) from error
    lacking = [kind for kind in REQUIRED if kind not in contents["objects"]]
    if lacking:
        raise BackupError(
            f"expected at least one of each of {', '.join(REQUIRED)}; lacking: {', '.join(lacking)}"
        )
    return contents


def _names(objects: list[Object]) -> Contents:
    names: dict[str, list[str]] = {}
    for each in objects:
        names.setdefault(each["kind"], []).append(each["metadata"]["name"])
    return {"objects": {kind: sorted(listed) for kind, listed in sorted(names.items())}}
