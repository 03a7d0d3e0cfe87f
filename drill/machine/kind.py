"""The cluster itself. Flows in: settings. Flows out: a kind cluster that answers, made by drill and by nobody
else.

Ours is known by the ids of its nodes' containers, kept when it was made: a cluster of the same name with
other ids is somebody else's.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import string
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drill import wait
from drill.cluster.access import cluster_folder, kubeconfig_path, kubectl_path
from drill.errors import DeadlineError, SetupError, ToolMissingError, UsageError
from drill.machine.node_image import ensure_kind, ensure_node_image
from drill.machine.stage import output, run, say, stage, succeeds
from drill.programs import installed
from drill.settings import Settings

SOURCES = Path(__file__).resolve().parents[2] / "cluster"
FORGET = {"syn_sent": 2, "syn_recv": 2, "fin_wait": 10, "close_wait": 10, "last_ack": 5, "time_wait": 5}
"""For how many seconds a node keeps a connection in each state that leads nowhere any more."""
READY_SECONDS = 120
SETTLED_SECONDS, LASTING_SECONDS = 120, 10
"""A node that has run for longer has settled; until then the API server must answer for so long on end."""
LABEL = "io.x-k8s.kind.cluster"
MAKING = "making"
"""Stands in the file of ids while the cluster is made: whatever is there under its name then is ours."""
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


@dataclass(frozen=True)
class Node:
    """A container that is a node of the cluster. `state` as the engine says it: running, paused, exited."""

    name: str
    id: str
    state: str


def control_plane_of(name: str) -> str:
    """The container that the API server runs in."""
    return f"{name}-control-plane"


def nodes_of(name: str) -> list[Node]:
    """All nodes of the cluster, the control plane first; none where it is not there."""
    form = f'{{{{.Names}}}}\t{{{{.ID}}}}\t{{{{.State}}}}\t{{{{.Label "{LABEL}"}}}}'
    lines = output(
        ["docker", "ps", "--all", "--no-trunc", "--format", form], why="list the engine's containers"
    ).splitlines()
    found = [
        Node(container, id_, state)
        for container, id_, state, cluster in (line.split("\t") for line in lines)
        if cluster == name or container == control_plane_of(name)
    ]
    return sorted(found, key=lambda node: (node.name != control_plane_of(name), node.name))


def ensure_cluster(settings: Settings) -> None:
    """Have the cluster, made or restarted if need be. Raises SetupError for one that somebody else made and
    for ports that are taken.
    """
    name = name_of(settings)
    nodes = nodes_of(name)
    if nodes:
        _refuse_foreign(settings, nodes)
        _start_workers(name, nodes)
        if nodes[0].state == "running" and _answers(settings, nodes[0]):
            _forget_connections_soon(nodes)
            say(f"==> the cluster {name} is running")
            return
        with stage(
            f"the cluster {name} does not answer (its node is {nodes[0].state}): removing it to make it anew"
        ):
            delete(settings)
    image = ensure_node_image()
    kind = ensure_kind()
    _check_ports(settings)
    folder = cluster_folder(settings.target.context)
    with stage(f"creating the cluster {name} from {image}"):
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "kind.yaml"
        configuration.write_text(_configuration(settings, name, image), encoding="utf-8")
        _mark(settings).write_text(MAKING, encoding="utf-8")
        run(
            [
                kind,
                "create",
                "cluster",
                "--config",
                str(configuration),
                "--kubeconfig",
                str(kubeconfig_path(settings.target.context)),
                "--wait",
                f"{READY_SECONDS}s",
                "--quiet",
            ],
            why=f"create the cluster {name}",
        )
        nodes = nodes_of(name)
        _mark(settings).write_text("".join(f"{node.id}\n" for node in nodes), encoding="utf-8")
        _keep_strays_inside(nodes)
        _forget_connections_soon(nodes)
        _ensure_kubectl(name)
    with stage("metrics-server"):
        _kubectl(settings, "apply", "-f", str(SOURCES / "addons" / "metrics-server.yaml"))


def _start_workers(name: str, nodes: list[Node]) -> None:
    """A worker that was lost comes back as it was; the control plane would have another address."""
    for node in nodes:
        if node.name != control_plane_of(name) and node.state != "running":
            how = "unpause" if node.state == "paused" else "start"
            with stage(f"the node {node.name} is {node.state}"):
                output(["docker", how, node.name], why=f"{how} the node {node.name}")


def _ensure_kubectl(name: str) -> None:
    """Where this machine has no kubectl, the node's own serves: it is the cluster's version."""
    try:
        kubectl_path()
    except ToolMissingError:
        own = installed("kubectl")
        own.parent.mkdir(parents=True, exist_ok=True)
        output(
            ["docker", "cp", f"{control_plane_of(name)}:/usr/bin/kubectl", str(own)],
            why="copy kubectl from the node",
        )


def _forget_connections_soon(nodes: list[Node]) -> None:
    """A node remembers for two minutes to which pod it led a connection that came to nothing, and leads the
    next one from the same port there again, whether or not that pod is still there. An outage uses up all
    ports, so users would meet dead pods long after it: what has ended is forgotten at once."""
    settings = [
        f"net.netfilter.nf_conntrack_tcp_timeout_{state}={seconds}" for state, seconds in FORGET.items()
    ]
    for node in nodes:
        run(["docker", "exec", node.name, "sysctl", "-q", "-w", *settings], why=f"set up {node.name}")


def _keep_strays_inside(nodes: list[Node]) -> None:
    """The node image that drill builds does this when it starts; one from a registry is told now. The script
    says why.
    """
    script = (SOURCES / "node-image" / "keep-strays-inside").read_text(encoding="utf-8")
    for node in nodes:
        output(
            ["docker", "exec", node.name, "sh", "-c", script],
            why="keep traffic for absent pods and services inside the node",
        )


def delete(settings: Settings) -> None:
    """Remove the cluster if it is ours, and what is kept of it on this machine; none there is fine."""
    name = name_of(settings)
    nodes = nodes_of(name)
    if nodes:
        _refuse_foreign(settings, nodes)
        output(
            ["docker", "rm", "--force", "--volumes", *(node.name for node in nodes)],
            why=f"remove the cluster {name}",
        )
    shutil.rmtree(cluster_folder(settings.target.context), ignore_errors=True)


def others(settings: Settings) -> list[str]:
    """Contexts of the other clusters that drill made on this machine."""
    own = cluster_folder(settings.target.context)
    return sorted(file.parent.name for file in own.parent.glob("*/nodes") if file.parent != own)


def _answers(settings: Settings, control_plane: Node) -> bool:
    """Soon after its node was started, as by an engine that came up with the machine, the API server that was
    there before may answer once more until it is replaced: then it must go on answering.
    """
    settled = _up_seconds(control_plane) > SETTLED_SECONDS
    try:
        wait.until_lasting(
            "the API server to answer, and the cluster's ports to be forwarded",
            lambda: (
                kubeconfig_path(settings.target.context).exists()
                and succeeds(_kubectl_command(settings, "get", "--raw", "/readyz"), seconds=5)
                and _forwarded(settings)
            ),
            lasting_seconds=0 if settled else LASTING_SECONDS,
            seconds=20 if settled else SETTLED_SECONDS,
        )
    except DeadlineError:
        return False
    return True


def _up_seconds(node: Node) -> float:
    """For how long the node has been running."""
    started = output(
        ["docker", "inspect", "--format", "{{.State.StartedAt}}", node.id],
        why=f"ask since when {node.name} runs",
    )
    return (datetime.now(UTC) - datetime.fromisoformat(started.strip())).total_seconds()


def _mark(settings: Settings) -> Path:
    return cluster_folder(settings.target.context) / "nodes"


def _refuse_foreign(settings: Settings, nodes: list[Node]) -> None:
    name, mark = name_of(settings), _mark(settings)
    ours = mark.read_text(encoding="utf-8").split() if mark.exists() else []
    if ours != [MAKING] and not {node.id for node in nodes} <= set(ours):
        raise SetupError(
            f"a kind cluster named {name!r} is here and drill did not make it, so drill will not touch it: "
            f"remove it yourself (kind delete cluster --name {name}) or name another in drill.toml, "
            'target.context = "kind-..."'
        )


def ports_of_proxies(processes: Path = Path("/proc")) -> set[int]:
    """The ports that the engine's own proxies forward: one process each, which may die alone. There is none
    where the kernel forwards, as it does for the engine that drill starts."""
    ports = set()
    for file in processes.glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # the process has ended meanwhile
            words = file.read_bytes().split(b"\0")
            if words[0].endswith(b"docker-proxy") and b"-host-port" in words:
                ports.add(int(words[words.index(b"-host-port") + 1]))
    return ports


def _forwarded(settings: Settings) -> bool:
    """True while no proxy of the cluster's ports is missing. Whether something in the cluster listens behind
    them is another question."""
    proxies = ports_of_proxies()
    return not proxies or set(settings.cluster.ports) <= proxies


def _check_ports(settings: Settings) -> None:
    for port in settings.cluster.ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise SetupError(
                    f"port {port} on 127.0.0.1 is taken ({_holder_of(port) or error.strerror}), and the "
                    "cluster needs it: end what listens there "
                    f"(`ss -ltnp 'sport = :{port}'` names it) or choose another in drill.toml, cluster.ports"
                ) from error


def _holder_of(port: int) -> str:
    """Which kind cluster of this machine has the port, if one has."""
    form = f'{{{{.Label "{LABEL}"}}}}'
    names = output(
        ["docker", "ps", "--filter", f"publish={port}", "--format", form], why="ask who has a port"
    ).split()
    return f"by the kind cluster {names[0]!r}" if names else ""


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
        audit=SOURCES / "audit",
        ports=json.dumps(ports),
        pods=POD_NETWORK,
        services=SERVICE_NETWORK,
    )


def _kubectl_command(settings: Settings, *arguments: str) -> list[str]:
    return [
        kubectl_path(),
        "--kubeconfig",
        str(kubeconfig_path(settings.target.context)),
        "--context",
        settings.target.context,
        *arguments,
    ]


def _kubectl(settings: Settings, *arguments: str) -> None:
    output(_kubectl_command(settings, *arguments), why=f"run kubectl {arguments[0]}")
