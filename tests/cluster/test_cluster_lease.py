"""One run at a time, by a Lease in the cluster itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drill import settings as target_settings
from drill.cluster.access import AbsentError, Cluster, connect
from drill.cluster.lease import EXPIRES_SECONDS, LEASES, NAME, Holder, LeaseError, hold

ROOT = Path(__file__).parents[2]
OTHER_CHECKOUT = """
import signal, sys, time
from drill import settings
from drill.cluster.access import connect
from drill.cluster.lease import Holder, hold
def interrupt(number, frame): raise KeyboardInterrupt
signal.signal(signal.SIGTERM, interrupt)  # as the pytest plugin does
with hold(connect(settings.load(sys.argv[1])), Holder.of_this_process("the other checkout's"), 0):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def reached() -> Cluster:
    return connect(target_settings.load(ROOT / "drill.toml"))


def other_run(folder: Path) -> subprocess.Popen[bytes]:
    """A run from another folder, which has the cluster."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_CHECKOUT, str(ROOT / "drill.toml")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_second_run_is_refused_until_the_first_is_gone(
    reached: Cluster, tmp_path: Path, number: signal.Signals
) -> None:
    other = other_run(tmp_path)
    try:
        with (
            pytest.raises(LeaseError, match=f"the other checkout's, process {other.pid} "),
            hold(reached, Holder.of_this_process("second"), 1),
        ):
            pass
    finally:
        other.send_signal(number)
        other.wait()
    if number == signal.SIGTERM:
        with pytest.raises(AbsentError):
            reached.get(f"{LEASES}/{NAME}")
    # sooner than a holder of another machine, whose lease would have to expire
    with hold(reached, Holder.of_this_process("second"), EXPIRES_SECONDS / 3) as held:
        held.check()
    with pytest.raises(AbsentError):
        reached.get(f"{LEASES}/{NAME}")
