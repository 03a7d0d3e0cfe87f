"""Kubernetes objects as they can be kept and put back: without what the server fills in."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from drill.cluster.access import AbsentError, Cluster, Json

CORE = "/api/v1/namespaces/{namespace}"
PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{namespace}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{namespace}/daemonsets",
    "CronJob": "/apis/batch/v1/namespaces/{namespace}/cronjobs",
    "Job": "/apis/batch/v1/namespaces/{namespace}/jobs",
    "Pod": f"{CORE}/pods",
    "Service": f"{CORE}/services",
    "ConfigMap": f"{CORE}/configmaps",
    "Secret": f"{CORE}/secrets",
    "ServiceAccount": f"{CORE}/serviceaccounts",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
    "PersistentVolumeClaim": f"{CORE}/persistentvolumeclaims",
    "ResourceQuota": f"{CORE}/resourcequotas",
    "LimitRange": f"{CORE}/limitranges",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets",
    "Node": "/api/v1/nodes",
    "MutatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "ValidatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
}
"""The path of the objects of each kind that can be looked at and put back."""
RESTARTED = "kubectl.kubernetes.io/restartedAt"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SERVER_ANNOTATIONS = (
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
)
SERVER_FIELDS = ("metadata", "status", "apiVersion", "kind")
SECRET_FIELDS = ("data", "stringData")
ADDRESSES = ("clusterIP", "clusterIPs")
HEADLESS = "None"


def path_of(kind: str, namespace: str, name: str = "") -> str:
    """The path of the objects of a kind, or of one of them."""
    return PATHS[kind].format(namespace=namespace) + (f"/{name}" if name else "")


def stripped(item: Json, api_version: str, kind: str) -> Json:
    """An object of the API server without what the server fills in: it can be sent to make it anew."""
    metadata = item["metadata"]
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if not key.startswith(SERVER_ANNOTATIONS)
    }
    kept = {"name": metadata["name"], "labels": metadata.get("labels") or {}, "annotations": annotations}
    if metadata.get("namespace"):
        kept["namespace"] = metadata["namespace"]
    body = {key: value for key, value in item.items() if key not in SERVER_FIELDS}
    if kind == "PersistentVolumeClaim":
        body["spec"] = {key: value for key, value in body["spec"].items() if key != "volumeName"}
    return {"apiVersion": api_version, "kind": kind, "metadata": kept, **body}


def essence(item: Json) -> Json:
    """What is compared of a stripped object: its labels and content, without the mark of a restart and the
    addresses of a Service, which one that was made anew has others of, and with digests in the place of what
    a Secret holds. Of a claim also what it was applied from: a field in there that the target's manifest has
    not cannot be taken away again, so the next `kubectl apply` would be refused."""
    body: Json = copy_of({key: value for key, value in item.items() if key not in SERVER_FIELDS})
    spec = body.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    if isinstance(template, dict) and isinstance(template.get("metadata"), dict):
        annotations = template["metadata"].get("annotations") or {}
        annotations.pop(RESTARTED, None)
        template["metadata"]["annotations"] = annotations
    if _has_address(item):
        body["spec"] = {key: value for key, value in body["spec"].items() if key not in ADDRESSES}
    if item.get("kind") == "Secret":
        for field in SECRET_FIELDS:
            if field in body:
                body[field] = {key: digest(value) for key, value in (body[field] or {}).items()}
    if item.get("kind") == "PersistentVolumeClaim":
        body["applied from"] = (item["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    return {"labels": item["metadata"]["labels"], **body}


def replace(cluster: Cluster, path: str, wanted: Json) -> None:
    """Put a stripped object in the place of the live one; nothing where there is none."""
    try:
        live = cluster.get(path)
    except AbsentError:
        return
    body = copy_of(wanted)
    body["metadata"]["annotations"] = {
        **{
            key: value
            for key, value in (live["metadata"].get("annotations") or {}).items()
            if key.startswith(SERVER_ANNOTATIONS)
        },
        **(body["metadata"].get("annotations") or {}),
    }
    template = (live.get("spec") or {}).get("template") or {}
    restarted = (template.get("metadata", {}).get("annotations") or {}).get(RESTARTED)
    if restarted is not None and "template" in body.get("spec", {}):
        # kept, since taking it away would restart every pod once more
        body["spec"]["template"].setdefault("metadata", {}).setdefault("annotations", {})[RESTARTED] = (
            restarted
        )
    if wanted["kind"] == "PersistentVolumeClaim" and "volumeName" in live["spec"]:
        body["spec"]["volumeName"] = live["spec"]["volumeName"]
    if _has_address(wanted) and live["spec"].get("clusterIP") not in (None, "", HEADLESS):
        body["spec"].update({key: live["spec"][key] for key in ADDRESSES if key in live["spec"]})
    cluster.request("PUT", path, body)


def _has_address(item: Json) -> bool:
    """Whether an object is a Service at an address that the server gave it; those without one differ in
    what they are."""
    return item.get("kind") == "Service" and item.get("spec", {}).get("clusterIP") not in (None, "", HEADLESS)


def digest(value: Any) -> str:
    """A word that tells whether a secret value is the same, and nothing else of it."""
    return f"sha256:{hashlib.sha256(str(value).encode()).hexdigest()[:16]}"


def copy_of(value: Json) -> Json:
    """A copy of JSON that shares nothing with it."""
    copied: Json = msgspec.json.decode(msgspec.json.encode(value))
    return copied
