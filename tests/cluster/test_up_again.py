"""`drill up` where all is up already changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from target_state import ROOT, assert_as_known, remember

from drill.cluster.access import Cluster
from drill.machine.kind import name_of, nodes_of
from drill.settings import Settings

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("put_back")]


def test_a_cluster_that_is_up_is_kept(settings: Settings, cluster: Cluster) -> None:
    remember(cluster)
    before = nodes_of(name_of(settings))
    assert before
    done = subprocess.run(
        [sys.executable, "-c", "from drill.start import main; main()", "up"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "is running" in done.stdout + done.stderr
    assert nodes_of(name_of(settings)) == before
    assert_as_known(settings, cluster)
