"""What the operator of a drill has. Flows in: settings and the files that the scenario handed over. Flows
out: a World.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from drill.cluster.access import Cluster, cluster_folder
from drill.cluster.identity import operator_kubeconfig
from drill.conduct.status_page import StatusPage
from drill.errors import SetupError
from drill.operate import World
from drill.programs import cache_folder
from drill.settings import Settings

CERTIFICATE = "edge-certificate.pem"
HTTPS = ":443"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
QUIET = {"CHECKPOINT_DISABLE": "1"}
"""Terraform itself asks its maker for news whenever it runs, unless told not to; a drill tells nobody
anything. OpenTofu does not ask."""
NODE = "node:"
"""Begins a place that is a port of the cluster's control plane."""


def world_of(settings: Settings, files: Path, cluster: Cluster) -> World:
    """The target's context, the tools that drill installed, and the names of the runbook leading to this
    machine, or to its cluster's node.
    """
    names = dict(settings.operator.names)
    if any(address.startswith(NODE) for address in names.values()):
        node = control_plane_address(cluster)
        names = {name: re.sub(rf"^{NODE}", f"{node}:", address) for name, address in names.items()}
    over_tls = [
        names[name]
        for name, address in settings.operator.names.items()
        if name.endswith(HTTPS) and not address.startswith(NODE)
    ]
    beside = [
        names[name]
        for name, address in settings.operator.names.items()
        if name.endswith(HTTPS) and address.startswith(NODE)
    ]
    return World(
        kubeconfig=operator_kubeconfig(settings.target.context),
        tools=(cache_folder() / "bin",),
        connect=names,
        certificate=_certificate(settings, over_tls[0], beside) if over_tls else None,
        handed=files,
        variables=QUIET,
    )


def not_at_hand(settings: Settings, tools: Sequence[str]) -> list[str]:
    """Those of the programs that the operator of any drill on this machine lacks."""
    kubeconfig = operator_kubeconfig(settings.target.context)
    return World(kubeconfig, tools=(cache_folder() / "bin",)).missing_tools(tools)


def with_status_page(world: World, page: StatusPage) -> World:
    """The same world, in which the page's name leads to it, and its certificate is trusted beside those
    that are."""
    trusted = page.certificate.with_name("trusted.pem")
    before = world.certificate.read_text(encoding="ascii") if world.certificate is not None else ""
    trusted.write_text(before + page.certificate.read_text(encoding="ascii"), encoding="ascii")
    connect = {**world.connect, f"{page.name}:443": page.address}
    return replace(world, connect=connect, certificate=trusted)


def control_plane_address(cluster: Cluster) -> str:
    """Where this machine reaches the node that the API server runs on. Raises ClusterError, SetupError."""
    nodes = cluster.get("/api/v1/nodes", query={"labelSelector": CONTROL_PLANE})["items"]
    found = [
        str(each["address"])
        for node in nodes
        for each in node["status"].get("addresses", [])
        if each["type"] == "InternalIP"
    ]
    if not found:
        raise SetupError(f"{cluster.context}: no node is labelled {CONTROL_PLANE}, so no name can lead there")
    return found[0]


def _certificate(settings: Settings, address: str, beside: Sequence[str]) -> Path:
    """The certificate that the edge presents: it is self-signed, so the operator trusts it by name, as on the
    day it was made. So it is with what stands beside the target, where that is there.
    """
    try:
        certificate = _presented(address)
    except OSError as error:
        raise SetupError(
            f"{address}: expected the target's edge to answer with TLS there; {error}"
        ) from error
    for other in beside:
        with suppress(OSError):  # monitoring that is not there answers no operator either
            certificate += _presented(other)
    path = cluster_folder(settings.target.context) / CERTIFICATE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(certificate, encoding="ascii")
    return path


def _presented(address: str) -> str:
    host, _, port = address.rpartition(":")
    return ssl.get_server_certificate((host, int(port)), timeout=5)
