"""A small API server that keeps objects, as the real one's paths have them: enough of Kubernetes for what
drill asks and changes. Deployments roll out at once; a pod is ready unless its image or its readiness path
says "no-such"."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from drill.cluster.access import Cluster
from drill.cluster.lease import LEASES
from drill.cluster.objects import PATHS, path_of

Json = dict[str, Any]
NAMESPACE = "notebook"
LONG_AGO = "2020-01-01T00:00:00Z"


class SmallCluster:
    """`objects`: path of a collection -> name -> object; `changes`: what was asked but GET; `forbidden`:
    collections that this user may not list."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Json]] = {}
        self.changes: list[str] = []
        self.forbidden: set[str] = set()
        self.autoscaled: dict[str, int] = {}
        """Replicas that an autoscaler chooses for a deployment as soon as others are set."""
        self.started_at = LONG_AGO
        """When the containers of deployments say that they started."""
        self.dry_run: tuple[int, Json] = 201, {}
        """What is answered to whoever asks whether one more pod would be made."""
        self.lock = threading.RLock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                with server.lock:
                    status, answer = server.answer(self.command, self.path, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.objects[LEASES] = {}
        self.put("Namespace", {"metadata": {"name": "kube-system", "uid": "0123456789abcdef"}})
        self.put("Namespace", {"metadata": {"name": NAMESPACE, "uid": "fedcba9876543210"}})

    def stop(self) -> None:
        """It does not answer any more."""
        self._server.shutdown()
        self._server.server_close()

    def put(self, kind: str, item: Json, namespace: str = NAMESPACE) -> None:
        """Set an object as somebody else would."""
        collection = "/api/v1/namespaces" if kind == "Namespace" else path_of(kind, namespace)
        with self.lock:
            self._keep(collection, item)

    def get(self, kind: str, name: str) -> Json:
        """An object as it is."""
        return self.objects[path_of(kind, NAMESPACE)][name]

    def remove(self, kind: str, name: str) -> None:
        """Delete an object as somebody else would."""
        with self.lock:
            del self.objects[path_of(kind, NAMESPACE)][name]
            self._roll_out()

    def answer(self, method: str, url: str, body: Json | None) -> tuple[int, Json]:  # noqa: PLR0911
        """What the API server says."""
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        if path == "/healthz":
            return (200 if self._addresses() else 503), {}
        if method != "GET":
            self.changes.append(f"{method} {path}")
        if "endpointslices" in path:
            addresses = [{"addresses": [each]} for each in self._addresses()]
            return 200, {"items": [{"endpoints": addresses}]}
        if path in self.forbidden:
            return 403, {}
        if path in self.objects or path in {each.format(namespace=NAMESPACE) for each in PATHS.values()}:
            if method == "POST" and body is not None:
                if "generateName" in body["metadata"]:
                    return self.dry_run
                if body["metadata"]["name"] in self.objects.get(path, {}):
                    return 409, {}
                self._keep(path, body)
                return 201, body
            return 200, self._listed(path, query)
        collection, _, name = path.removesuffix("/scale").rpartition("/")
        if name not in self.objects.get(collection, {}):
            return 404, {}
        return self._of_one(method, collection, name, body)

    def _of_one(self, method: str, collection: str, name: str, body: Json | None) -> tuple[int, Json]:
        item = self.objects[collection][name]
        if method == "DELETE":
            del self.objects[collection][name]
            self._roll_out()
        elif method == "PUT" and body is not None:
            if _moved(item, body):
                return 422, {
                    "message": f"Service {name!r} is invalid: spec.clusterIP: may not change once set"
                }
            self._keep(collection, body)
        elif method == "PATCH" and body is not None:
            self._keep(collection, _operated(item, body) if isinstance(body, list) else _merged(item, body))
        return 200, self.objects[collection].get(name, item)

    def _listed(self, path: str, query: dict[str, list[str]]) -> Json:
        wanted = dict(pair.split("=") for pair in query.get("labelSelector", [""])[0].split(",") if pair)
        items = [
            item
            for item in self.objects.get(path, {}).values()
            if wanted.items() <= (item["metadata"].get("labels") or {}).items()
        ]
        version = "v1" if path.startswith("/api/v1") else "/".join(path.split("/")[2:4])
        return {"apiVersion": version, "items": items}

    def _keep(self, collection: str, item: Json) -> None:
        version = "v1" if collection.startswith("/api/v1") else "/".join(collection.split("/")[2:4])
        kept = {"apiVersion": version, **json.loads(json.dumps(item))}
        if collection.endswith("/pods"):
            kept.setdefault("status", {"phase": "Running"})
        kept["metadata"]["generation"] = kept["metadata"].get("generation", 0) + 1
        if collection == LEASES:
            kept["metadata"]["resourceVersion"] = str(kept["metadata"]["generation"])
        self.objects.setdefault(collection, {})[item["metadata"]["name"]] = kept
        self._roll_out()

    def _roll_out(self) -> None:
        pods = self.objects.setdefault(path_of("Pod", NAMESPACE), {})
        for name in [name for name, pod in pods.items() if "ownerReferences" in pod["metadata"]]:
            del pods[name]
        for name, item in self.objects.get(path_of("Deployment", NAMESPACE), {}).items():
            spec = item["spec"]
            if name in self.autoscaled and spec["replicas"] > 0:
                spec["replicas"] = self.autoscaled[name]
            container = spec["template"]["spec"]["containers"][0]
            started = "no-such" not in container["image"]
            ready = started and "no-such" not in json.dumps(container.get("readinessProbe") or {})
            for number in range(spec["replicas"]):
                pod = f"{name}-{number}"
                pods[pod] = _pod(pod, spec["template"], self.started_at if started else "", ready)
            count = spec["replicas"]
            item["status"] = {
                "observedGeneration": item["metadata"]["generation"],
                "replicas": count,
                "updatedReplicas": count,
                "readyReplicas": count if ready else 0,
                "availableReplicas": count if ready else 0,
            }

    def _addresses(self) -> list[str]:
        services = self.objects.get(path_of("Service", NAMESPACE), {})
        found = []
        for service in services.values():
            for pod in self.objects.get(path_of("Pod", NAMESPACE), {}).values():
                labels, selector = pod["metadata"].get("labels") or {}, service["spec"]["selector"]
                if selector.items() <= labels.items() and _is_ready(pod):
                    found.append(pod["status"]["podIP"])
        return found


class LocalCluster(Cluster):
    """A cluster whose containers and nodes are this machine: what is run in one is run here."""

    def exec(
        self,
        pod: str,
        container: str,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        seconds: float = 60,
    ) -> bytes:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds, check=True)
        return done.stdout

    def on_node(self, node: str, command: Sequence[str], *, seconds: float = 30) -> bytes:
        return self.exec(node, "", command, seconds=seconds)


