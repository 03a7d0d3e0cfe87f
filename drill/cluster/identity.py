"""The operator's own identity in the cluster. Flows in: a cluster that drill made. Flows out: a kubeconfig
whose commands the API server's audit log tells from drill's own.

A ServiceAccount in a namespace of drill's own (cluster/operator.yaml), which no fault of the target touches,
and a token for it. The context has the same name as drill's own, so the runbook's commands work unchanged.
`drill up` makes it and renews it. A cluster that drill did not make has none: there the operator uses drill's
kubeconfig.
"""

from __future__ import annotations

import base64
import json
import math
import os
import time
from pathlib import Path

import yaml

from drill.cluster.access import Cluster, cluster_folder, kubeconfig_path
from drill.errors import InputError, SetupError

NAMESPACE, NAME = "drill-system", "drill-operator"
USER = f"system:serviceaccount:{NAMESPACE}:{NAME}"
"""As the audit log names it."""
MANIFEST = Path(__file__).resolve().parents[2] / "cluster" / "operator.yaml"
LIFETIME_SECONDS = 30 * 86400
RENEW_BEFORE_SECONDS = 7 * 86400
HOUR_SECONDS = 3600
JWT_PARTS = 3


def operator_kubeconfig(context: str) -> Path:
    """The kubeconfig of the operator: that of its own identity where there is one, else drill's."""
    own = _own(context)
    return own if own.exists() else kubeconfig_path(context)


def has_own_identity(context: str) -> bool:
    """True where what the operator changes is told from what others change."""
    return _own(context).exists()


def ensure_identity(cluster: Cluster) -> None:
    """Have the identity, with a token that lasts for a week at least."""
    if _expires(_own(cluster.context)) < time.time() + RENEW_BEFORE_SECONDS or not _accepted(cluster):
        cluster.kubectl("apply", "-f", str(MANIFEST))
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{NAME}/token"
        request = {"spec": {"expirationSeconds": LIFETIME_SECONDS}}
        answer = json.loads(cluster.request("POST", path, request))
        _write(cluster, answer["status"]["token"])


def _own(context: str) -> Path:
    return cluster_folder(context) / "operator-kubeconfig"


def _accepted(cluster: Cluster) -> bool:
    """Whether this very cluster knows the token: one of a cluster of the same name before it does not."""
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": _token(_own(cluster.context))},
    }
    status = json.loads(cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review))[
        "status"
    ]
    return bool(status.get("authenticated"))


def _write(cluster: Cluster, token: str) -> None:
    drill = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
    context = next(each for each in drill["contexts"] if each["name"] == cluster.context)
    server = next(each for each in drill["clusters"] if each["name"] == context["context"]["cluster"])
    own = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster.context,
        "clusters": [server],
        "users": [{"name": NAME, "user": {"token": token}}],
        "contexts": [{"name": cluster.context, "context": {"cluster": server["name"], "user": NAME}}],
    }
    path = _own(cluster.context)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        yaml.safe_dump(own, file)
    new.replace(path)


def _token(path: Path) -> str:
    """The token in a kubeconfig, empty where its user has none."""
    try:
        users = yaml.safe_load(path.read_text(encoding="utf-8")).get("users") or [{}]
        return str((users[0].get("user") or {}).get("token") or "")
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise InputError(path, None, type(error).__name__, "a kubeconfig") from error


def _expires(path: Path) -> float:
    """When the token ends, wall seconds; 0 where there is no file, infinity for a token that does not say."""
    if not path.exists():
        return 0.0
    parts = _token(path).split(".")
    if len(parts) != JWT_PARTS:
        return math.inf
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims.get("exp", math.inf))
    except (ValueError, AttributeError, TypeError):
        return math.inf


def check_token(kubeconfig: Path) -> None:
    """Raise SetupError where the kubeconfig's token ends within the hour: a drill might end without it."""
    if _expires(kubeconfig) < time.time() + HOUR_SECONDS:
        raise SetupError(f"{kubeconfig}: the operator's token ends within the hour; `drill up` renews it")
