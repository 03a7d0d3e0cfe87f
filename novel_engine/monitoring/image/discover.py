"""What is there to scrape. Flows in: the API server's pods and nodes. Flows out: two files that Prometheus
reads by itself, pods.json and nodes.json.

Debian's Prometheus has no discovery of Kubernetes' own. This one looks whenever the API server tells that a
pod has changed, and once in a while; it needs nothing but Python.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
KUBELET = 10250
WATCH_SECONDS = 30
AGAIN_SECONDS = 1.0
Group = dict[str, Any]


class ApiServer:
    """The API server as a pod's own account sees it."""

    def __init__(self, address: str, account: Path = ACCOUNT) -> None:
        self._address, self._account = address, account
        authority = account / "ca.crt"
        self._context = ssl.create_default_context(cafile=str(authority)) if authority.exists() else None

    def open(self, path: str) -> Any:
        """The answer to GET, to be read. Raises OSError."""
        token = (self._account / "token").read_text(encoding="utf-8")  # it is renewed while this runs
        request = Request(f"{self._address}{path}", headers={"Authorization": f"Bearer {token}"})
        return urlopen(request, timeout=WATCH_SECONDS + 10, context=self._context)

    def get(self, path: str) -> Any:
        """The answer as JSON. Raises OSError, ValueError."""
        with self.open(path) as answer:
            return json.load(answer)


def pods(items: Iterable[Group], container: str, port: str) -> list[Group]:
    """A group for each pod that has an address and is not over, whatever a Service makes of it."""
    found = []
    for pod in items:
        status, metadata = pod["status"], pod["metadata"]
        if status.get("phase") in ("Succeeded", "Failed") or not status.get("podIP"):
            continue
        for each in pod["spec"]["containers"]:
            for offered in each.get("ports", []):
                if (each["name"], offered.get("name")) == (container, port):
                    place = f"{status['podIP']}:{offered['containerPort']}"
                    labels = {"namespace": metadata["namespace"], "pod": metadata["name"]}
                    found.append({"targets": [place], "labels": labels})
    return found


def nodes(items: Iterable[Group]) -> list[Group]:
    """A group for the kubelet of each node."""
    return [
        {"targets": [f"{each['address']}:{KUBELET}"], "labels": {"node": node["metadata"]["name"]}}
        for node in items
        for each in node["status"].get("addresses", [])
        if each["type"] == "InternalIP"
    ]


def write(path: Path, groups: list[Group]) -> None:
    """All at once, and only what has changed: Prometheus looks at each change."""
    text = json.dumps(groups)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def look(api: ApiServer, given: argparse.Namespace) -> str:
    """Write both files; the version of the list of pods, to watch from. Raises OSError, ValueError."""
    listed = api.get(f"/api/v1/namespaces/{given.namespace}/pods")
    write(given.folder / "pods.json", pods(listed["items"], given.container, given.port))
    write(given.folder / "nodes.json", nodes(api.get("/api/v1/nodes")["items"]))
    return str(listed["metadata"]["resourceVersion"])


def main(arguments: list[str]) -> None:
    """Look whenever something changes, for ever."""
    parser = argparse.ArgumentParser(description="Writes what Prometheus is to scrape.")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--container", required=True)
    parser.add_argument("--port", required=True, help="the name of the container's port")
    parser.add_argument("--folder", required=True, type=Path)
    given = parser.parse_args(arguments)
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    api = ApiServer(f"https://{host}:{port}")
    while True:
        try:
            version = look(api, given)
            watched = f"watch=1&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}"
            with api.open(f"/api/v1/namespaces/{given.namespace}/pods?{watched}") as changes:
                for _ in changes:
                    look(api, given)
        except (URLError, OSError, ValueError, KeyError) as error:
            print(f"not looked: {error}", file=sys.stderr, flush=True)
            time.sleep(AGAIN_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