def a_deployment(name: str = "web", replicas: int = 2, image: str = "web:1") -> Json:
    container = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "volumeMounts": []}
    labels = {"app": name}
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "volumes": [], "securityContext": {}},
            },
        },
    }


def with_volume() -> Json:
    """The same, with the claim `data` mounted."""
    item = a_deployment()
    spec = item["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    return item


def kubeconfig(folder: Path, address: str, context: str = "kind-small") -> Path:
    path = folder / "kubeconfig"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": "small", "cluster": {"server": address}}],
        "users": [{"name": "small", "user": {"token": "a token"}}],
        "contexts": [{"name": context, "context": {"cluster": "small", "user": "small"}}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def _pod(name: str, template: Json, started_at: str, ready: bool) -> Json:
    """`started_at`: empty where its image cannot be had."""
    container = template["spec"]["containers"][0]["name"]
    state: Json = {"waiting": {"reason": "ErrImagePull"}}
    if started_at:
        state = {"running": {"startedAt": started_at}}
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "uid": f"uid-of-{name}",
            "creationTimestamp": started_at or LONG_AGO,
            "labels": template["metadata"]["labels"],
            "ownerReferences": [{"kind": "ReplicaSet"}],
        },
        "spec": {**template["spec"], "nodeName": "node"},
        "status": {
            "phase": "Running" if started_at else "Pending",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"name": container, "ready": ready, "state": state, "restartCount": 0}],
        },
    }


def _is_ready(pod: Json) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses", [{"ready": False}])
    return all(status["ready"] for status in statuses)


def _operated(item: Json, operations: list[Json]) -> Json:
    """A JSON patch of replacements."""
    made: Json = json.loads(json.dumps(item))
    for operation in operations:
        *way, last = (int(key) if key.isdigit() else key for key in operation["path"].split("/")[1:])
        at: Any = made
        for key in way:
            at = at[key]
        at[last] = operation["value"]
    return made


def _moved(item: Json, body: Json) -> bool:
    """Whether a Service at an address would be at another."""
    before, after = ((each.get("spec") or {}).get("clusterIP") for each in (item, body))
    return bool(before) and before not in ("None", after)


def _merged(item: Any, patch: Any) -> Any:
    """A strategic merge, by the rule that lists of named things are merged by name."""
    if isinstance(item, list) and isinstance(patch, list) and all("name" in each for each in [*item, *patch]):
        by_name = {each["name"]: each for each in item}
        for each in patch:
            by_name[each["name"]] = _merged(by_name.get(each["name"], {}), each)
        return list(by_name.values())
    if not isinstance(item, dict) or not isinstance(patch, dict):
        return patch
    merged = dict(item)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key, {} if isinstance(value, dict) else None), value)
    return merged
