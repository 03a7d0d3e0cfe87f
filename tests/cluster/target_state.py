"""What the tests of this folder say about the target."""

from __future__ import annotations

import time
from pathlib import Path

from drill import wait
from drill.cluster.access import Cluster
from drill.parts.health import target_health
from drill.putback import last_known
from drill.putback.known_state import KnownState, lasting_differences, observe, settled
from drill.putback.ledger import Ledger
from drill.putback.place import state_folder
from drill.settings import Settings

ROOT = Path(__file__).parents[2]
_KNOWN: dict[Path, KnownState] = {}


def remember(cluster: Cluster) -> KnownState:
    """Keep, for these tests alone, the target as it is before any of them; the same each time."""
    folder = state_folder(cluster)
    if folder not in _KNOWN:
        _KNOWN[folder] = settled(observe(cluster), last_known(cluster))
    return _KNOWN[folder]


def ledger_of(cluster: Cluster) -> Ledger:
    """The ledger of this target, which runs of drills share with these tests."""
    return Ledger(state_folder(cluster))


def wait_until_lastingly_well(settings: Settings, cluster: Cluster) -> None:
    """Wait for the target to be well for 15 s without a break. A pod that its liveness probe has given up
    answers until the kubelet comes to end it, which takes longest where the node was starved."""
    since: float | None = None

    def look() -> tuple[float, str]:
        nonlocal since
        seen = target_health(cluster, settings)
        now = time.monotonic()
        since = (since or now) if seen.healthy else None
        return now - (since or now), seen.observed

    wait.until("the target to be well for 15 s", look, lambda seen: seen[0] >= 15, seconds=240)


def assert_as_known(settings: Settings, cluster: Cluster) -> None:
    """No drill and no fault open, nothing different from before the tests, and the target is well: within
    30 s, for one connection that is reset is no illness."""
    assert lasting_differences(remember(cluster), observe(cluster)) == []
    assert ledger_of(cluster).files() == []
    wait.until(
        "the target to be well",
        lambda: target_health(cluster, settings),
        lambda seen: seen.healthy,
        seconds=30,
    )
