"""The one way to a cluster. Flows in: settings and the context that the command line allowed. Flows out: a
Cluster bound to that context for good, through which every request, command and program of drill reaches the
cluster; never the current context.

Reads and changes are plain JSON over the API server's own paths; kubectl serves what only it can do (exec,
apply). The Kubernetes client takes long to import: it is where a cluster is reached, and not before.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3

from drill.errors import ForeignClusterError, SetupError, ToolMissingError, UsageError
from drill.programs import cache_folder, installed, program
from drill.settings import Settings

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Json = dict[str, Any]

THROW_AWAY = re.compile(r"kind-.+")
FORBIDDEN, NOT_FOUND, CONFLICT = 403, 404, 409


class ClusterError(SetupError):
    """The cluster refused or failed a request or a command. Says which, and what it answered."""


class AbsentError(ClusterError):
    """What was asked for does not exist in the cluster."""


class ForbiddenError(ClusterError):
    """The kubeconfig's user may not do that."""


class ConflictError(ClusterError):
    """The object is not as the request took it to be: others changed or made it."""


def cluster_folder(context: str) -> Path:
    """Where drill keeps what belongs to one cluster: kubeconfigs, certificates, which nodes are its own."""
    return cache_folder() / "clusters" / re.sub(r"[^\w.-]", "-", context)


def kubeconfig_path(context: str) -> Path:
    """The kubeconfig that drill uses: $DRILL_KUBECONFIG, else the cluster's own; never ~/.kube/config by
    itself."""
    named = os.environ.get("DRILL_KUBECONFIG")
    return Path(named) if named else cluster_folder(context) / "kubeconfig"


def is_throw_away(context: str) -> bool:
    """True for a kind cluster: nobody misses what drill deletes there."""
    return THROW_AWAY.fullmatch(context) is not None


def check_context(context: str, allow_context: str | None = None) -> None:
    """Raise ForeignClusterError unless `context` is kind-* or is the very one that the command line
    allowed.
    """
    if is_throw_away(context) or (allow_context is not None and context == allow_context):
        return
    raise ForeignClusterError(
        f"context {context!r} is not one that drill may break things in: expected kind-*; no request was "
        "sent. "
        f"If it is meant, name it on the command line as well: --allow-context {context}"
    )


def kubectl_path() -> str:
    """The kubectl that drill installed, else the one on PATH. Raises ToolMissingError."""
    found = program("kubectl")
    if found is None:
        raise ToolMissingError(
            f"kubectl is neither at {installed('kubectl')} nor on PATH; `drill up` installs it"
        )
    return str(found)


def run(command: Sequence[str], *, stdin: bytes | None = None, seconds: float = 60) -> bytes:
    """Run a program to its end and return its standard output. Raises ClusterError when it fails or takes
    longer than `seconds`.
    """
    shown = " ".join(command)[:200]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolMissingError(f"{command[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{shown}: expected to end within {seconds:.0f} s, it did not") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-600:]
        raise ClusterError(f"{shown}: expected exit status 0, got {done.returncode}: {said}")
    return done.stdout


