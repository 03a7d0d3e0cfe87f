"""What the operator of a drill has. Flows in: settings and the files that the scenario handed over. Flows
out: a World.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from drill.cluster.access import cache_folder, cluster_folder
from drill.cluster.identity import operator_kubeconfig
from drill.errors import SetupError
from drill.operate import World
from drill.settings import Settings

CERTIFICATE = "edge-certificate.pem"
HTTPS = ":443"


def world_of(settings: Settings, files: Path) -> World:
    """The target's context, the tools that drill installed, and the names of the runbook leading to this
    machine.
    """
    names = settings.operator.names
    over_tls = [address for name, address in names.items() if name.endswith(HTTPS)]
    return World(
        kubeconfig=operator_kubeconfig(settings.target.context),
        tools=(cache_folder() / "bin",),
        connect=names,
        certificate=_certificate(settings, over_tls[0]) if over_tls else None,
        handed=files,
    )


def _certificate(settings: Settings, address: str) -> Path:
    """The certificate that the edge presents: it is self-signed, so the operator trusts it by name, as on the
    day it was made.
    """
    host, _, port = address.rpartition(":")
    try:
        certificate = ssl.get_server_certificate((host, int(port)), timeout=5)
    except OSError as error:
        raise SetupError(
            f"{address}: expected the target's edge to answer with TLS there; {error}"
        ) from error
    path = cluster_folder(settings.target.context) / CERTIFICATE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(certificate, encoding="ascii")
    return path
