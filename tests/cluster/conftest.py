"""The real cluster for the tests of what acts on it. Each test starts from the target's known state and
leaves it so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from target_state import ROOT, remember

from drill import settings as target_settings
from drill.cluster.access import Cluster, connect
from drill.putback import put_back as put_back_what_drills_left
from drill.putback.repair import repair
from drill.recording import Recorder
from drill.settings import Settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    return target_settings.load(ROOT / "drill.toml")


@pytest.fixture(scope="session")
def cluster(settings: Settings) -> Cluster:
    reached = connect(settings)
    put_back_what_drills_left(settings, reached)
    remember(reached)
    return reached


@pytest.fixture
def put_back(settings: Settings, cluster: Cluster) -> Iterator[None]:
    """The target as known afterwards, whatever the test left."""
    yield
    put_back_what_drills_left(settings, cluster)
    repair(cluster, settings, remember(cluster))


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    opened = Recorder(tmp_path / "recording.jsonl")
    yield opened
    opened.close()