class Cluster:
    """One context of one kubeconfig and the target's namespace in it. Make it with `connect`."""

    def __init__(self, client: ApiClient, kubeconfig: Path, context: str, namespace: str) -> None:
        self._client = client
        self.kubeconfig, self.context, self.namespace = kubeconfig, context, namespace

    def request(
        self,
        method: str,
        path: str,
        body: object | None = None,
        *,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
        seconds: float = 10,
        user_agent: str | None = None,
    ) -> bytes:
        """One HTTP request to the API server; `path` begins with /api; `user_agent`: a name by which the
        audit log knows it. May be called from several threads. Raises ForbiddenError on 403, AbsentError on
        404, ConflictError on 409, and ClusterError for any other answer that is no success, or none.
        """
        from kubernetes.client import ApiException  # noqa: PLC0415 - see above

        url = f"{self._client.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Content-Type": content_type, **self._client.default_headers}
        if user_agent is not None:
            headers["User-Agent"] = user_agent
        for setting in self._client.configuration.auth_settings().values():
            headers[setting["key"]] = setting["value"]
        try:
            response = self._client.call_api(method, url, headers, body, _request_timeout=seconds)
            data: bytes = response.response.data or b""
        except (ApiException, urllib3.exceptions.HTTPError) as error:
            raise ClusterError(
                f"{method} {path} at {self.context}: no answer from the API server ({error})"
            ) from error
        if response.status == NOT_FOUND:
            raise AbsentError(f"{method} {path} at {self.context}: there is no such thing")
        if response.status == FORBIDDEN:
            said = _message(data)
            raise ForbiddenError(f"{method} {path} at {self.context}: this user may not; {said}")
        if response.status == CONFLICT:
            raise ConflictError(
                f"{method} {path} at {self.context}: it was changed or made by others meanwhile"
            )
        if response.status >= 300:
            raise ClusterError(f"{method} {path} at {self.context}: {response.status} {_message(data)}")
        return data

    def get(self, path: str, *, query: Mapping[str, str] | None = None, seconds: float = 10) -> Json:
        """Read an object or a list as JSON."""
        read: Json = json.loads(self.request("GET", path, query=query, seconds=seconds))
        return read

    def patch(self, path: str, body: object) -> Json:
        """Merge `body` into the object at `path` (JSON merge patch) and return the result."""
        merged: Json = json.loads(
            self.request("PATCH", path, body, content_type="application/merge-patch+json")
        )
        return merged

    def delete(self, path: str, *, grace_seconds: int | None = None) -> None:
        """Delete the object at `path`; that it is gone already is fine."""
        query = {} if grace_seconds is None else {"gracePeriodSeconds": str(grace_seconds)}
        try:
            self.request("DELETE", path, query=query)
        except AbsentError:
            return

    def core(self, kind: str, name: str = "") -> str:
        """The path of objects of the core API in the namespace: `core("pods", "x")`."""
        return f"/api/v1/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def apps(self, kind: str, name: str = "") -> str:
        """The path of objects of apps/v1 in the namespace."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def deployment(self, name: str) -> Json:
        """The deployment as JSON. Raises AbsentError."""
        return self.get(self.apps("deployments", name))

    def workload(self, name: str, kind: str = "Deployment") -> Json:
        """The Deployment or StatefulSet as JSON. Raises AbsentError."""
        return self.get(self.apps(f"{kind.lower()}s", name))

    def scale(self, name: str, replicas: int, kind: str = "Deployment") -> None:
        """Ask for `replicas` pods of a workload."""
        self.patch(self.apps(f"{kind.lower()}s", name) + "/scale", {"spec": {"replicas": replicas}})

    def pods(self, name: str, kind: str = "Deployment") -> list[Json]:
        """The pods that the workload's own selector finds, those being deleted included."""
        labels = self.workload(name, kind)["spec"]["selector"].get("matchLabels", {})
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        pods: list[Json] = self.get(self.core("pods"), query={"labelSelector": selector})["items"]
        return pods

    def endpoints(self, service: str) -> list[str]:
        """Addresses that the service leads to and that are ready."""
        return [address for each in self._slices(service) for address in _ready_addresses(each)]

    def endpoint_places(self, service: str) -> list[tuple[str, int]]:
        """Address and port of each of them."""
        return [
            (address, port["port"])
            for each in self._slices(service)
            for address in _ready_addresses(each)
            for port in each.get("ports") or []
        ]

    def _slices(self, service: str) -> list[Json]:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{self.namespace}/endpointslices"
        found: list[Json] = self.get(path, query={"labelSelector": f"kubernetes.io/service-name={service}"})[
            "items"
        ]
        return found

    def kubectl_command(self, *arguments: str) -> list[str]:
        """The command line of kubectl with this kubeconfig and context."""
        return [kubectl_path(), "--kubeconfig", str(self.kubeconfig), "--context", self.context, *arguments]

    def kubectl(self, *arguments: str, stdin: bytes | None = None, seconds: float = 60) -> bytes:
        """Run kubectl against this context; its standard output. Raises ClusterError."""
        return run(self.kubectl_command(*arguments), stdin=stdin, seconds=seconds)

    def exec(
        self,
        pod: str,
        container: str,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        seconds: float = 60,
    ) -> bytes:
        """Run a command in a container of a pod; its standard output. Raises ClusterError when it does not
        exit with 0.
        """
        interactive = ["-i"] if stdin is not None else []
        return self.kubectl(
            "exec",
            *interactive,
            "-n",
            self.namespace,
            pod,
            "-c",
            container,
            "--",
            *command,
            stdin=stdin,
            seconds=seconds,
        )

    def on_node(self, node: str, command: Sequence[str], *, seconds: float = 30) -> bytes:
        """Run a command on a node, which in kind is a container of that name on this machine. Raises
        ClusterError.
        """
        return run(["docker", "exec", node, *command], seconds=seconds)


def _message(data: bytes) -> str:
    """What the API server says, without the object around it."""
    try:
        said = json.loads(data)
    except ValueError:
        said = None
    message = said.get("message") if isinstance(said, dict) else None
    return (message or data.decode(errors="replace"))[:400]


def _ready_addresses(endpoint_slice: Json) -> list[str]:
    return [
        address
        for endpoint in endpoint_slice.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready", True)
        for address in endpoint["addresses"]
    ]


def node_of(pod: Json) -> str:
    """The name of the node that the pod runs on, empty while it has none."""
    return str(pod["spec"].get("nodeName", ""))


def connect(settings: Settings, allow_context: str | None = None) -> Cluster:
    """The target's cluster. Nothing is sent by this; the context is checked before anything else
    (ForeignClusterError).

    Raises UsageError when the kubeconfig is missing or has no such context.
    """
    context = settings.target.context
    check_context(context, allow_context)
    path = kubeconfig_path(context)
    if not path.is_file():
        raise UsageError(
            f"{path}: no kubeconfig there. `drill up` makes the cluster, or name another file with "
            "DRILL_KUBECONFIG"
        )
    return open_cluster(path, context, settings.target.namespace)


def open_cluster(kubeconfig: Path, context: str, namespace: str) -> Cluster:
    """The cluster as the user of that kubeconfig's context. Raises UsageError where it has no such
    context.
    """
    from kubernetes import config as kubernetes_config  # noqa: PLC0415 - see above

    try:
        client: ApiClient = kubernetes_config.new_client_from_config(  # type: ignore[no-untyped-call]
            config_file=str(kubeconfig), context=context
        )
    except kubernetes_config.ConfigException as error:
        raise UsageError(f"{kubeconfig}: expected a context {context!r} in it; {error}") from error
    return Cluster(client, kubeconfig, context, namespace)
