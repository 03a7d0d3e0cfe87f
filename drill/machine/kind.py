"""The cluster itself. Flows in: settings. Flows out: a kind cluster that answers, made by drill and by nobody
else.

Ours is known by the id of its node's container, kept when it was made: a cluster of the same name with
another id is somebody else's.
"""

from __future__ import annotations

import json
import socket
import string
from pathlib import Path

from drill import wait
from drill.cluster.access import cache_folder, kubeconfig_path, kubectl_path
from drill.errors import DeadlineError, SetupError, ToolMissingError, UsageError
from drill.machine.node_image import ensure_kind, ensure_node_image
from drill.machine.stage import output, run, say, stage, succeeds
from drill.settings import Settings

SOURCES = Path(__file__).resolve().parents[2] / "cluster"
READY_SECONDS = 120
POD_NETWORK, SERVICE_NETWORK = "10.244.0.0/16", "10.96.0.0/16"


def name_of(settings: Settings) -> str:
    """The kind cluster's name. Raises UsageError when the target's context is not a kind cluster: drill makes
    no others.
    """
    prefix, _, name = settings.target.context.partition("kind-")
    if prefix or not name:
        raise UsageError(
            f"target.context is {settings.target.context!r}: drill makes and removes kind-* clusters only; "
            "bring up others yourself"
        )
    return name


def node_of(name: str) -> str:
    """The container that is the cluster's one node."""
    return f"{name}-control-plane"


def ensure_cluster(settings: Settings) -> None:
    """Have the cluster, made or restarted if need be. Raises SetupError for one that somebody else made and
    for ports that are taken.
    """
    name = name_of(settings)
    state = _container_state(name)
    if state:
        _refuse_foreign(name)
        if state == "running" and _answers(settings):
            say(f"==> the cluster {name} is running")
            return
        with stage(f"the cluster {name} does not answer (its node is {state}): removing it to make it anew"):
            delete(settings)
    image = ensure_node_image()
    kind = ensure_kind()
    _check_ports(settings)
    with stage(f"creating the cluster {name} from {image}"):
        configuration = cache_folder() / f"{name}.yaml"
        configuration.parent.mkdir(parents=True, exist_ok=True)
        configuration.write_text(_configuration(settings, name, image), encoding="utf-8")
        run(
            [
                kind,
                "create",
                "cluster",
                "--config",
                str(configuration),
                "--kubeconfig",
                str(kubeconfig_path()),
                "--wait",
                f"{READY_SECONDS}s",
                "--quiet",
            ],
            why=f"create the cluster {name}",
        )
        _keep_strays_inside(name)
        _ensure_kubectl(name)
        _mark(name).write_text(_container_id(name), encoding="utf-8")
    with stage("metrics-server"):
        _kubectl(settings, "apply", "-f", str(SOURCES / "addons" / "metrics-server.yaml"))


def _ensure_kubectl(name: str) -> None:
    """Where this machine has no kubectl, the node's own serves: it is the cluster's version."""
    try:
        kubectl_path()
    except ToolMissingError:
        own = cache_folder() / "bin" / "kubectl"
        own.parent.mkdir(parents=True, exist_ok=True)
        output(
            ["docker", "cp", f"{node_of(name)}:/usr/bin/kubectl", str(own)], why="copy kubectl from the node"
        )


def _keep_strays_inside(name: str) -> None:
    """The node image that drill builds does this when it starts; one from a registry is told now. The script
    says why.
    """
    script = (SOURCES / "node-image" / "keep-strays-inside").read_text(encoding="utf-8")
    output(
        ["docker", "exec", node_of(name), "sh", "-c", script],
        why="keep traffic for absent pods and services inside the node",
    )


def delete(settings: Settings) -> None:
    """Remove the cluster if it is ours; none there is fine."""
    name = name_of(settings)
    if not _container_state(name):
        return
    _refuse_foreign(name)
    output(["docker", "rm", "--force", "--volumes", node_of(name)], why=f"remove the cluster {name}")
    _mark(name).unlink(missing_ok=True)
    kubeconfig_path().unlink(missing_ok=True)


def _answers(settings: Settings) -> bool:
    try:
        wait.until(
            "the API server to answer, and the cluster's ports to be open",
            lambda: (
                kubeconfig_path().exists()
                and succeeds(_kubectl_command(settings, "get", "--raw", "/readyz"), seconds=5)
                and all(_accepts(port) for port in settings.cluster.ports)
            ),
            seconds=20,
        )
    except DeadlineError:
        return False
    return True


def _mark(name: str) -> Path:
    return cache_folder() / f"{name}.node"


def _container_state(name: str) -> str:
    return output(
        ["docker", "ps", "--all", "--filter", f"name=^{node_of(name)}$", "--format", "{{.State}}"],
        why="list the engine's containers",
    )


def _container_id(name: str) -> str:
    return output(
        ["docker", "inspect", "--format", "{{.Id}}", node_of(name)],
        why=f"read the node of the cluster {name}",
    )


def _refuse_foreign(name: str) -> None:
    mark = _mark(name)
    if not mark.exists() or mark.read_text(encoding="utf-8") != _container_id(name):
        raise SetupError(
            f"a kind cluster named {name!r} is here and drill did not make it, so drill will not touch it: "
            f"remove it yourself (kind delete cluster --name {name}) or name another in drill.toml, "
            'target.context = "kind-..."'
        )


def _accepts(port: int) -> bool:
    """True when the engine's forwarding of a port is alive; it accepts connections whether or not anything in
    the cluster does.
    """
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def _check_ports(settings: Settings) -> None:
    for port in settings.cluster.ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise SetupError(
                    f"port {port} on 127.0.0.1 is taken ({error.strerror}), and the cluster needs it: end "
                    "what listens there "
                    f"(`ss -ltnp 'sport = :{port}'` names it) or choose another in drill.toml, cluster.ports"
                ) from error


def _configuration(settings: Settings, name: str, image: str) -> str:
    ports = [
        {"containerPort": node, "hostPort": here, "listenAddress": "127.0.0.1"}
        for here, node in settings.cluster.ports.items()
    ]
    template = string.Template((SOURCES / "kind.yaml.in").read_text(encoding="utf-8"))
    body = "\n".join(line for line in template.template.splitlines() if not line.startswith("#"))
    return string.Template(body).substitute(
        name=name,
        image=image,
        patches=SOURCES / "kubeadm-patches",
        ports=json.dumps(ports),
        pods=POD_NETWORK,
        services=SERVICE_NETWORK,
    )


def _kubectl_command(settings: Settings, *arguments: str) -> list[str]:
    return [
        kubectl_path(),
        "--kubeconfig",
        str(kubeconfig_path()),
        "--context",
        settings.target.context,
        *arguments,
    ]


def _kubectl(settings: Settings, *arguments: str) -> None:
    output(_kubectl_command(settings, *arguments), why=f"run kubectl {arguments[0]}")
