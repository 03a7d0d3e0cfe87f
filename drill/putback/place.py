"""Where drill keeps what it needs to put a target back: one folder for each namespace of each cluster,
whatever checkout or drill.toml it was drilled from."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from drill.cluster.access import Cluster

PRIVATE = 0o700
UID_CHARACTERS = 8
LAST_KNOWN = "known-state.json"
"""In that folder: the state that the last drill began with."""


def state_folder(cluster: Cluster) -> Path:
    """${XDG_STATE_HOME:-~/.local/state}/drill/CONTEXT-UID/NAMESPACE. A cluster that is made anew is another
    one, told by the uid of its kube-system namespace. Raises ClusterError where the cluster does not answer.
    """
    uid = cluster.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    return state_base() / f"{_plain(cluster.context)}-{uid[:UID_CHARACTERS]}" / cluster.namespace


def forget_clusters(context: str) -> None:
    """Remove what is kept to put back clusters of that context, which are gone: there is nothing to put
    back.
    """
    for folder in state_base().glob(f"{_plain(context)}-{'?' * UID_CHARACTERS}"):
        shutil.rmtree(folder)


def state_base() -> Path:
    """Where drill keeps what outlives a run: ${XDG_STATE_HOME:-~/.local/state}/drill."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "drill"


def _plain(context: str) -> str:
    return re.sub(r"[^\w.-]", "-", context)
