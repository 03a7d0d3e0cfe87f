"""What the tests of this folder say about the target."""

from __future__ import annotations

from pathlib import Path

from drill.cluster.access import Cluster
from drill.parts.health import target_health
from drill.putback.known_state import differences, observe, recorded
from drill.putback.ledger import Ledger
from drill.settings import Settings

ROOT = Path(__file__).parents[2]


def assert_as_known(settings: Settings, cluster: Cluster) -> None:
    """No fault open, nothing different from the known state, and the target is well."""
    known = recorded(cluster, settings)
    assert known is not None
    assert differences(known, observe(cluster)) == []
    assert Ledger(settings.root).files() == []
    seen = target_health(cluster, settings)
    assert seen.healthy, seen.observed
