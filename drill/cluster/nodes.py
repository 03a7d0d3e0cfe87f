"""Nodes as machines, which in kind are containers of this one: held still, and let go on."""

from __future__ import annotations

from drill.cluster.access import run

NODE_SECONDS = 30


def pause(node: str) -> None:
    """Hold every process of the node. Raises ClusterError."""
    run(["docker", "pause", node], seconds=NODE_SECONDS)


def resume(node: str) -> None:
    """Let a node that was held go on. Raises ClusterError."""
    run(["docker", "unpause", node], seconds=NODE_SECONDS)


def is_paused(node: str) -> bool:
    """True while the node is held. Raises ClusterError where there is no such node."""
    return (
        run(["docker", "inspect", "-f", "{{.State.Paused}}", node], seconds=NODE_SECONDS).strip() == b"true"
    )
